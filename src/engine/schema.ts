import { setTimeout as sleep } from "node:timers/promises";
import { LockstepError } from "../core/errors.ts";
import { LAUNCH_LOCK, SCHEMA } from "./names.ts";
import type { Ask } from "./session.ts";

/** Heartbeats by the database's clock, and the runs that stopped because their journal cannot be trusted. */
const TABLES = `
  CREATE SCHEMA IF NOT EXISTS ${SCHEMA};
  CREATE TABLE IF NOT EXISTS ${SCHEMA}.workers (
    executor text PRIMARY KEY,
    kind text NOT NULL,
    lock_key bigint NOT NULL,
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    beat_at timestamptz NOT NULL DEFAULT clock_timestamp()
  );
  CREATE TABLE IF NOT EXISTS ${SCHEMA}.parked (
    run text PRIMARY KEY,
    executor text NOT NULL,
    why text NOT NULL,
    entry text NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
  );`;

/** Makes the engine's own tables; under the launch lock. */
export async function makeTables(ask: Ask): Promise<void> {
  const there = await ask(`SELECT to_regclass('${SCHEMA}.parked') IS NOT NULL AS yes`);
  // Looking first: a role that may use the tables need not be allowed to create a schema.
  if (there[0]?.["yes"] !== true) await ask(TABLES);
}

/**
 * Runs the body while no other process launches. The lock is polled for and not waited for: a statement that waits keeps a
 * snapshot, DBOS's `CREATE INDEX CONCURRENTLY` waits for all older snapshots, and both would wait for each other.
 */
export async function alone<T>(ask: Ask, body: () => Promise<T>, patienceMs = 60_000): Promise<T> {
  const deadline = Date.now() + patienceMs;
  const key = [LAUNCH_LOCK.toString()];
  while ((await ask("SELECT pg_try_advisory_lock($1) AS yes", key))[0]?.["yes"] !== true) {
    if (Date.now() > deadline) throw blocked();
    await sleep(20);
  }
  try {
    return await body();
  } finally {
    // A connection that died has given the lock back by itself.
    await ask("SELECT pg_advisory_unlock($1)", key).catch(() => {});
  }
}

function blocked(): LockstepError {
  return new LockstepError({
    code: "DATABASE_UNREACHABLE",
    message: "another Lockstep process has been starting on this database for a minute",
    because: "the tables are made by one process at a time, and that one does not go on",
    next: "lockstep doctor    after you have ended the process that hangs; SELECT pid, application_name FROM pg_stat_activity shows it",
  });
}

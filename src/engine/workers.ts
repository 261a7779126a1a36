import pg from "pg";
import type { Instant } from "../core/time.ts";
import { connectionOf, isUnused, unreachable } from "./database.ts";
import { SCHEMA } from "./names.ts";
import type { Ask } from "./session.ts";

/** How old a heartbeat may be before its process counts as frozen. The clock is the database's. */
export const STALE_MS = 5_000;

/** A process that carries out runs, or did. */
export interface Worker {
  readonly executor: string;
  readonly kind: string;
  readonly since: Instant;
  /** It holds its lock and its heart beats. */
  readonly alive: boolean;
}

// pg_locks shows a 64-bit key as two halves.
const ALIVE = `w.beat_at > clock_timestamp() - $1 * interval '1 ms' AND EXISTS (
    SELECT FROM pg_locks l WHERE l.locktype = 'advisory' AND l.objsubid = 1 AND l.granted
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND l.classid = ((w.lock_key >> 32) & 4294967295)::oid AND l.objid = (w.lock_key & 4294967295)::oid)`;

const LIST = `SELECT w.executor, w.kind, w.since, ${ALIVE} AS alive FROM ${SCHEMA}.workers w ORDER BY w.since`;

const ANY_ALIVE = `SELECT w.executor FROM ${SCHEMA}.workers w WHERE ${ALIVE} LIMIT 1`;

const PARKED_NOW = `SELECT p.why FROM ${SCHEMA}.parked p JOIN ${SCHEMA}.workers w USING (executor)
  WHERE p.run = $2 AND ${ALIVE}`;

/** The processes that this database knows; none where no Lockstep has used it. */
export async function listWorkers(ask: Ask): Promise<readonly Worker[]> {
  try {
    return (await ask(LIST, [STALE_MS])).map((row) => ({
      executor: String(row["executor"]),
      kind: String(row["kind"]),
      since: (row["since"] as Date).toISOString(),
      alive: row["alive"] === true,
    }));
  } catch (thrown) {
    if (isUnused(thrown)) return [];
    throw thrown;
  }
}

/** Whether any process that carries out runs is alive: it takes up what another one has left. */
export async function isAnyAlive(ask: Ask): Promise<boolean> {
  try {
    return (await ask(ANY_ALIVE, [STALE_MS])).length > 0;
  } catch (thrown) {
    if (isUnused(thrown)) return false;
    throw thrown;
  }
}

/**
 * Whether a living `lockstep worker` or `serve` would take a run now: one connection and one statement, without DBOS, whose
 * import alone costs 77 ms. Throws DATABASE_UNREACHABLE.
 */
export async function hasLivingWorker(databaseUrl: string): Promise<boolean> {
  const client = new pg.Client(connectionOf(databaseUrl, "lockstep looks for a worker"));
  client.on("error", () => {});
  try {
    await client.connect();
    const ask: Ask = async (sql, values = []) =>
      (await client.query<Record<string, unknown>>(sql, [...values])).rows;
    return (await listWorkers(ask)).some(({ alive, kind }) => alive && kind === "worker");
  } catch (thrown) {
    throw unreachable(databaseUrl, thrown);
  } finally {
    void client.end().catch(() => {});
  }
}

/** A run whose journal cannot be trusted or opened here; a person has to look. */
export interface ParkedRun {
  readonly run: string;
  readonly why: string;
}

/** The parked runs of this database; none where no Lockstep has used it. */
export async function listParked(ask: Ask): Promise<readonly ParkedRun[]> {
  try {
    const rows = await ask(`SELECT run, why FROM ${SCHEMA}.parked ORDER BY run`);
    return rows.map((row) => ({ run: String(row["run"]), why: String(row["why"]) }));
  } catch (thrown) {
    if (isUnused(thrown)) return [];
    throw thrown;
  }
}

/** Why a run rests with the process that parked it; undefined once that one is gone, because another takes the run up then. */
export async function parkedNow(ask: Ask, run: string): Promise<string | undefined> {
  const [found] = await ask(PARKED_NOW, [STALE_MS, run]);
  return found && String(found["why"]);
}

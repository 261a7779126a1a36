import { DBOS } from "@dbos-inc/dbos-sdk";
import type { RunId } from "../core/record.ts";
import { nameOf, sessionName } from "./database.ts";
import type { Executions, Log } from "./executions.ts";
import { DBOS_SCHEMA, lifeLock, QUEUE, SCHEMA } from "./names.ts";
import type { Session } from "./session.ts";

/** How often what this process has claimed itself is compared with what it carries out. */
const STRAND_MS = 5_000;

/** The times of worker life; shorter in tests only. */
export interface Times {
  /** How often the dead are looked for. */
  readonly takeoverMs: number;
  /** How old a heartbeat may be. */
  readonly staleMs: number;
  /** How long nobody is taken over after a restart of the database: every lock is free then, and its owner may live. */
  readonly restartMs: number;
}

const BEAT = `INSERT INTO ${SCHEMA}.workers (executor, kind, lock_key) VALUES ($1, $2, $3)
  ON CONFLICT (executor) DO UPDATE SET beat_at = clock_timestamp()`;

// `name` keeps a stranger's workflows in the same schema out of it.
const OWNERS = `SELECT DISTINCT executor_id AS executor FROM ${DBOS_SCHEMA}.workflow_status
  WHERE status = 'PENDING' AND queue_name = $1 AND executor_id <> $2
    AND clock_timestamp() - pg_postmaster_start_time() > $3 * interval '1 ms'`;

const RUNS = `SELECT workflow_uuid AS run FROM ${DBOS_SCHEMA}.workflow_status
  WHERE status = 'PENDING' AND queue_name = $1 AND executor_id = $2`;

// All sessions of the frozen process and not only the one with the lock: another may hold a row that we need.
const END_FROZEN = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
  WHERE application_name = $1 AND datname = current_database() AND EXISTS (
    SELECT FROM ${SCHEMA}.workers WHERE executor = $2 AND beat_at < clock_timestamp() - $3 * interval '1 ms')`;

const STRANDED = `SELECT workflow_uuid AS run, owner_xid AS token FROM ${DBOS_SCHEMA}.workflow_status
  WHERE status = 'PENDING' AND queue_name = $1 AND executor_id = $2
    AND started_at_epoch_ms < extract(epoch FROM clock_timestamp()) * 1000 - $3`;

const SWEEP = `DELETE FROM ${SCHEMA}.workers w WHERE beat_at < clock_timestamp() - interval '1 hour'
  AND NOT EXISTS (SELECT FROM ${DBOS_SCHEMA}.workflow_status s WHERE s.executor_id = w.executor AND s.status = 'PENDING')`;

/** Shows that this executor lives; the row is there before its first claim. */
export async function beat(session: Session, executor: string, kind: string): Promise<void> {
  await session.ask(BEAT, [executor, kind, lifeLock(executor).toString()]);
}

/** Keeps the heart beating and takes over the runs of processes that died or froze, until stopped. */
export function keepWatch(
  self: { readonly executor: string; readonly kind: string },
  session: Session,
  executions: Executions,
  times: Times,
  log: Log,
): { stop(): Promise<void> } {
  const takeFrom = async (dead: string): Promise<void> => {
    const key = [lifeLock(dead).toString()];
    const generation = session.generation();
    const [free] = await session.ask("SELECT pg_try_advisory_lock($1) AS yes", key);
    if (free?.["yes"] !== true) {
      const ended = await session.ask(END_FROZEN, [sessionName(dead), dead, times.staleMs]);
      if (ended.length > 0) log({ level: "warn", msg: `process ${dead} is frozen; its runs are taken over` });
      return;
    }
    try {
      // Again, under the lock: somebody else may have taken them over since the first look.
      const runs = idsOf(await session.ask(RUNS, [QUEUE, dead]));
      if (runs.length === 0 || session.generation() !== generation) return;
      await resume(runs);
      log({ level: "info", msg: `took over from process ${dead}: ${runs.join(", ")}` });
      await session.ask(`DELETE FROM ${SCHEMA}.workers WHERE executor = $1`, [dead]);
    } finally {
      await session.ask("SELECT pg_advisory_unlock($1)", key);
    }
  };
  const takeOver = async (): Promise<void> => {
    const restarted = session.generation() > 1 && performance.now() - session.heldSince() < times.restartMs;
    if (restarted) return;
    const owners = await session.ask(OWNERS, [QUEUE, self.executor, times.restartMs]);
    for (const { executor } of owners) await takeFrom(String(executor));
  };
  /** Claims whose answer was lost on the way, and those that DBOS could not begin: nothing else ever looks at them again. */
  const strands = async (): Promise<void> => {
    const rows = await session.ask(STRANDED, [QUEUE, self.executor, 2 * STRAND_MS]);
    const lost = rows.filter((row) => !executions.carriesOut(String(row["run"]), String(row["token"])));
    if (lost.length > 0) await resume(idsOf(lost));
    await session.ask(SWEEP);
  };
  const stops = [
    every(times.takeoverMs, takeOver, log),
    every(times.takeoverMs, () => executions.handBack(resume), log),
    every(times.staleMs / 5, () => beat(session, self.executor, self.kind), log),
    every(STRAND_MS, strands, log),
  ];
  return {
    stop: async () => {
      await Promise.all(stops.map((stop) => stop()));
    },
  };
}

/** Back to the queue, with the queue named: without, a run leaves it, and a second one of its secret ran beside it. */
async function resume(runs: readonly RunId[]): Promise<void> {
  await DBOS.resumeWorkflows([...runs], { queueName: QUEUE });
}

function idsOf(rows: readonly Record<string, unknown>[]): RunId[] {
  return rows.map((row) => String(row["run"]));
}

/** Does the work again and again, never two at a time; a failure is logged once until the next success. */
function every(ms: number, work: () => Promise<void>, log: Log): () => Promise<void> {
  let stopped = false;
  let said = false;
  let timer: NodeJS.Timeout;
  let running: Promise<void> = Promise.resolve();
  const turn = async (): Promise<void> => {
    try {
      await work();
      said = false;
    } catch (thrown) {
      if (!stopped && !said) log({ level: "warn", msg: `the engine's watch failed: ${nameOf(thrown)}` });
      said = true;
    }
    if (!stopped) set();
  };
  const set = (): void => {
    timer = setTimeout(() => {
      running = turn();
    }, ms);
  };
  set();
  return async () => {
    stopped = true;
    clearTimeout(timer);
    // A turn that hangs on a database that is away must not keep the process from closing.
    await Promise.race([running, new Promise<void>((go) => setTimeout(go, 1_000).unref())]);
  };
}

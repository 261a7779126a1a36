import { DBOS } from "@dbos-inc/dbos-sdk";
import type { RunId } from "../core/record.ts";
import { nameOf, sessionName } from "./database.ts";
import type { Executions, Log } from "./executions.ts";
import { DBOS_SCHEMA, LIFE_LOCK_OF_EXECUTOR, lifeLock, QUEUE, QUEUED, SCHEMA } from "./names.ts";
import type { Session } from "./session.ts";

/** How often what this process has claimed itself is compared with what it carries out. */
const STRAND_MS = 5_000;

/** How often runs that failed are looked through for those that are to be tried again; costs no statement. */
const BACKLOG_MS = 250;

/** How often rows of processes that ended long ago are removed. */
const SWEEP_MS = 30_000;

/** How long the dead are looked for often after there was reason to: a run was enqueued, or a peer carries one out. */
const ALERT_MS = 3_000;

/** The times of worker life; other ones in tests only. */
export interface Times {
  /** How often the dead are looked for while others may have runs. */
  readonly takeoverMs: number;
  /** How often while nobody else has one. */
  readonly idleMs: number;
  /** How old a heartbeat may be. */
  readonly staleMs: number;
  /** How long nobody is taken over after a restart of the database: every lock is free then, and its owner may live. */
  readonly restartMs: number;
}

// A heartbeat that a crash of the server forgets is as old as one that never came: it does not wait for the disk.
const BEAT = `INSERT INTO ${SCHEMA}.workers (executor, kind, lock_key)
  SELECT $1::text, $2::text, $3::bigint FROM set_config('synchronous_commit', 'off', true)
  ON CONFLICT (executor) DO UPDATE SET beat_at = clock_timestamp()`;

// Whoever else has a run, and whether it lives: its lock is ours afterwards where it is free. All in one statement, because
// this is asked again and again. `queue_name` keeps a stranger's workflows in the same schema out of it.
const WATCH = `WITH others AS MATERIALIZED (
    SELECT DISTINCT executor_id AS executor FROM ${DBOS_SCHEMA}.workflow_status
    WHERE status = 'PENDING' AND queue_name = $1 AND executor_id <> $2
      AND clock_timestamp() - pg_postmaster_start_time() > $3 * interval '1 ms')
  SELECT executor, pg_try_advisory_lock(${LIFE_LOCK_OF_EXECUTOR}) AS free, EXISTS (
      SELECT FROM ${SCHEMA}.workers w WHERE w.executor = others.executor
        AND w.beat_at < clock_timestamp() - $4 * interval '1 ms') AS frozen
  FROM others`;

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

/** Looks after this process and its peers, until stopped. */
export interface Watch {
  /** A run was enqueued: somebody may take it and die. */
  alert(): void;
  stop(): Promise<void>;
}

/** Keeps the heart beating and takes over the runs of processes that died or froze, until stopped. */
export function keepWatch(
  self: { readonly executor: string; readonly kind: string },
  session: Session,
  executions: Executions,
  times: Times,
  log: Log,
): Watch {
  let alertUntil = performance.now() + ALERT_MS;
  const alert = (): void => {
    alertUntil = performance.now() + ALERT_MS;
  };
  const handBack = (runs: readonly RunId[]): Promise<void> => resume(session, runs);
  const takeFrom = async (dead: string, generation: number): Promise<void> => {
    try {
      // Only now, under the lock: somebody else may have taken them over since they were seen.
      const runs = idsOf(await session.ask(RUNS, [QUEUE, dead]));
      if (runs.length === 0 || session.generation() !== generation) return;
      await handBack(runs);
      log({ level: "info", msg: `took over from process ${dead}: ${runs.join(", ")}` });
      await session.ask(`DELETE FROM ${SCHEMA}.workers WHERE executor = $1`, [dead]);
    } finally {
      await session.ask("SELECT pg_advisory_unlock($1)", [lifeLock(dead).toString()]);
    }
  };
  const awake = keepAwake(times.staleMs / 2);
  const takeOver = async (): Promise<void> => {
    const judges = awake();
    const restarted = session.generation() > 1 && performance.now() - session.heldSince() < times.restartMs;
    if (restarted) return;
    const generation = session.generation();
    const others = await session.ask(WATCH, [QUEUE, self.executor, times.restartMs, times.staleMs]);
    if (others.length > 0) alert();
    const done = others.map(async ({ executor, free, frozen }) => {
      const name = String(executor);
      if (free === true) return takeFrom(name, generation);
      if (frozen !== true || !judges) return;
      const ended = await session.ask(END_FROZEN, [sessionName(name), name, times.staleMs]);
      if (ended.length > 0) log({ level: "warn", msg: `process ${name} is frozen; its runs are taken over` });
    });
    // All, so that no lock is kept because of what happened to another.
    for (const one of await Promise.allSettled(done)) if (one.status === "rejected") throw one.reason;
  };
  /** Claims whose answer was lost on the way, and those that DBOS could not begin: nothing else ever looks at them again. */
  const strands = async (): Promise<void> => {
    const rows = await session.ask(STRANDED, [QUEUE, self.executor, 2 * STRAND_MS]);
    const lost = rows.filter((row) => !executions.carriesOut(String(row["run"]), String(row["token"])));
    if (lost.length > 0) await handBack(idsOf(lost));
  };
  const pace = (): number => (performance.now() < alertUntil ? times.takeoverMs : times.idleMs);
  const turns = {
    takeOver: every(pace, takeOver, log),
    handBack: every(
      () => BACKLOG_MS,
      () => executions.handBack(handBack),
      log,
    ),
    beat: every(
      () => times.staleMs / 5,
      () => beat(session, self.executor, self.kind),
      log,
    ),
    strands: every(() => STRAND_MS, strands, log),
    sweep: every(
      () => SWEEP_MS,
      async () => void (await session.ask(SWEEP)),
      log,
    ),
  };
  return {
    alert: () => {
      alert();
      turns.takeOver.hurry();
    },
    stop: async () => {
      await Promise.all(Object.values(turns).map((turn) => turn.stop()));
    },
  };
}

/**
 * Tells whether this process has looked on without a pause for so long. A machine that slept or was starved held up everybody's
 * heart: whoever wakes first would find the others frozen, who have not had the time to beat.
 */
function keepAwake(ms: number): () => boolean {
  let looked = Date.now();
  let since = Number.NEGATIVE_INFINITY;
  return () => {
    // The wall clock, as the heartbeats have it: the monotonic one stands still while a machine sleeps.
    const now = Date.now();
    if (Math.abs(now - looked) > ms) since = now;
    looked = now;
    return now - since > ms;
  };
}

/** Back to the queue, with the queue named: without, a run leaves it, and a second one of its secret ran beside it. */
async function resume(session: Session, runs: readonly RunId[]): Promise<void> {
  await DBOS.resumeWorkflows([...runs], { queueName: QUEUE });
  // Also ourselves: we are told like everybody else.
  await session.ask("SELECT pg_notify($1, '')", [QUEUED]);
}

function idsOf(rows: readonly Record<string, unknown>[]): RunId[] {
  return rows.map((row) => String(row["run"]));
}

interface Turns {
  /** The pace has become faster: the next turn comes no later than by it. */
  hurry(): void;
  stop(): Promise<void>;
}

/** Does the work again and again, never two at a time; a failure is logged once until the next success. */
function every(pace: () => number, work: () => Promise<void>, log: Log): Turns {
  let stopped = false;
  let said = false;
  let timer: NodeJS.Timeout | undefined;
  let due = 0;
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
    const wait = pace();
    due = performance.now() + wait;
    timer = setTimeout(() => {
      timer = undefined;
      running = turn();
    }, wait);
  };
  set();
  return {
    hurry: () => {
      if (timer === undefined || due <= performance.now() + pace()) return;
      clearTimeout(timer);
      set();
    },
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      // A turn that hangs on a database that is away must not keep the process from closing.
      await Promise.race([running, new Promise<void>((go) => setTimeout(go, 1_000).unref())]);
    },
  };
}

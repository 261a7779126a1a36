import type { RunId } from "../core/record.ts";
import { codeOf, nameOf } from "./database.ts";
import { setFrontier } from "./internals.ts";
import { DBOS_SCHEMA, SCHEMA } from "./names.ts";
import { type Distrust, DistrustedEntry, OTHER_PLAN } from "./sealed.ts";
import type { Ask } from "./session.ts";

/** Takes a line for the log. The text is ours; of what others threw it holds class and code at most. */
export type Log = (line: { level: "info" | "warn" | "error"; msg: string }) => void;

/** One execution of a run in this process. A run can have several: an older one that lost it does not know yet. */
export interface Execution {
  readonly run: RunId;
  readonly token: string;
  /** Something of the run was recorded before, as far as could be read. */
  resumed: boolean;
  /** Entries that have begun and are not recorded yet. */
  inFlight: number;
  /** It may do nothing more: nothing of it ever settles again. */
  silent: boolean;
}

/** A promise that never settles: what a run gets that may not go on. A throw would be recorded as its outcome. */
export function silence(execution: Execution): Promise<never> {
  execution.silent = true;
  return new Promise<never>(() => {});
}

/** The executions of this process. */
export interface Executions {
  begin(run: RunId, token: string): Promise<Execution>;
  end(execution: Execution): void;
  /** Returns when this execution still owns its run; otherwise falls silent. */
  owned(execution: Execution): Promise<void>;
  /** Falls silent for good, and says why in the log; what cannot be trusted parks the run, the rest is handed back. */
  stop(execution: Execution, thrown: unknown): Promise<never>;
  /** Gives the runs that stopped on a passing fault, and have waited long enough, to `resume`. */
  handBack(resume: (runs: readonly RunId[]) => Promise<void>): Promise<void>;
  /** Whether the run's present claim is being carried out here. */
  carriesOut(run: RunId, token: string): boolean;
  /** How many entries are in progress; a run that waits has none. */
  busy(): number;
  /** From now on nothing new begins; resolves when what is in flight is recorded, or after `graceMs`. */
  drain(graceMs: number): Promise<void>;
  draining(): boolean;
}

const OWNED = `SELECT 1 FROM ${DBOS_SCHEMA}.workflow_status
  WHERE workflow_uuid = $1 AND executor_id = $2 AND status = 'PENDING' AND owner_xid = $3`;

const PARK = `INSERT INTO ${SCHEMA}.parked (run, executor, why, entry) VALUES ($1, $2, $3, $4)
  ON CONFLICT (run) DO UPDATE SET executor = $2, why = $3, entry = $4, at = clock_timestamp()`;

/** Also tells the last entry that is recorded. */
const UNPARK = `WITH gone AS (DELETE FROM ${SCHEMA}.parked WHERE run = $1)
  SELECT coalesce(max(function_id), -1) AS frontier FROM ${DBOS_SCHEMA}.operation_outputs WHERE workflow_uuid = $1`;

/** DBOS's numbers for: a later claim owns the run; it was cancelled. Nothing is wrong then. */
const GOES_ON_ELSEWHERE = [5, 24];
/** DBOS's numbers for: another step was recorded here; a step was recorded twice. */
const DIFFERENT_ORDER = [26, 37];

/** Keeps the executions of one executor; `ask` asks on the session that holds its lock. */
export function keepExecutions(ask: Ask, executor: string, log: Log): Executions {
  const live = new Set<Execution>();
  const backlog = keepBacklog();
  let draining = false;

  const of = (run: RunId): Execution[] => [...live].filter((one) => one.run === run);
  const busy = (): number => [...live].reduce((sum, one) => sum + (one.silent ? 0 : one.inFlight), 0);

  const hush = async (execution: Execution, thrown: unknown): Promise<void> => {
    const { run } = execution;
    if (GOES_ON_ELSEWHERE.includes(dbosCode(thrown))) {
      log({ level: "info", msg: `run ${run} goes on in another process or a later execution` });
      return;
    }
    const distrust = distrustOf(thrown);
    if (distrust !== undefined) {
      log({ level: "error", msg: `run ${run} is parked: ${wordsFor(distrust)}` });
      await ask(PARK, [run, executor, distrust.why, distrust.entry]);
      return;
    }
    const pause = backlog.add(run);
    log({ level: "warn", msg: `run ${run} is tried again in ${pause} ms: ${nameOf(thrown)}` });
  };

  return {
    begin: async (run, token) => {
      const execution: Execution = { run, token, resumed: true, inFlight: 0, silent: draining };
      for (const other of of(run)) if (other.silent) live.delete(other);
      live.add(execution);
      if (draining) await silence(execution);
      const [found] = await ask(UNPARK, [run]).catch(() => []);
      const frontier = found && Number(found["frontier"]);
      if (frontier === -1) execution.resumed = false;
      if (frontier !== undefined) setFrontier(execution, frontier);
      return execution;
    },
    end: (execution) => {
      setFrontier(execution);
      live.delete(execution);
      backlog.done(execution.run);
    },
    owned: async (execution) => {
      if (execution.silent || draining) return silence(execution);
      const mine = await ask(OWNED, [execution.run, executor, execution.token]).catch(() => []);
      // Asked again: the answer may have been on its way while another part of the run stopped, or the engine closed.
      if (mine.length === 0 || execution.silent || draining) return silence(execution);
    },
    stop: async (execution, thrown) => {
      // Once: the entries of a round fail together.
      const said = draining || execution.silent;
      execution.silent = true;
      if (!said) await hush(execution, thrown).catch(() => {});
      return silence(execution);
    },
    handBack: (resume) => backlog.work(resume),
    carriesOut: (run, token) => of(run).some((one) => one.token === token),
    busy,
    drain: async (graceMs) => {
      draining = true;
      const deadline = performance.now() + graceMs;
      while (busy() > 0 && performance.now() < deadline) await new Promise((go) => setTimeout(go, 5));
    },
    draining: () => draining,
  };
}

/** Runs that wait to go back to the queue: a second first, a minute in the end, so that a lasting fault costs nothing. */
function keepBacklog(): {
  add(run: RunId): number;
  done(run: RunId): void;
  work(resume: (runs: readonly RunId[]) => Promise<void>): Promise<void>;
} {
  const pauses = new Map<RunId, number>();
  const due = new Map<RunId, number>();
  return {
    add: (run) => {
      const pause = Math.min((pauses.get(run) ?? 500) * 2, 60_000);
      pauses.set(run, pause);
      due.set(run, performance.now() + pause);
      return pause;
    },
    done: (run) => {
      pauses.delete(run);
      due.delete(run);
    },
    work: async (resume) => {
      const runs = [...due].filter(([, at]) => at <= performance.now()).map(([run]) => run);
      if (runs.length === 0) return;
      await resume(runs);
      // Only now: the database may be what failed them, and still be away.
      for (const run of runs) due.delete(run);
    },
  };
}

function dbosCode(thrown: unknown): number {
  if (typeof thrown !== "object" || thrown === null || !("dbosErrorCode" in thrown)) return 0;
  return Number(thrown.dbosErrorCode);
}

function wordsFor({ why, entry }: { why: Distrust; entry: string }): string {
  return why === OTHER_PLAN ? why : `its journal entry ${entry} is not used, ${why}`;
}

function distrustOf(thrown: unknown): { why: Distrust; entry: string } | undefined {
  if (thrown instanceof DistrustedEntry) return thrown;
  if (DIFFERENT_ORDER.includes(dbosCode(thrown))) {
    return { why: "another entry was expected at its place", entry: "of this step" };
  }
  if (codeOf(thrown) === "KEYRING_WRONG")
    return { why: "the key ring does not open it", entry: "of this step" };
  return undefined;
}

import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { DBOS, DBOSClient } from "@dbos-inc/dbos-sdk";
import type { Pool } from "pg";
import { LockstepError } from "../core/errors.ts";
import type { Journal } from "../core/journal.ts";
import type { RunId } from "../core/record.ts";
import { attempt, boxName } from "./answers.ts";
import { NO_URL } from "./client.ts";
import { openPool, sessionName, unreachable } from "./database.ts";
import { quietLogger } from "./dbos-log.ts";
import { type Executions, keepExecutions, type Log } from "./executions.ts";
import {
  askLess,
  lookIntoQueue,
  recorded,
  registerQueue,
  retrySoon,
  tickSeldom,
  tokenOf,
} from "./internals.ts";
import { journalOf } from "./journal.ts";
import { keepLooks, type Looks } from "./looks.ts";
import { type Mailbox, openMailbox } from "./mailbox.ts";
import { APPLICATION, DBOS_SCHEMA, SCHEMA, WORKFLOW } from "./names.ts";
import { type Requests, requestsOver } from "./requests.ts";
import { alone, makeTables } from "./schema.ts";
import { DistrustedEntry, OTHER_PLAN, openEntry, type Sealer, sealEntry, serializerOver } from "./sealed.ts";
import { openSession, type Session } from "./session.ts";
import { beat, keepWatch, type Times, type Watch } from "./takeover.ts";
import { listWorkers, STALE_MS, type Worker } from "./workers.ts";

/** How to open an engine. */
export interface EngineOptions {
  readonly databaseUrl: string;
  /** Shown in the sign of life. Both carry out runs. */
  readonly kind: "worker" | "command";
  readonly sealer: Sealer;
  /** Throws KEYRING_WRONG when the key ring does not open this database's canary; no run is taken before it resolved. */
  proveKeys(): Promise<void>;
  /** Carries out a run. It should not throw; what it throws is kept as trouble, and {@link Requests.result} throws it. */
  procedure(run: { readonly id: RunId; readonly input: unknown }, journal: Journal): Promise<unknown>;
  /** Whether this program would carry out what was begun as it was shown; asked whenever it goes on with a run (design 4, rule 4). */
  readonly goesOnWith?: (input: unknown) => boolean;
  readonly log: Log;
  /** The version of the runbooks; a run is carried out only by engines of the version it was started for. */
  readonly version: string;
  /** The server cannot be reached; once an outage. Whoever owns an embedded one opens it again, at the same URL. */
  onDatabaseLost?(): void;
  /** How often this process asks the queue for what it was not told of. Default 1,000. */
  readonly pollMs?: number;
  /** For tests. */
  readonly times?: Partial<Times>;
}

/** A process's part in carrying out runs, from {@link openEngine} until {@link Engine.close}. */
export interface Engine extends Requests {
  /** Unique to this opening, never reused. */
  readonly executor: string;
  workers(): Promise<readonly Worker[]>;
  /** Finishes entries in flight within `graceMs` (default 2,000) and hands the rest back: the next process goes on with it. */
  close(graceMs?: number): Promise<void>;
}

/** A run that waits for a person is restarted with every deploy: DBOS's own limit of 100 would end it on the 101st. */
const RECOVERIES = 1_000_000_000;

/** What is enqueued is told on a channel; this finds what was enqueued by one who died before it could tell. */
const POLL_MS = 1_000;

/** With 250 instead of 150 the slowest of 40 takeovers took 529 ms. */
const TIMES: Times = { takeoverMs: 150, idleMs: 1_000, staleMs: STALE_MS, restartMs: 1_500 };

/** How long the recording of a run's end may take. */
const RECORDING_MS = 10_000;

let open = false;

/**
 * Opens the engine of this process; it takes runs from then on. One at a time, because DBOS is global to the process; after
 * `close` another may be opened. Throws DATABASE_UNREACHABLE, DATABASE_POOLED and what `proveKeys` throws.
 */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  if (open) throw twice();
  open = true;
  const undo: (() => Promise<unknown>)[] = [];
  try {
    return await build(options, undo);
  } catch (thrown) {
    for (const step of undo.reverse()) await step().catch(() => {});
    open = false;
    throw thrown instanceof LockstepError ? thrown : unreachable(options.databaseUrl, thrown);
  }
}

async function build(options: EngineOptions, undo: (() => Promise<unknown>)[]): Promise<Engine> {
  const { databaseUrl, kind, sealer, log } = options;
  // Never reused: two processes of one name strand their runs for ever (3 of 3).
  const executor = randomUUID();
  let mailbox: Mailbox | undefined;
  let watch: Watch | undefined;
  let executions: Executions | undefined;
  const looks = keepLooks(lookIntoQueue, () => executions?.busy() ?? 0);
  const session = await openSession(databaseUrl, executor, {
    lost: () => {
      log({ level: "warn", msg: "the database is gone; the engine waits for it" });
      options.onDatabaseLost?.();
    },
    regained: () => {
      log({ level: "info", msg: "the database is back" });
      looks.soon();
    },
    told: (run) => mailbox?.told(run),
    queued: () => {
      looks.soon();
      watch?.alert();
    },
  });
  undo.push(() => session.close());
  mailbox = openMailbox(session.ask);
  undo.push(async () => mailbox.close());
  const pool = openPool(databaseUrl, sessionName(executor), 10);
  undo.push(() => endPool(pool));
  await options.proveKeys();
  executions = keepExecutions(session.ask, executor, log);
  undo.push(() => DBOS.shutdown({ deregister: true }));
  await alone(session.ask, async () => {
    await makeTables(session.ask);
    await beat(session, executor, kind);
    await launch(options, executor, pool, runnerOf(options, executions, mailbox, looks));
  });
  looks.soon();
  watch = keepWatch({ executor, kind }, session, executions, { ...TIMES, ...options.times }, log);
  undo.push(watch.stop, looks.stop);
  const client = await DBOSClient.create({
    systemDatabaseUrl: NO_URL,
    systemDatabasePool: pool,
    systemDatabaseSchemaName: DBOS_SCHEMA,
    applicationName: APPLICATION,
    serializer: serializerOver(sealer),
    logger: quietLogger(log),
  });
  let closing: Promise<void> | undefined;
  return {
    ...requestsOver(client, pool, sealer, options.version),
    executor,
    workers: () => listWorkers(session.ask),
    close: (graceMs = 2_000) => {
      closing ??= closeAll({ executions, watch, looks, client, mailbox, session, pool }, executor, graceMs);
      return closing;
    },
  };
}

async function launch(
  options: EngineOptions,
  executor: string,
  pool: Pool,
  run: (input: unknown) => Promise<unknown>,
): Promise<void> {
  const { sealer, log, version } = options;
  retrySoon();
  tickSeldom();
  DBOS.registerWorkflow(run, { name: WORKFLOW, maxRecoveryAttempts: RECOVERIES });
  registerQueue(options.pollMs ?? POLL_MS);
  DBOS.setConfig({
    name: APPLICATION,
    systemDatabaseUrl: NO_URL,
    systemDatabasePool: pool,
    systemDatabaseSchemaName: DBOS_SCHEMA,
    executorID: executor,
    applicationVersion: version,
    serializer: serializerOver(sealer),
    logger: quietLogger(log),
    // Answers are waited for in the mailbox; LISTEN would make the launch 100 ms longer.
    useListenNotify: false,
    listenQueues: [],
  });
  await DBOS.launch();
  askLess();
}

/** The workflow: opens the input, lets the procedure work on a journal, and returns its end sealed. It never throws. */
function runnerOf(
  options: EngineOptions,
  executions: Executions,
  mailbox: Mailbox,
  looks: Looks,
): (input: unknown) => Promise<unknown> {
  const { sealer } = options;
  return async (stored) => {
    const id = DBOS.workflowID ?? "";
    const execution = await executions.begin(id, tokenOf(id));
    try {
      const input = openEntry(stored, id, boxName.input);
      if (execution.resumed && options.goesOnWith?.(input) === false)
        throw new DistrustedEntry(OTHER_PLAN, "plan");
      const journal = journalOf(execution, executions, mailbox, sealer);
      const answer = await attempt(() => options.procedure({ id, input }, journal));
      // An engine that closes waits for it as for an entry: people are told of the end before it is recorded, a command
      // closes then, and a run whose end is lost keeps the next one of its secret waiting until somebody ends it again.
      execution.inFlight += 1;
      const sealed = await sealEntry(sealer, id, boxName.result, answer);
      // DBOS records the end after this returns; until then the run must not look like one that nobody carries out.
      setTimeout(() => executions.end(execution), RECORDING_MS).unref();
      void recorded(id).then(() => {
        execution.inFlight -= 1;
        // Only then may the next run of the same secret begin.
        looks.soon();
      });
      return sealed;
    } catch (thrown) {
      return executions.stop(execution, thrown);
    }
  };
}

interface Parts {
  readonly executions: Executions;
  readonly watch: Watch;
  readonly looks: Looks;
  readonly client: DBOSClient;
  readonly mailbox: Mailbox;
  readonly session: Session;
  readonly pool: Pool;
}

const FORGET = `DELETE FROM ${SCHEMA}.workers WHERE executor = $1`;

async function closeAll(parts: Parts, executor: string, graceMs: number): Promise<void> {
  try {
    await Promise.all([parts.watch.stop(), parts.looks.stop(), parts.executions.drain(graceMs)]);
    parts.mailbox.close();
    // Only now: an entry that begins while DBOS goes would be recorded as failed, and fail on every replay.
    await DBOS.shutdown({ deregister: true });
    await parts.client.destroy();
    const forget = parts.session.ask(FORGET, [executor]);
    await Promise.race([forget.catch(() => {}), sleep(500, undefined, { ref: false })]);
  } finally {
    // The lock goes with the session, and with the lock the claim to what is not finished.
    await parts.session.close();
    await endPool(parts.pool);
    open = false;
  }
}

/** A connection that a stuck statement holds must not keep the process from closing. */
async function endPool(pool: Pool): Promise<void> {
  await Promise.race([pool.end().catch(() => {}), sleep(1_000, undefined, { ref: false })]);
}

function twice(): LockstepError {
  return new LockstepError({
    code: "INTERNAL",
    message: "an engine is open in this process already",
    because: "the durable engine is global to a process",
    next: "report this as a fault of Lockstep",
  });
}

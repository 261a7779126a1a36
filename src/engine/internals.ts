/**
 * Everything that the engine uses of DBOS beyond its documented surface, in one place, because an upgrade may take it away:
 * internals.test.ts fails then. Each has a documented alternative that was measured and rejected.
 */
import { currentOwnerXid, runWithAbortableDbRetries } from "@dbos-inc/dbos-sdk/internal/context";
import { DBOSExecutor } from "@dbos-inc/dbos-sdk/internal/dbos-executor";
import { DynamicSchedulerLoop } from "@dbos-inc/dbos-sdk/internal/scheduler/scheduler";
import { dbRetryConfig } from "@dbos-inc/dbos-sdk/internal/utils";
import { registerInternalQueue, wfQueueRunner } from "@dbos-inc/dbos-sdk/internal/wfqueue";
import { workflowTimeoutConfig } from "@dbos-inc/dbos-sdk/internal/workflow_management";
import type { RunId } from "../core/record.ts";
import { QUEUE } from "./names.ts";

/** How often DBOS does for us what it need not do at all; each was a statement a second of an idle process. */
const SELDOM_MS = 600_000;

/** What of DBOS's queue runner is private in its types. */
interface Runner {
  readonly constructor: { reconcileIntervalMs: number; transitionIntervalMs: number };
  readonly isRunning: boolean;
  readonly abortController?: AbortController;
  getInternalQueue(name: string): object | undefined;
  pollQueue(executor: object, queue: object): Promise<boolean>;
}

/** What of DBOS's system database is private in its types. */
interface Executing {
  readonly runningWorkflowMap: ReadonlyMap<string, readonly { readonly promise: Promise<unknown> }[]>;
}

const runner = wfQueueRunner as unknown as Runner;

/**
 * The token of the execution that asks, which each claim of a run draws anew. A map of run to newest execution would need no
 * internals, and lets an older execution of the same process pass between the claim and the start of the newer one.
 */
export function tokenOf(run: RunId): string {
  const token = currentOwnerXid(run);
  if (token === undefined) throw new Error("not inside the run");
  return token;
}

/**
 * The queue as this process polls it. A queue of `DBOS.registerQueue` lives in a table: its poll interval would be that of
 * whichever process registered last, a first start would wait a second until it is noticed, and an UPDATE of that table
 * would lift the rule of one run per secret.
 */
export function registerQueue(pollMs: number): void {
  registerInternalQueue(QUEUE, { partitionConcurrency: 1, minPollingIntervalMs: pollMs });
}

/**
 * Looks into the queue once, now, as DBOS's own poll does, and begins what it finds. A poll fast enough to start a run as
 * soon costs an idle worker 4 % of a core. Two looks at a time are as safe as two processes: a claim locks its rows.
 */
export async function lookIntoQueue(): Promise<void> {
  const queue = runner.getInternalQueue(QUEUE);
  const executor = DBOSExecutor.globalInstance;
  const signal = runner.abortController?.signal;
  if (!runner.isRunning || queue === undefined || executor === undefined || signal === undefined) return;
  await runWithAbortableDbRetries(signal, () => runner.pollQueue(executor, queue));
}

/** The last entry that was recorded when an execution began, by run and token: runs that are claimed together share one. */
const frontiers = new Map<string, number>();

/**
 * Says which entries an execution may find recorded: those up to the frontier, as it was read after the claim. Only the owner
 * of a run records, so nothing comes behind it but what the execution records itself. Call it with nothing at the end.
 */
export function setFrontier({ run, token }: { run: RunId; token: string }, frontier?: number): void {
  if (frontier === undefined) frontiers.delete(`${run} ${token}`);
  else frontiers.set(`${run} ${token}`, frontier);
}

/**
 * Saves what DBOS asks before each entry: whether its run was cancelled, which nobody of us does in DBOS, twice; and whether
 * the entry is recorded, also where it cannot be. Three statements of seven, while a person waits. Whether the run is ours is
 * asked by us before each effect, and by DBOS with each record. To be called after the launch.
 */
export function askLess(): void {
  const database = DBOSExecutor.globalInstance?.systemDatabase;
  if (database === undefined) return;
  const look = database.getOperationResultAndThrowIfCancelled.bind(database);
  database.checkIfCanceled = async () => {};
  database.getOperationResultAndThrowIfCancelled = async (run, entry) => {
    const frontier = frontiers.get(`${run} ${currentOwnerXid(run)}`);
    return frontier !== undefined && entry > frontier ? undefined : look(run, entry);
  };
}

/** Resolves when DBOS has recorded how the execution ended that this process has of the run; its handle would poll for it. */
export async function recorded(run: RunId): Promise<void> {
  // A run may end while the engine closes; nobody looks into the queue after that.
  const running = DBOSExecutor.globalInstance?.systemDatabase as unknown as Executing | undefined;
  await Promise.allSettled((running?.runningWorkflowMap.get(run) ?? []).map(({ promise }) => promise));
}

/** DBOS waits up to a minute between attempts after an outage; runs shall go on soon after the database is back. */
export function retrySoon(): void {
  dbRetryConfig.initialBackoffSec = 0.1;
  dbRetryConfig.maxBackoffSec = 2;
}

/** Stops what DBOS does beside our one queue: queues of its table, delayed and timed workflows, schedules. We have none. */
export function tickSeldom(): void {
  runner.constructor.reconcileIntervalMs = SELDOM_MS;
  runner.constructor.transitionIntervalMs = SELDOM_MS;
  workflowTimeoutConfig.pollingIntervalMs = SELDOM_MS;
  // A schedule is a row of a table too: whoever may write it would start workflows in here.
  DynamicSchedulerLoop.prototype.initialize = async () => {};
}

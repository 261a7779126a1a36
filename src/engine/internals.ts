/**
 * Everything that the engine uses of DBOS beyond its documented surface, in one place, because an upgrade may take it away:
 * engine.test.ts fails then. Each has a documented alternative that was measured and rejected.
 */
import { currentOwnerXid } from "@dbos-inc/dbos-sdk/internal/context";
import { dbRetryConfig } from "@dbos-inc/dbos-sdk/internal/utils";
import { registerInternalQueue } from "@dbos-inc/dbos-sdk/internal/wfqueue";
import type { RunId } from "../core/record.ts";
import { QUEUE } from "./names.ts";

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

/** DBOS waits up to a minute between attempts after an outage; runs shall go on soon after the database is back. */
export function retrySoon(): void {
  dbRetryConfig.initialBackoffSec = 0.1;
  dbRetryConfig.maxBackoffSec = 2;
}

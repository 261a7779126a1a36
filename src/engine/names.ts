import { createHash } from "node:crypto";

/** The schema of the engine's own tables. */
export const SCHEMA = "lockstep_engine";

/** The schema of DBOS's tables. */
export const DBOS_SCHEMA = "dbos";

/** The one queue, partitioned by secret. */
export const QUEUE = "lockstep";

/** The one workflow, and the name of the application that owns it. */
export const WORKFLOW = "run";
export const APPLICATION = "lockstep";

/** The channel on which a run is told that a message has come; the payload is the run's id. */
export const CHANNEL = "lockstep_told";

/** The channel on which all processes are told that a run waits in the queue; the payload says nothing. */
export const QUEUED = "lockstep_queued";

/** Held by the one process that makes the schema or launches: DBOS's migrations fail when two run them (5 of 6 did). */
export const LAUNCH_LOCK = lockOf("lockstep launch");

/**
 * The 64-bit advisory lock of a name, signed as PostgreSQL wants it. Not `hashtext`: with 32 bits, two of 9,300 executors
 * share a lock with a probability of one percent, and a dead one of the two is then not taken over while the other lives.
 */
function lockOf(name: string): bigint {
  return createHash("sha256").update(name).digest().readBigInt64BE(0);
}

/** The sign of life of an executor. */
export function lifeLock(executor: string): bigint {
  return lockOf(`lockstep executor ${executor}`);
}

/** The same, as SQL over the column `executor`. */
export const LIFE_LOCK_OF_EXECUTOR =
  "('x' || left(encode(sha256(convert_to('lockstep executor ' || executor, 'UTF8')), 'hex'), 16))::bit(64)::bigint";

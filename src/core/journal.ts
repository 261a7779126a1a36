import type { Instant } from "./time.ts";

/** Names an entry inside its run, the same on every replay: `mint/act/1`. */
export type Key = string;

/** The durable record of a run, and the only port through which a runbook may wait or act (design 5). */
export interface Journal {
  /** Runs the body at least once until its answer is recorded, then gives that answer for ever. The answer is plain data. */
  once<T>(key: Key, body: () => Promise<T>): Promise<T>;
  /** Entries side by side; the only parallelism, because branches of several entries are not deterministic on the engine. */
  round<T>(entries: readonly { readonly key: Key; body(): Promise<T> }[]): Promise<readonly T[]>;
  /** A person's message to the run; undefined once `until` has passed without one. */
  answer<T>(key: Key, until: Instant): Promise<T | undefined>;
  sleepUntil(at: Instant): Promise<void>;
  /** Returns while this process owns the run. Otherwise falls silent (never settles): a throw would be recorded. */
  owned(): Promise<void>;
  now(): Instant;
}

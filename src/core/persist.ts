import type { Circumstances, StepPorts } from "./circumstances.ts";
import { isOutage, LockstepError, troubleOf } from "./errors.ts";
import type { Journal, Key } from "./journal.ts";
import type { NotDone, Outcome } from "./outcome.ts";
import type { Look } from "./step.ts";
import type { Milliseconds } from "./time.ts";

/** Waits between tries of something that certainly did not happen; a vendor's own Retry-After takes their place. */
const BACKOFF: readonly Milliseconds[] = [500, 1_000, 2_000, 4_000];
const LONGEST_WAIT: Milliseconds = 60_000;

/** Tries again what certainly did not happen, a bounded number of times. */
export async function persist<T>(call: () => Promise<Outcome<T>>, at: Circumstances): Promise<Outcome<T>> {
  for (let tries = 0; ; tries += 1) {
    const outcome = await call().catch((thrown: unknown): NotDone => {
      if (isOutage(thrown)) throw thrown;
      return { is: "unknown", trouble: troubleOf(thrown) };
    });
    if (outcome.is !== "done" && outcome.trouble.code === "DATABASE_UNREACHABLE")
      throw new LockstepError(outcome.trouble);
    const wait = outcome.is === "retryable" ? (outcome.afterMs ?? BACKOFF[tries]) : undefined;
    if (wait === undefined || tries >= BACKOFF.length || wait > LONGEST_WAIT) return outcome;
    await at.ports.pause(wait);
  }
}

/** The same for a look. */
export async function persistLook(
  call: () => Promise<Look<unknown>>,
  at: Circumstances,
): Promise<Look<unknown>> {
  const outcome = await persist(async (): Promise<Outcome<Look<unknown>>> => {
    const found = await call();
    return found.is === "retryable" ? found : { is: "done", value: found };
  }, at);
  return outcome.is === "done" ? outcome.value : outcome;
}

/** Between looks for our own database, in milliseconds. */
const OUTAGE_PAUSE: Milliseconds = 1_000;

/**
 * Repeats a body for as long as our own database is away. That is no outcome of a step: it could not be recorded anyway,
 * and the body may be repeated at any point, because it looks before it acts a second time.
 */
export async function outlasting<T>(ports: Pick<StepPorts, "pause">, body: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await body();
    } catch (thrown) {
      if (!isOutage(thrown)) throw thrown;
      await ports.pause(OUTAGE_PAUSE);
    }
  }
}

/** How long to wait when the record cannot be written. */
const NOTE_AGAIN: Milliseconds = 5_000;

/** An entry that only writes the record. It waits until it can: a throw would end the run for good, with the record still open. */
export function noteDown<T>(
  journal: Journal,
  ports: Pick<StepPorts, "pause">,
  key: Key,
  note: () => Promise<T>,
): Promise<T> {
  return journal.once(key, async () => {
    for (;;) {
      try {
        return await note();
      } catch {
        await ports.pause(NOTE_AGAIN);
      }
    }
  });
}

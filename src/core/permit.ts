import { AsyncLocalStorage } from "node:async_hooks";
import type { Milliseconds } from "./time.ts";

/**
 * How old the answer "this run is ours" may be when the first byte of a write leaves. Long enough for a slow connection to
 * be made; shorter than the time after which a frozen process counts as dead, so that nobody else has begun before.
 */
export const PERMIT_MS: Milliseconds = 2_000;

/** Leave to send one write. */
export interface Permit {
  /** Whether so much time has passed that the run may be somebody else's by now. To be asked right before the first byte. */
  lapsed(): boolean;
}

const current = new AsyncLocalStorage<() => Promise<void>>();

/**
 * Runs a body whose writes to vendors are each sent only while `owned` says that the run is ours. Bound to the context, as
 * the calls are: a client that forgets to pass it on would write for a run that another process has ended.
 */
export function withPermits<T>(owned: () => Promise<void>, body: () => Promise<T>): Promise<T> {
  return current.run(owned, body);
}

/** Asks for leave to send a write; never settles where the run is no longer ours. Undefined outside of a run's step. */
export async function permitToWrite(): Promise<Permit | undefined> {
  const owned = current.getStore();
  if (owned === undefined) return undefined;
  // From the beginning of the question: the answer may have been old when it came.
  const asked = timeOf();
  await owned();
  return { lapsed: () => passedSince(asked) > PERMIT_MS };
}

interface Moment {
  readonly monotonic: Milliseconds;
  readonly wall: Milliseconds;
}

function timeOf(): Moment {
  return { monotonic: performance.now(), wall: Date.now() };
}

/** The longer of two clocks: one stands still while the machine sleeps, the other can be set back. */
function passedSince({ monotonic, wall }: Moment): Milliseconds {
  const now = timeOf();
  return Math.max(now.monotonic - monotonic, now.wall - wall);
}

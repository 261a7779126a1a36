import { setTimeout as sleep } from "node:timers/promises";
import { troubleOf } from "../core/errors.ts";
import type { Milliseconds } from "../core/time.ts";

/** What is watched, and what is done about it. */
export interface StandIn<Engine> {
  /** Whether a worker lives that would carry the run out. */
  lives(): Promise<boolean>;
  open(): Promise<Engine>;
  /** How often is looked. */
  readonly everyMs: Milliseconds;
  log(msg: string): void;
}

/**
 * An engine of this process once no worker lives; undefined when it was not needed. Without it a run would wait for nobody. Where it
 * cannot be opened, that is said and tried again: nobody may be listening yet, so that it never rejects.
 */
export async function standInFor<Engine>(
  { lives, open, everyMs, log }: StandIn<Engine>,
  signal: AbortSignal,
): Promise<Engine | undefined> {
  let said: string | undefined;
  while (!signal.aborted) {
    try {
      if (!(await lives().catch(() => true))) return await open();
    } catch (thrown) {
      const { code, message } = troubleOf(thrown);
      const says = `no worker lives, and this process cannot take its place: ${code}  ${message}`;
      if (says !== said) log(says);
      said = says;
    }
    await sleep(everyMs, undefined, { signal }).catch(() => {});
  }
  return undefined;
}

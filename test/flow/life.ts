import { type Instant, instantOf, type Milliseconds, msOf } from "../../src/core/time.ts";
import { dateAt } from "./date.ts";

/** One process of a test: once it has died, whatever it still does never settles, as after SIGKILL. */
export interface Life {
  readonly dead: boolean;
  /** Rejects when the process dies. */
  readonly died: Promise<never>;
  die(): void;
  /** Returns while the process lives; never otherwise. */
  gate(): Promise<void>;
}

/** What a caller sees of a process that died. */
export class Died extends Error {}

export function newLife(): Life {
  const { promise: died, reject } = Promise.withResolvers<never>();
  died.catch(() => {});
  let dead = false;
  return {
    get dead() {
      return dead;
    },
    died,
    die: () => {
      dead = true;
      reject(new Died("the process died"));
    },
    gate: () => (dead ? new Promise<void>(() => {}) : Promise.resolve()),
  };
}

/** Time that passes only when somebody waits. `Date` is replaced, so that every clock of the program follows it. */
export interface FlowClock {
  now(): number;
  /** Lets time pass; what was to happen at a vendor meanwhile happens. */
  pass(ms: Milliseconds): Promise<void>;
  passUntil(at: Instant): Promise<void>;
  /** A sleep of the sandbox: wakes when time has passed it. */
  sleep(ms: Milliseconds): Promise<void>;
}

export function flowClock(start: Instant = "2026-11-21T08:30:00.000Z"): FlowClock {
  dateAt(msOf(start));
  let sleepers: { at: number; wake(): void }[] = [];
  const until = async (end: number): Promise<void> => {
    for (;;) {
      const next = sleepers.filter((one) => one.at <= end).toSorted((a, b) => a.at - b.at)[0];
      if (!next) break;
      sleepers = sleepers.filter((one) => one !== next);
      dateAt(Math.max(Date.now(), next.at));
      next.wake();
      await new Promise((resolve) => setImmediate(resolve));
    }
    dateAt(Math.max(Date.now(), end));
  };
  return {
    now: () => Date.now(),
    pass: (ms) => until(Date.now() + ms),
    passUntil: (at) => until(msOf(at)),
    sleep: (ms) => new Promise((wake) => sleepers.push({ at: Date.now() + ms, wake })),
  };
}

/** The present moment of the replaced clock. */
export function nowText(): Instant {
  return instantOf(Date.now());
}

import type { Decision } from "../../src/core/circumstances.ts";
import type { Act } from "./hands.ts";

/** How a request goes wrong. Times in milliseconds. */
export type Fault =
  /** Nobody listens. */
  | { readonly kind: "refused" }
  /** No connection is made in ten seconds. */
  | { readonly kind: "connect-timeout" }
  /** It is never answered, and nothing happens. */
  | { readonly kind: "silent" }
  /** The effect happens, the answer is lost. */
  | { readonly kind: "lost-reply" }
  /** The effect happens, and the answer never comes. */
  | { readonly kind: "silent-after" }
  /** The connection breaks; the effect happens so much later. */
  | { readonly kind: "late"; readonly ms: number }
  /** It happens, is answered, and happens once more so much later: a proxy repeats it. */
  | { readonly kind: "twice"; readonly ms: number }
  | { readonly kind: "status"; readonly status: number; readonly retryAfter?: number }
  /** The effect happens, then the answer is 500. */
  | { readonly kind: "error-after" }
  | { readonly kind: "truncated"; readonly abort: boolean }
  /** A proxy answers with a page of its own. */
  | { readonly kind: "html"; readonly status: number }
  /** Answered as if it were done. */
  | { readonly kind: "no-effect" }
  /** A read of an earlier state: as it was so long before, or before the last write there. */
  | { readonly kind: "stale"; readonly lagMs?: number };

/** When something happens: at the n-th request, or at the n-th journal entry of the program, counted over all its processes from 1. */
export type Moment =
  /** The request is about to leave. */
  | { readonly asks: number }
  /** The vendor has carried it out, and nobody knows it yet. */
  | { readonly answered: number }
  /** The body of the entry has run, and nothing is recorded. */
  | { readonly ran: number }
  | { readonly recorded: number };

/** What goes wrong, and when. */
export type Event = {
  readonly at: Moment;
} /** `forMs`: how long every request to that vendor goes wrong so; without it, this one alone. */ & (
  | { readonly is: "fault"; readonly fault: Fault; readonly forMs?: number }
  | { readonly is: "crash" }
  /** The process stands still for so long; a peer takes over when it counts as dead. */
  | { readonly is: "freeze"; readonly ms: number }
  /** Somebody does something at a vendor. */
  | { readonly is: "act"; readonly act: Act }
  /** A person asks to cancel. */
  | { readonly is: "cancel" }
  /** The database is lost, and restored as it was so many journal entries ago. */
  | { readonly is: "restore"; readonly entries: number }
  /** The key ring is gone for so long. */
  | { readonly is: "keys-gone"; readonly ms: number }
  /** Our own clock is set forward by so much, or back; the vendors' clocks and all timers go on. */
  | { readonly is: "clock"; readonly ms: number }
);

/** How large the estate is: the five copies of the example, two of them, or the vault alone. */
export type Size = "full" | "lean" | "bare";

/**
 * How a person meets tasks: does each; says so too early and is asked again; declines the first; or decides something else in its
 * place, as on a held run.
 */
export type Meeting = "does" | "early" | "declines" | "decides";

/** One simulated rotation, wholly told by this text. */
export interface Case {
  readonly seed: number;
  /** The runbook, and after a stroke the situation in which it is carried out. */
  readonly runbook: string;
  readonly size: Size;
  readonly events: readonly Event[];
  /** What a person decides on a held run, one after the other; the last one again and again. */
  readonly people: readonly Decision["choice"][];
  /** `does` where absent. */
  readonly tasks?: Meeting;
  /** How far the vendors' clocks are ahead of ours. */
  readonly skewMs: number;
}

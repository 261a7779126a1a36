import type { Trouble } from "./errors.ts";
import type { Instant, Milliseconds } from "./time.ts";

/**
 * How a call to the outside ended, as data. The difference between `retryable` (nothing happened) and `unknown`
 * (it may have happened) is the one on which every safety rule rests: unknown leads to looking, never to a guess.
 */
export type Outcome<T> =
  | { readonly is: "done"; readonly value: T }
  | { readonly is: "refused"; readonly trouble: Trouble }
  | { readonly is: "retryable"; readonly trouble: Trouble; readonly afterMs?: Milliseconds }
  | { readonly is: "unknown"; readonly trouble: Trouble };

/** An outcome that is not `done`. */
export type NotDone = Exclude<Outcome<never>, { is: "done" }>;

export function done<T>(value: T): Outcome<T> {
  return { is: "done", value };
}

export function refused(trouble: Trouble): NotDone {
  return { is: "refused", trouble };
}

export function unknown(trouble: Trouble): NotDone {
  return { is: "unknown", trouble };
}

/** What an observation after an effect shows. */
export type Proof =
  | { readonly is: "proved"; readonly at: Instant; readonly says: string }
  | { readonly is: "refuted"; readonly trouble: Trouble }
  /** Not shown yet; the interpreter asks again until the step's deadline, and after `askAgainMs` where that is known to be soon enough. */
  | { readonly is: "unknown"; readonly trouble: Trouble; readonly askAgainMs?: Milliseconds };

/** Whether a credential works. Never a boolean: a proxy's 401 or a time-out is neither. */
export type Liveness = "alive" | "dead" | "unknown";

/** One observation of a credential's liveness. */
export interface Sighting {
  readonly is: Liveness;
  readonly at: Instant;
  /** What was seen, for people: `GET /account answered 401 unauthorized`. */
  readonly says: string;
}

/** How strongly a copy is proved: read back equal, shown by a job's behaviour, or by our accepted and uncontested write. */
export type ProofGrade = "value" | "behaviour" | "receipt";

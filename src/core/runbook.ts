import type { FactName } from "./facts.ts";
import type { Snapshot } from "./snapshot.ts";
import type { Entry } from "./step.ts";

/**
 * `[]` when every entry finds the facts it takes and no fact has two givers; otherwise a tuple that names the fault,
 * which makes the call of {@link runbook} an error that says it.
 */
export type Faults<S extends readonly unknown[], Have extends FactName = never> = S extends readonly [
  infer First,
  ...infer Rest,
]
  ? First extends Entry<infer T, infer G>
    ? [T] extends [Have]
      ? [G & Have] extends [never]
        ? Faults<Rest, Have | G>
        : [fault: `two steps give the fact "${G}"`]
      : [fault: `the fact "${Exclude<T, Have>}" is taken before any step gives it`]
    : [fault: "not a step"]
  : [];

/** An ordered procedure over one closed vocabulary of facts. Frozen once released: a change is a new version. */
export interface Runbook {
  /** `overlap@1`. */
  readonly name: string;
  entries(s: Snapshot): readonly Entry[];
}

/** Composes a runbook; the compiler refuses a wrong order, a missing fact, and two givers of one fact. */
export function runbook<const S extends readonly Entry[]>(
  name: string,
  compose: (s: Snapshot) => readonly [...S],
  ..._faults: Faults<S>
): Runbook {
  return { name, entries: compose };
}

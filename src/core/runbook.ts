import type { FactName } from "./facts.ts";
import type { Snapshot } from "./snapshot.ts";
import type { Entry, Step } from "./step.ts";

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
  /** The way back that a person may choose once a store has been written, over the facts that the way there has left. */
  back?(s: Snapshot): readonly Entry[];
  /** Ends the old credential without a sweep, on a person's word alone. */
  readonly breakGlass?: Step;
}

/** What a runbook has besides its way there. */
interface Besides<B extends readonly Entry[]> {
  back(s: Snapshot): readonly [...B];
  readonly breakGlass?: Entry;
}

/** What is certain to be known when a run is rolled back: its new credential exists. */
type Known = "checked" | "old" | "pending";

/** Composes a runbook; the compiler refuses a wrong order, a missing fact, and two givers of one fact. */
export function runbook<const S extends readonly Entry[]>(
  name: string,
  compose: (s: Snapshot) => readonly [...S],
  ..._faults: Faults<S>
): Runbook {
  return { name, entries: compose };
}

/** Adds the way back, checked over what is known by then, and the break-glass step. */
export function withWayBack<const B extends readonly Entry[]>(
  there: Runbook,
  { back, breakGlass }: Besides<B>,
  ..._faults: Faults<B, Known>
): Runbook {
  const step = breakGlass?.waves[0]?.[0];
  return { ...there, back, ...(step && { breakGlass: step }) };
}

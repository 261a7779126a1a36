import type { Trouble } from "./errors.ts";
import type { Facts } from "./facts.ts";
import type { Snapshot } from "./snapshot.ts";
import type { Instant } from "./time.ts";

/** What a guard may look at: recorded facts, what the step just observed, the plan's snapshot, and the time. */
export interface Given<T extends keyof Facts, Observed> {
  readonly facts: Pick<Facts, T>;
  readonly observed: Observed;
  readonly snapshot: Snapshot;
  readonly now: Instant;
}

/** A pure decision over evidence, named by the condition that must hold. Undefined means that it holds. */
export interface Guard<In> {
  readonly name: string;
  holds(given: In): Trouble | undefined;
}

/** Names a pure decision; `guards/` holds them all. */
export function guard<In>(name: string, holds: (given: In) => Trouble | undefined): Guard<In> {
  return { name, holds };
}

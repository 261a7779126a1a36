import type { Outcome } from "./outcome.ts";
import { copiesOf } from "./snapshot.ts";
import type { StepContext } from "./step.ts";
import type { Observation } from "./store.ts";
import type { Instant } from "./time.ts";

/** One look at every place of the plan. A place that could not be looked at is in `unseen`, never left out. */
export interface Sweep {
  readonly begunAt: Instant;
  readonly vault: Observation | undefined;
  readonly copies: Readonly<Record<string, Observation>>;
  /** Copy ids (or the vault's) that could not be observed, with the reason. */
  readonly unseen: Readonly<Record<string, string>>;
}

/** Observes the vault and all destinations side by side; read only. */
export async function sweep(c: StepContext): Promise<Outcome<Sweep>> {
  const begunAt = c.now();
  const places = [c.snapshot.vault, ...copiesOf(c.snapshot)];
  const seen = await Promise.all(
    places.map((place, i) => (i === 0 ? c.vault.observe() : c.store(place.id).observe())),
  );
  const copies: Record<string, Observation> = {};
  const unseen: Record<string, string> = {};
  let vault: Observation | undefined;
  seen.forEach((outcome, i) => {
    const id = places[i]?.id ?? "";
    if (outcome.is !== "done") unseen[id] = outcome.trouble.message;
    else if (i === 0) vault = outcome.value;
    else copies[id] = outcome.value;
  });
  return { is: "done", value: { begunAt, vault, copies, unseen } };
}

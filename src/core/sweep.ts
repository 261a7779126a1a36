import type { Outcome } from "./outcome.ts";
import { type CopySnapshot, copiesOf } from "./snapshot.ts";
import type { StepContext } from "./step.ts";
import type { Holding, Observation, Readiness, Store } from "./store.ts";
import type { Instant } from "./time.ts";

/** One look at every place of the plan, and at whatever else its accesses can read. */
export interface Sweep {
  readonly begunAt: Instant;
  readonly vault: Observation | undefined;
  readonly copies: Readonly<Record<string, Observation>>;
  /** Copy ids (or the vault's, or `survey of …`) that could not be looked at, with the reason. */
  readonly unseen: Readonly<Record<string, string>>;
  /** What could not be looked at beside each copy, in words, by copy id; only where readiness was looked for. */
  readonly open: Readonly<Record<string, readonly string[]>>;
  /** Values in places that the plan does not name (DR-15). */
  readonly elsewhere: readonly Holding[];
  /** The copies that the configuration names now. */
  readonly configured: readonly CopySnapshot[];
  /** Changes of the vault's entry that wait for an approval; undefined where that could not be told. */
  readonly approvals: readonly string[] | undefined;
}

/** How closely a sweep looks: what each place holds, or also whether all that was checked before the mint still holds. */
export type Closeness = "holds" | "ready";

/**
 * Observes the vault, all destinations and their surroundings side by side; read only. Looking for readiness, it answers with
 * the first refusal: a place that could not be written any more is no longer as the plan takes it to be.
 */
export async function sweep(c: StepContext, closeness: Closeness): Promise<Outcome<Sweep>> {
  const begunAt = c.now();
  const places = [c.snapshot.vault, ...copiesOf(c.snapshot)];
  const at = (i: number): Store => (i === 0 ? c.vault : c.store(places[i]?.id ?? ""));
  const [seen, surveyed, approvals, configured] = await Promise.all([
    Promise.all(
      places.map(
        (_, i): Promise<Outcome<Observation | Readiness>> =>
          closeness === "ready" ? at(i).ready() : at(i).observe(),
      ),
    ),
    Promise.all(
      surveysOf(places, closeness).map(async (i) => ({ place: places[i], found: await at(i).survey() })),
    ),
    c.vault.openApprovals(),
    c.configured(),
  ]);
  const refusal = seen.find((outcome) => outcome.is === "refused");
  if (refusal && closeness === "ready") return refusal;
  const copies: Record<string, Observation> = {};
  const unseen: Record<string, string> = {};
  const open: Record<string, readonly string[]> = {};
  let vault: Observation | undefined;
  seen.forEach((outcome, i) => {
    const id = places[i]?.id ?? "";
    if (outcome.is !== "done") unseen[id] = outcome.trouble.message;
    else if (i === 0) vault = outcome.value;
    else copies[id] = outcome.value;
    if (outcome.is === "done" && "open" in outcome.value) open[id] = outcome.value.open;
  });
  const words = new Set(places.flatMap((one) => one.places));
  const declared = new Set(places.flatMap((one) => one.places.map((place) => inFull(place, one))));
  const elsewhere: Holding[] = [];
  for (const { place: by, found } of surveyed) {
    if (found.is !== "done") unseen[`survey of ${by?.connection}`] = found.trouble.message;
    else
      for (const one of found.value) {
        const full = inFull(one.place, by);
        if (declared.has(full)) continue;
        const place = words.has(one.place) ? full : one.place;
        elsewhere.push({ ...one, place: one.underWay === undefined ? place : `${place} (${one.underWay})` });
      }
  }
  return {
    is: "done",
    value: {
      begunAt,
      vault,
      copies,
      unseen,
      open,
      elsewhere,
      configured,
      approvals: approvals.is === "done" ? approvals.value : undefined,
    },
  };
}

/**
 * One copy for each access that can look around, since it sees the same from any of them (or from any of a project, where it is
 * confined to that), and each that looks about itself; those not where readiness is looked for, which is the same look.
 */
export function surveysOf(places: readonly CopySnapshot[], closeness: Closeness): readonly number[] {
  const firsts = new Map<string, number>();
  places.forEach((place, i) => {
    const { surveys } = place.capabilities;
    const sight = sightOf(place);
    if (surveys === "nothing" || (surveys === "copy" && closeness === "ready")) return;
    if (!firsts.has(sight)) firsts.set(sight, i);
  });
  return [...firsts.values()];
}

/** What a survey from this copy sees, in a form that is equal where two see the same. */
export function sightOf({ capabilities, id, kind, connection, surveyed }: CopySnapshot): string {
  return capabilities.surveys === "copy" ? id : [kind, connection, surveyed].join(" ");
}

/** The same words in another project are another place. */
function inFull(place: string, by: CopySnapshot | undefined): string {
  return by?.surveyed === undefined ? place : `${place} (in ${by.surveyed})`;
}

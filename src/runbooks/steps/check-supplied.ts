import type { Facts } from "../../core/facts.ts";
import { done, type Outcome } from "../../core/outcome.ts";
import { copiesOf } from "../../core/snapshot.ts";
import { type StepContext, step } from "../../core/step.ts";
import { changesOf, costsOfChecking, openBeside, openOf, readyPlaces, sealHeld } from "./check.ts";

/** Every place can take a new value; the present one may be refused, and is kept to show its refusal at the end (HK-24). */
export const checkSupplied = step({
  id: "check",
  takes: [],
  gives: "checked",
  by: "api",
  effect: "none",
  says: (s) =>
    `Look at what the vault holds, whether it works or not; vault and ${copiesOf(s).length} copies are at rest and can take a new one`,
  conditional: [
    "where the present key is refused: places that it alone gives access to are looked at once the new key is there",
  ],
  target: (s) => s.vault.target,
  costs: costsOfChecking,
  does: checkNow,
  undoes: "nothing",
});

async function checkNow(c: StepContext): Promise<Outcome<Facts["checked"]>> {
  const held = await holdOf(c);
  if (held.is !== "done") return held;
  const { liveness, account } = held.value;
  const blind = liveness === "dead" ? (c.snapshot.ownConnections ?? []) : [];
  const places = await readyPlaces(c, blind);
  if (places.is !== "done") return places;
  const later = copiesOf(c.snapshot).length + 1 - places.value.length;
  return done({
    ...held.value,
    changed: changesOf(places.value),
    open: openBeside(places.value),
    says: [
      liveness === "dead" ? "the vault's key is refused" : account,
      `${places.value.length - 1} copies can take a new one`,
      ...(later > 0 ? [`${later} can be looked at with the new key only`] : []),
      ...openOf(places.value),
    ].join("; "),
  });
}

/** What the vault holds, sealed, and whether the issuer accepts it. */
export async function holdOf(c: StepContext): Promise<Outcome<Facts["checked"]>> {
  const present = await c.vault.read();
  if (present.is !== "done") return present;
  const { values } = present.value;
  const kept = await sealHeld(c, values);
  if (kept.is !== "done") return kept;
  const sealed = kept.value;
  const who = await c.issuer.introspect(values);
  if (who.is === "unknown") return { is: "retryable", trouble: who.trouble };
  return done({
    sealed: sealed.id,
    fingerprints: sealed.fingerprints,
    account: who.is === "alive" ? who.account : "",
    at: c.now(),
    says: who.is === "alive" ? `the vault's key answers as ${who.account}` : "the vault's key is refused",
    ...(who.is === "dead" && { liveness: "dead" }),
  });
}

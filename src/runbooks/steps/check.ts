import { sameFingerprints } from "../../core/credential.ts";
import type { Trouble } from "../../core/errors.ts";
import type { Facts } from "../../core/facts.ts";
import { done, type Outcome, refused } from "../../core/outcome.ts";
import { add } from "../../core/plan.ts";
import type { SealedRecord } from "../../core/sealed.ts";
import type { Values } from "../../core/secret-value.ts";
import { type CopySnapshot, copiesOf, type Snapshot } from "../../core/snapshot.ts";
import { type Calls, type StepContext, step } from "../../core/step.ts";
import type { Readiness } from "../../core/store.ts";
import type { Instant } from "../../core/time.ts";

/** The present key works, and every place that will be written is ready to take another (SOP steps 1 and 3, HK-06, HK-21, HK-22, HK-25, DR-10). */
export const check = step({
  id: "check",
  takes: [],
  gives: "checked",
  by: "api",
  effect: "none",
  says: (s) =>
    `The present key answers as ${s.issuer.account}; vault and ${copiesOf(s).length} copies are at rest and can take a new one`,
  target: (s) => s.vault.target,
  costs: costsOfChecking,
  does: checkNow,
  undoes: "nothing",
});

/** One look at every place, and who the present key is. */
export function costsOfChecking(s: Snapshot): Calls {
  return [s.vault, ...copiesOf(s)].reduce<Calls>(
    (sum, copy) => add(sum, { [copy.vendor]: copy.costs.ready }),
    { [s.vault.vendor]: s.vault.costs.observe, [s.issuer.vendor]: s.issuer.costs.introspect },
  );
}

async function checkNow(c: StepContext): Promise<Outcome<Facts["checked"]>> {
  const present = await c.vault.read();
  if (present.is !== "done") return present;
  const { values } = present.value;
  const kept = await sealHeld(c, values);
  if (kept.is !== "done") return kept;
  const sealed = kept.value;
  const [who, places] = await Promise.all([c.issuer.introspect(values), readyPlaces(c)]);
  // Nothing but reading happens here, so what could not be told may be asked again.
  if (who.is === "unknown") return { is: "retryable", trouble: who.trouble };
  if (who.is === "dead") return refused(oldTokenInvalid(c.snapshot));
  if (who.federated) return refused(federated(c.snapshot));
  if (places.is !== "done") return places;
  const copies = places.value.slice(1).map((one) => one.ready);
  const agree = copies.filter(
    (copy) => !copy.fingerprints || sameFingerprints(copy.fingerprints, sealed.fingerprints),
  ).length;
  return done({
    sealed: sealed.id,
    fingerprints: sealed.fingerprints,
    account: who.account,
    at: c.now(),
    changed: changesOf(places.value),
    open: openBeside(places.value),
    says: [
      `${who.account}; ${agree} of ${copies.length} copies agree with the vault`,
      ...openOf(places.value),
    ].join("; "),
  });
}

/**
 * Seals what the vault holds, before anything else: it is needed at the end, to show that the issuer refuses it. What an earlier
 * attempt has sealed stays, and may be another key than is there by now; then the run ends, before it has done anything.
 */
export async function sealHeld(c: StepContext, values: Values): Promise<Outcome<SealedRecord>> {
  const kept = await c.sealed.seal("old", values);
  return sameFingerprints(kept.fingerprints, c.fingerprint(values))
    ? done(kept)
    : refused(changedMeanwhile(c));
}

function changedMeanwhile({ run, snapshot: { secret, vault } }: StepContext): Trouble {
  return {
    code: "VAULT_DIFFERS",
    message: `${vault.target} holds another key than when ${run} began to look at it`,
    because: "a run replaces and ends only the key that it found; nothing was created or written",
    next: `lockstep verify ${secret}    shows what is there now; then begin anew`,
  };
}

interface Place {
  readonly copy: CopySnapshot;
  readonly ready: Readiness;
}

/**
 * Every place of the plan, the vault first, if each is the one on record and can take a write (P6, HK-25); without those that
 * are reached through a connection that has no access now.
 */
export async function readyPlaces(
  c: StepContext,
  without: readonly string[] = [],
): Promise<Outcome<readonly Place[]>> {
  const reached = copiesOf(c.snapshot).filter((copy) => !without.includes(copy.connection));
  const copies = [c.snapshot.vault, ...reached];
  const [recorded, ...answers] = await Promise.all([
    c.ledger.places(c.snapshot.secret),
    ...copies.map((copy, i) => (i === 0 ? c.vault.ready() : c.store(copy.id).ready())),
  ]);
  const places: Place[] = [];
  for (const [i, answer] of answers.entries()) {
    const copy = copies[i];
    if (answer.is !== "done" || !copy)
      return answer.is === "done" ? refused(placeChanged("?", c.snapshot)) : answer;
    const known = recorded[copy.id];
    if (known !== undefined && answer.value.targetId !== undefined && known !== answer.value.targetId)
      return refused(placeChanged(copy.target, c.snapshot));
    places.push({ copy, ready: answer.value });
  }
  const ids = places.flatMap(({ copy, ready }) =>
    ready.targetId ? [[copy.id, ready.targetId] as const] : [],
  );
  await c.ledger.keepPlaces(c.snapshot.secret, Object.fromEntries(ids));
  return done(places);
}

/** When each copy last changed, where it says so. */
export function changesOf(places: readonly Place[]): Readonly<Record<string, Instant>> {
  return Object.fromEntries(
    places.flatMap(({ copy, ready }) => (ready.changedAt === undefined ? [] : [[copy.id, ready.changedAt]])),
  );
}

/** What could not be looked at beside each copy: what can be seen now must be seen again before a key is ended. */
export function openBeside(places: readonly Place[]): Readonly<Record<string, readonly string[]>> {
  return Object.fromEntries(places.map(({ copy, ready }) => [copy.id, ready.open]));
}

/** How much could not be looked at; `lockstep verify` has the words. */
export function openOf(places: readonly Place[]): readonly string[] {
  const open = new Set(places.flatMap(({ ready }) => ready.open));
  return open.size > 0 ? [`${open.size} matters not visible to us`] : [];
}

function oldTokenInvalid(s: Snapshot): Trouble {
  return {
    code: "OLD_TOKEN_INVALID",
    message: `${s.issuer.target}: the key that the vault holds (${s.vault.target}) is refused`,
    because: "a rotation starts from a key that works; nothing was created or written",
    next: `lockstep rotate ${s.secret} --supplied`,
  };
}

function federated(s: Snapshot): Trouble {
  return {
    code: "ACCOUNT_FEDERATED",
    message: `${s.issuer.account} is a federated account, which cannot issue authorizations`,
    because: "the vendor refuses to create one for an account that signs in through an identity provider",
    next: `lockstep rotate ${s.secret} --supplied`,
  };
}

function placeChanged(target: string, s: Snapshot): Trouble {
  return {
    code: "PLACE_CHANGED",
    message: `${target} is another place than the one on record: its immutable id has changed`,
    because:
      "a place that was deleted and made anew may belong to somebody else, and must not receive the value",
    next: `lockstep adopt ${s.secret}`,
  };
}

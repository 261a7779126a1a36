import { type Credential, type Fingerprints, NOBODY, sameFingerprints } from "../../core/credential.ts";
import type { Facts } from "../../core/facts.ts";
import { done, type Outcome } from "../../core/outcome.ts";
import { type StepContext, step } from "../../core/step.ts";
import { accountIsOursIfAlive } from "../../guards/supplied.ts";
import { onRecord } from "./older.ts";

/**
 * Which credential stood here before, if that can be told: by the issuer's list while it works, by the record once it is
 * refused. Nothing is ever ended that cannot be told (HK-04).
 */
export const identifyFormer = step({
  id: "identify",
  takes: ["checked"],
  gives: "old",
  by: "api",
  effect: "none",
  says: () => "Find out which credential stood here before, exactly; one that cannot be told is left alone",
  target: (s) => s.issuer.account,
  costs: (s) => ({ [s.issuer.vendor]: s.issuer.costs.identify }),
  needs: [accountIsOursIfAlive],
  does: (c, { checked }) => (checked.liveness === "dead" ? byRecord(c, checked) : byList(c, checked)),
  tells: (old) =>
    old.id === NOBODY.id
      ? "cannot be told, so it will not be ended"
      : `${old.id.slice(0, 8)}… ${old.description}, of ${old.account}`,
  undoes: "nothing",
});

async function byList(c: StepContext, checked: Facts["checked"]): Promise<Outcome<Credential>> {
  const recorded = await c.ledger.current(c.snapshot.secret);
  const fits = recorded && sameFingerprints(recorded.fingerprints, checked.fingerprints);
  const values = await c.sealed.open(checked.sealed);
  const found = await c.issuer.identify(values, fits ? { id: recorded.credential.id } : undefined);
  if (found.is === "refused" && found.trouble.code === "OLD_NOT_IDENTIFIED") return done(NOBODY);
  return found.is === "done" ? onRecord(c, found.value) : found;
}

/**
 * The one on record as current, also where somebody has put another value over its own, be it a former one: that is dead,
 * and the current one may live. Where the record has none, the credential of that very value.
 */
async function byRecord(c: StepContext, checked: Facts["checked"]): Promise<Outcome<Credential>> {
  const all = await c.ledger.generations(c.snapshot.secret);
  const same = all.find((one) => sameFingerprints(one.fingerprints, checked.fingerprints));
  return done((all.find((one) => one.state === "current") ?? same)?.credential ?? NOBODY);
}

/** What is known of the former credential's value: it is the vault's, unless the record knows it by another one. */
export async function formerValue(
  c: StepContext,
  checked: Facts["checked"],
  old: Credential,
): Promise<{ readonly fingerprints: Fingerprints; readonly isTheVaults: boolean }> {
  const recorded =
    checked.liveness === "dead"
      ? (await c.ledger.generations(c.snapshot.secret)).find((one) => one.credential.id === old.id)
      : undefined;
  return recorded && !sameFingerprints(recorded.fingerprints, checked.fingerprints)
    ? { fingerprints: recorded.fingerprints, isTheVaults: false }
    : { fingerprints: checked.fingerprints, isTheVaults: true };
}

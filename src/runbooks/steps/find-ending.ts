import { type Credential, sameFingerprints } from "../../core/credential.ts";
import type { Facts } from "../../core/facts.ts";
import { done, type Outcome, refused } from "../../core/outcome.ts";
import { type StepContext, step } from "../../core/step.ts";
import { namedIn } from "../../guards/revoke.ts";
import { holdOf } from "./check-supplied.ts";

/** What the vault holds now is looked at and kept: it is what must stay, or what is to be ended. */
export const lookAtVault = step({
  id: "check",
  takes: [],
  gives: "checked",
  by: "api",
  effect: "none",
  says: (s) => `Look at what ${s.vault.target} holds, and whether it works`,
  target: (s) => s.vault.target,
  costs: (s) => ({ [s.vault.vendor]: s.vault.costs.observe, [s.issuer.vendor]: s.issuer.costs.introspect }),
  does: holdOf,
  undoes: "nothing",
});

/** Finds the credential to be ended in the issuer's list, exactly once, and what is known of it. */
export const findEnding = step({
  id: "identify",
  takes: ["checked"],
  gives: "ending",
  by: "api",
  effect: "none",
  says: (s) =>
    `${s.ending?.id ?? "The id"} names exactly one credential in the issuer's list, and it is nobody else's`,
  target: (s) => s.issuer.account,
  costs: (s) => ({ [s.issuer.vendor]: s.issuer.costs.isListed + s.issuer.costs.identify }),
  does: find,
  undoes: "nothing",
});

async function find(c: StepContext, { checked }: Pick<Facts, "checked">): Promise<Outcome<Facts["ending"]>> {
  const { secret, ending } = c.snapshot;
  const list = await c.issuer.list();
  if (list.is !== "done") return list;
  const named = namedIn(list.value, ending?.id ?? "", secret);
  if ("code" in named) return refused(named);
  const known = await c.ledger.known({ id: named.id });
  const other = known.find((one) => one.secret !== secret && one.state !== "retired");
  if (other)
    return refused({
      code: "OLD_NOT_IDENTIFIED",
      message: `${named.id.slice(0, 8)}… is the ${other.state} generation of ${other.secret}`,
      because: "a credential is ended through the secret that it belongs to, whose copies are known there",
      next: `lockstep revoke ${other.secret} --id ${named.id}`,
    });
  const living = await livingId(c, checked, named);
  if (living.is !== "done") return living;
  const isVaults = living.value === named.id;
  const recorded = known.find((one) => one.secret === secret)?.fingerprints;
  return done({
    credential: named,
    fingerprints: isVaults ? checked.fingerprints : (recorded ?? null),
    sealed: isVaults ? checked.sealed : null,
    living: isVaults ? null : living.value,
    says: `${named.id.slice(0, 8)}… ${named.description}${isVaults ? ", which the vault holds" : ""}`,
  });
}

/** Which credential the vault's value is: by the record of that very value, else by the issuer's list; null where it cannot be told. */
async function livingId(
  c: StepContext,
  checked: Facts["checked"],
  named: Credential,
): Promise<Outcome<string | null>> {
  const { secret } = c.snapshot;
  const recorded = (await c.ledger.known({ fingerprints: checked.fingerprints })).find(
    (one) => one.secret === secret && sameFingerprints(one.fingerprints, checked.fingerprints),
  );
  if (recorded) return done(recorded.credential.id);
  if (checked.liveness === "dead") return done(null);
  const values = await c.sealed.open(checked.sealed);
  const found = await c.issuer.identify(values, undefined);
  if (found.is === "done") return done(found.value.id);
  // That very one may be what makes the issuer's list doubtful: a young duplicate beside the present key.
  const own = await c.issuer.identify(values, { id: named.id });
  if (own.is === "done") return done(own.value.id);
  return found.is === "refused" ? done(null) : found;
}

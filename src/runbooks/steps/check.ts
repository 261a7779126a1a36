import { sameFingerprints } from "../../core/credential.ts";
import type { Facts } from "../../core/facts.ts";
import { done, type Outcome, refused } from "../../core/outcome.ts";
import { add } from "../../core/plan.ts";
import { copiesOf, type Snapshot } from "../../core/snapshot.ts";
import { type Calls, type StepContext, step } from "../../core/step.ts";

/** The present key works, and every place that will be written can be reached (SOP steps 1 and 3, HK-06, DR-10). */
export const check = step({
  id: "check",
  takes: [],
  gives: "checked",
  by: "api",
  effect: "none",
  says: (s) =>
    `The present key answers as ${s.issuer.account}; vault and ${copiesOf(s).length} copies can be read`,
  target: (s) => s.vault.target,
  costs: (s) =>
    [s.vault, ...copiesOf(s)].reduce<Calls>((sum, copy) => add(sum, { [copy.vendor]: copy.costs.observe }), {
      [s.issuer.vendor]: s.issuer.costs.introspect,
    }),
  does: checkNow,
  undoes: "nothing",
});

async function checkNow(c: StepContext): Promise<Outcome<Facts["checked"]>> {
  const present = await c.vault.read();
  if (present.is !== "done") return present;
  const { values } = present.value;
  // Sealed before anything else: the old value is needed at the end, to show that the issuer refuses it.
  const sealed = await c.sealed.seal("old", values);
  const [who, ...copies] = await Promise.all([
    c.issuer.introspect(values),
    ...copiesOf(c.snapshot).map((copy) => c.store(copy.id).observe()),
  ]);
  // Nothing but reading happens here, so what could not be told may be asked again.
  if (who.is === "unknown") return { is: "retryable", trouble: who.trouble };
  if (who.is === "dead") return refused(oldTokenInvalid(c.snapshot));
  if (who.federated) return refused(federated(c.snapshot));
  for (const copy of copies) if (copy.is !== "done") return copy;
  const agree = copies.filter(
    (copy) =>
      copy.is !== "done" ||
      !copy.value.fingerprints ||
      sameFingerprints(copy.value.fingerprints, sealed.fingerprints),
  ).length;
  return done({
    sealed: sealed.id,
    fingerprints: sealed.fingerprints,
    account: who.account,
    at: c.now(),
    says: `${who.account}; ${agree} of ${copies.length} copies agree with the vault`,
  });
}

function oldTokenInvalid(s: Snapshot) {
  return {
    code: "OLD_TOKEN_INVALID",
    message: `${s.issuer.target}: the key that the vault holds (${s.vault.target}) is refused`,
    because: "a rotation starts from a key that works; nothing was created or written",
    next: `put a working key into ${s.vault.target}, then lockstep test ${s.secret}`,
  } as const;
}

function federated(s: Snapshot) {
  return {
    code: "ACCOUNT_FEDERATED",
    message: `${s.issuer.account} is a federated account, which cannot issue authorizations`,
    because:
      "Heroku refuses to create an authorization for an account that signs in through an identity provider",
    next: "use an account with a password for this key, and set it as the account in the configuration",
  } as const;
}

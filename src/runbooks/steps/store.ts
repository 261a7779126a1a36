import { sameFingerprints } from "../../core/credential.ts";
import type { Trouble } from "../../core/errors.ts";
import type { Facts } from "../../core/facts.ts";
import { type Outcome, refused } from "../../core/outcome.ts";
import type { CopySnapshot } from "../../core/snapshot.ts";
import { type StepContext, type StepDefinition, step } from "../../core/step.ts";
import { newKeyStillWorks } from "../../guards/new.ts";
import { receiptOf } from "./receipt.ts";
import { accountOf, accountOfNewSince, isRecent } from "./still-works.ts";

/** Makes the new value canonical: the vault first, then read again (SOP steps 4 and 5, HK-07, HK-08, HK-11). */
export const store = (vault: CopySnapshot) =>
  step({
    ...storing(vault),
    observes: (c, { checked, pending, validated }) =>
      whereUnmoved(c, checked, () => accountOfNewSince(c, pending, validated.at)),
    needs: [newKeyStillWorks],
  });

/** The same with a value that a person supplied: the issuer is asked about it once more, right before. */
export const storeSupplied = (vault: CopySnapshot) =>
  step({
    ...storing(vault),
    says: () => `The issuer still accepts the new value: write it to ${vault.target}, then read it back`,
    observes: (c, { checked, pending }) => whereUnmoved(c, checked, () => accountOf(c, pending)),
    needs: [newKeyStillWorks],
  });

const storing = (vault: CopySnapshot) =>
  ({
    id: "store",
    takes: ["checked", "pending", "validated"],
    gives: "canonical",
    by: "api",
    effect: "repeatable",
    says: () => `Write the new value to ${vault.target}, then read it back`,
    target: () => vault.target,
    grade: vault.capabilities.grade,
    costs: () => ({ [vault.vendor]: vault.costs.write + vault.costs.prove }),
    looks: async (c, { pending }) => {
      const seen = await c.vault.observe();
      if (seen.is !== "done") return seen;
      const holds =
        seen.value.fingerprints && sameFingerprints(seen.value.fingerprints, pending.fingerprints);
      return holds
        ? { is: "present", value: receiptOf(vault.id, seen.value, pending.fingerprints) }
        : { is: "absent" };
    },
    does: async (c, { pending }) => c.vault.write(await c.sealed.open(pending.sealed)),
    proves: async (c, { pending }, receipt) => c.vault.prove(receipt, await c.sealed.open(pending.sealed)),
    undoes: { says: "Put the old value back, when a person decides so", by: "decision" },
  }) satisfies StepDefinition<"checked" | "pending" | "validated", Facts["canonical"], never> & {
    gives: "canonical";
  };

/**
 * Goes on where the vault holds what the run found there, which is asked for again once that was some time ago: a run may wait for
 * a person for days. What it has begun to write itself may stand there, too.
 */
async function whereUnmoved<T>(
  c: StepContext,
  { at, fingerprints }: Facts["checked"],
  then: () => Promise<Outcome<T>>,
): Promise<Outcome<T>> {
  if (isRecent(at, c.now()) || (await c.announced("store")) !== undefined) return then();
  const seen = await c.vault.observe();
  if (seen.is !== "done") return seen;
  return sameFingerprints(seen.value.fingerprints ?? {}, fingerprints) ? then() : refused(moved(c));
}

function moved({ run, snapshot: { secret, vault } }: StepContext): Trouble {
  return {
    code: "VAULT_DIFFERS",
    message: `${vault.target} no longer holds what ${run} found there`,
    because:
      "somebody has put another key there, which a run that did not find it does not replace; nothing was written",
    next: `lockstep verify ${secret}    shows what is there now; then begin anew`,
  };
}

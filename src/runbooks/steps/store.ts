import { sameFingerprints } from "../../core/credential.ts";
import type { Facts } from "../../core/facts.ts";
import type { CopySnapshot } from "../../core/snapshot.ts";
import { type StepDefinition, step } from "../../core/step.ts";
import { newKeyStillWorks } from "../../guards/new.ts";
import { receiptOf } from "./receipt.ts";
import { accountOf, accountOfNewSince } from "./still-works.ts";

/** Makes the new value canonical: the vault first, then read again (SOP steps 4 and 5, HK-07, HK-08, HK-11). */
export const store = (vault: CopySnapshot) =>
  step({
    ...storing(vault),
    observes: (c, { pending, validated }) => accountOfNewSince(c, pending, validated.at),
    needs: [newKeyStillWorks],
  });

/** The same with a value that a person supplied: the issuer is asked about it once more, right before. */
export const storeSupplied = (vault: CopySnapshot) =>
  step({
    ...storing(vault),
    says: () => `The issuer still accepts the new value: write it to ${vault.target}, then read it back`,
    observes: (c, { pending }) => accountOf(c, pending),
    needs: [newKeyStillWorks],
  });

const storing = (vault: CopySnapshot) =>
  ({
    id: "store",
    takes: ["pending", "validated"],
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
  }) satisfies StepDefinition<"pending" | "validated", Facts["canonical"], never> & { gives: "canonical" };

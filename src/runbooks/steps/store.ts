import { sameFingerprints } from "../../core/credential.ts";
import type { CopySnapshot } from "../../core/snapshot.ts";
import { step } from "../../core/step.ts";
import { receiptOf } from "./receipt.ts";

/** Makes the new value canonical: the vault first, then read again (SOP steps 4 and 5, HK-07, HK-08, HK-11). */
export const store = (vault: CopySnapshot) =>
  step({
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
    proves: (c, _facts, receipt) => c.vault.prove(receipt),
    undoes: { says: "Put the old value back, when a person decides so", by: "decision" },
  });

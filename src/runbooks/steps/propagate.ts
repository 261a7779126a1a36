import { sameFingerprints } from "../../core/credential.ts";
import type { CopySnapshot } from "../../core/snapshot.ts";
import { copyStep } from "../../core/step.ts";
import { stepIdOf } from "../../guards/sweep.ts";
import { receiptOf } from "./receipt.ts";

/** A release phase may take an hour (Heroku's limit); everything else answers at once. */
const RELEASE_WITHIN = 65 * 60_000;
const AT_ONCE_WITHIN = 60_000;

/** Brings one destination to the vault's value (SOP step 4, HK-07). */
export const propagate = (copy: CopySnapshot) =>
  copyStep({
    id: stepIdOf(copy),
    takes: ["pending", "canonical"],
    by: "api",
    effect: "repeatable",
    says: () => `Write the new value to ${copy.target}${HOW[copy.capabilities.effectiveWhen]}`,
    conditional: copy.capabilities.read ? ["nothing is written where the value is already there"] : [],
    target: () => copy.target,
    grade: copy.capabilities.grade,
    costs: () => ({ [copy.vendor]: copy.costs.write + copy.costs.prove }),
    // A place that cannot be read tells nothing by looking: there, writing again is the only way to know.
    looks: async (c, { pending }) => {
      if (!copy.capabilities.read) return { is: "absent" };
      const seen = await c.store(copy.id).observe();
      if (seen.is !== "done") return seen;
      const holds =
        seen.value.fingerprints && sameFingerprints(seen.value.fingerprints, pending.fingerprints);
      return holds
        ? { is: "present", value: receiptOf(copy.id, seen.value, pending.fingerprints) }
        : { is: "absent" };
    },
    does: async (c, { pending }) => c.store(copy.id).write(await c.sealed.open(pending.sealed)),
    proves: (c, _facts, receipt) => c.store(copy.id).prove(receipt),
    proveWithinMs: copy.capabilities.effectiveWhen === "on-release" ? RELEASE_WITHIN : AT_ONCE_WITHIN,
    undoes: { says: "Put the old value back, when a person decides so", by: "decision" },
  });

const HOW = {
  "at-once": ", then read it back",
  "on-release": ": one release, waited for, then read back",
  "next-run": ": cannot be read, proved by its receipt",
} as const;

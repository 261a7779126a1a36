import { sameFingerprints } from "../../core/credential.ts";
import { type Outcome, refused } from "../../core/outcome.ts";
import type { CopySnapshot, Snapshot } from "../../core/snapshot.ts";
import { copyStep, type Look, type StepContext, step } from "../../core/step.ts";
import type { Receipt } from "../../core/store.ts";
import { stepIdOf } from "../../guards/sweep.ts";
import { carryTask, confirmChanged, lookFor, notWritten } from "./propagate.ts";
import { receiptOf } from "./receipt.ts";

/** Puts the old value back into one destination, where this run may have written it. */
export const restore = (copy: CopySnapshot) =>
  copyStep({
    id: `restore/${copy.id}`,
    takes: ["checked", "pending"],
    by: copy.byHand ? "operator" : "api",
    effect: "repeatable",
    says: () => `Put the old value back into ${copy.target}, where this run may have written it`,
    target: () => copy.target,
    grade: copy.capabilities.grade,
    ...(copy.byHand && { asks: (s: Snapshot) => carryTask(copy, s, "old") }),
    looksFirst: true,
    looks: (c, { checked }) => lookForOld(c, copy, checked.fingerprints),
    does: async (c, { checked }, answer) => {
      if (!copy.byHand) return c.store(copy.id).write(await c.sealed.open(checked.sealed));
      if (answer?.is === "declined") return refused(notWritten(c, copy, answer));
      return restoredByHand(c, copy, checked);
    },
    proves: async (c, { checked }, receipt) =>
      c.store(copy.id).prove(receipt, await c.sealed.open(checked.sealed)),
    proveWithinMs: 75 * 60_000,
    undoes: "impossible",
  });

/** A place that cannot be read holds what it held before as long as this run never began to write it. */
async function lookForOld(
  c: StepContext,
  copy: CopySnapshot,
  old: Receipt["fingerprints"],
): Promise<Look<Receipt>> {
  if (copy.capabilities.read) return lookFor(c, copy, old);
  if ((await c.announced(stepIdOf(copy))) !== undefined) return { is: "absent" };
  const seen = await c.store(copy.id).observe();
  return seen.is === "done" ? { is: "present", value: receiptOf(copy.id, seen.value, old) } : seen;
}

async function restoredByHand(
  c: StepContext,
  copy: CopySnapshot,
  checked: { readonly fingerprints: Receipt["fingerprints"] },
): Promise<Outcome<Receipt>> {
  const since = await c.announced(stepIdOf(copy));
  if (since !== undefined) return confirmChanged(c, copy, { since, fingerprints: checked.fingerprints });
  const seen = await c.store(copy.id).observe();
  return seen.is === "done"
    ? { is: "done", value: receiptOf(copy.id, seen.value, checked.fingerprints) }
    : refused(seen.trouble);
}

/** Puts the old value back into the vault, last: until then the new one, which works, stands there (P1). */
export const restoreVault = (vault: CopySnapshot) =>
  step({
    id: "restore/vault",
    takes: ["checked", "pending", "restored"],
    gives: "vaultRestored",
    by: "api",
    effect: "repeatable",
    says: () => `Put the old value back into ${vault.target}, then read it back`,
    target: () => vault.target,
    grade: vault.capabilities.grade,
    looksFirst: true,
    looks: async (c, { checked }) => {
      const seen = await c.vault.observe();
      if (seen.is !== "done") return seen;
      const holds =
        seen.value.fingerprints && sameFingerprints(seen.value.fingerprints, checked.fingerprints);
      return holds
        ? { is: "present", value: receiptOf(vault.id, seen.value, checked.fingerprints) }
        : { is: "absent" };
    },
    does: async (c, { checked }) => c.vault.write(await c.sealed.open(checked.sealed)),
    proves: async (c, { checked }, receipt) => c.vault.prove(receipt, await c.sealed.open(checked.sealed)),
    undoes: "impossible",
  });

import { sameFingerprints } from "../../core/credential.ts";
import type { Facts } from "../../core/facts.ts";
import { done, type Outcome, refused } from "../../core/outcome.ts";
import type { CopySnapshot, Snapshot } from "../../core/snapshot.ts";
import { copyStep, type Look, type StepContext, step } from "../../core/step.ts";
import type { Receipt, Store } from "../../core/store.ts";
import { oldKeyStillWorks } from "../../guards/old.ts";
import { stepIdOf } from "../../guards/sweep.ts";
import { turnsRound } from "./ending.ts";
import { carryTask, confirmChanged, lastChangeOf, lookFor, notWritten, sinceAsked } from "./propagate.ts";
import { receiptOf } from "./receipt.ts";
import { accountOf } from "./still-works.ts";

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
    ...(copy.byHand && { shows: (c: StepContext) => lastChangeOf(c, copy) }),
    observes: (c, { checked }) => accountOf(c, checked),
    needs: [oldKeyStillWorks],
    looksFirst: true,
    looks: (c, { checked }) => lookForOld(c, copy, checked),
    // Once a person has seen to it, what is read counts.
    settles: (c, { checked }) => lookFor(c, copy, checked.fingerprints),
    does: async (c, { checked }, answer) => {
      if (!copy.byHand) return putBack(c, copy, c.store(copy.id), checked);
      if (answer?.is === "declined") return refused(notWritten(c, copy, answer));
      return confirmChanged(
        c,
        copy,
        sinceAsked(copy, checked, answer?.asked ?? { at: c.now() }),
        checked.fingerprints,
      );
    },
    proves: async (c, { checked }, receipt) =>
      c.store(copy.id).prove(receipt, await c.sealed.open(checked.sealed)),
    proveWithinMs: 75 * 60_000,
    repeats: turnsRound,
    undoes: "impossible",
  });

/**
 * A place holds what it held before as long as this run never began to write it. Once it has, a read that shows the old value
 * tells nothing: it may be older than our write. One that cannot be read must also not have changed since the run looked first:
 * a database that was restored from before may have forgotten that it was written.
 */
async function lookForOld(
  c: StepContext,
  copy: CopySnapshot,
  { fingerprints, changed }: Facts["checked"],
): Promise<Look<Receipt>> {
  if ((await c.announced(stepIdOf(copy))) !== undefined)
    return copy.byHand ? lookFor(c, copy, fingerprints) : { is: "absent" };
  if (copy.capabilities.read) return lookFor(c, copy, fingerprints);
  const seen = await c.store(copy.id).observe();
  if (seen.is !== "done") return seen;
  const { changedAt } = seen.value;
  const untouched = changedAt !== undefined && changedAt === changed?.[copy.id];
  return untouched
    ? { is: "present", value: receiptOf(copy.id, seen.value, fingerprints) }
    : { is: "absent" };
}

/** Writes the old value whatever a read shows; where the write is refused, as ours was then, what is read has to do. */
async function putBack(
  c: StepContext,
  copy: CopySnapshot,
  place: Store,
  { sealed, fingerprints }: Facts["checked"],
): Promise<Outcome<Receipt>> {
  const written = await place.write(await c.sealed.open(sealed), { regardless: true });
  if (written.is !== "refused" || !copy.capabilities.read) return written;
  const seen = await place.observe();
  return seen.is === "done" && sameFingerprints(seen.value.fingerprints ?? {}, fingerprints)
    ? done(receiptOf(copy.id, seen.value, fingerprints))
    : written;
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
    observes: (c, { checked }) => accountOf(c, checked),
    needs: [oldKeyStillWorks],
    looksFirst: true,
    looks: async (c, { checked }) => {
      // Announced: it may have been written, and a read that shows the old value may be older than that.
      if ((await c.announced("store")) !== undefined) return { is: "absent" };
      return vaultHolds(c, vault, checked.fingerprints);
    },
    settles: (c, { checked }) => vaultHolds(c, vault, checked.fingerprints),
    does: (c, { checked }) => putBack(c, vault, c.vault, checked),
    proves: async (c, { checked }, receipt) => c.vault.prove(receipt, await c.sealed.open(checked.sealed)),
    repeats: turnsRound,
    undoes: "impossible",
  });

async function vaultHolds(
  c: StepContext,
  vault: CopySnapshot,
  wanted: Receipt["fingerprints"],
): Promise<Look<Receipt>> {
  const seen = await c.vault.observe();
  if (seen.is !== "done") return seen;
  return sameFingerprints(seen.value.fingerprints ?? {}, wanted)
    ? { is: "present", value: receiptOf(vault.id, seen.value, wanted) }
    : { is: "absent" };
}

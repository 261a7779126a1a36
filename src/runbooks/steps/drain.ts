import type { Decision } from "../../core/circumstances.ts";
import type { Facts } from "../../core/facts.ts";
import { done, type Proof } from "../../core/outcome.ts";
import { copiesOf, type Snapshot } from "../../core/snapshot.ts";
import { type Look, type StepContext, step } from "../../core/step.ts";
import type { Receipt } from "../../core/store.ts";
import { between, durationText } from "../../core/time.ts";
import { oldKeyStillWorks } from "../../guards/old.ts";
import { turnsRound } from "./ending.ts";
import { lastWrite } from "./receipt.ts";
import { accountOf } from "./still-works.ts";

/** Waits for everything that took the old value before the last write: one-off processes, jobs that are queued or run (HK-23). */
export const drain = (s: Snapshot) =>
  step({
    ...draining(s, "old"),
    id: "drain",
    takes: ["canonical", "copies"],
    gives: "drained",
    proves: (c, { canonical, copies }, drained) =>
      prove(c, s, { which: "old", vault: canonical, copies }, drained),
  });

/** The same on the way back, of what took the new value: it is ended next (P1, X-14). */
export const drainBack = (s: Snapshot) =>
  step({
    ...draining(s, "new"),
    id: "drain/back",
    takes: ["checked", "restored", "vaultRestored"],
    observes: (c, { checked }) => accountOf(c, checked),
    needs: [oldKeyStillWorks],
    repeats: turnsRound,
    gives: "drainedBack",
    proves: (c, { vaultRestored, restored }, drained) =>
      prove(c, s, { which: "new", vault: vaultRestored, copies: restored }, drained),
  });

type Which = "old" | "new";

const draining = (s: Snapshot, which: Which) =>
  ({
    by: "api",
    effect: "none",
    says: () =>
      `Nothing that took the ${which} value before the last write still runs; after ${durationText(s.drainMs)} a person decides`,
    costs: () =>
      Object.fromEntries(
        copiesOf(s).map(({ vendor }) => [
          vendor,
          copiesOf(s)
            .filter((copy) => copy.vendor === vendor)
            .reduce((sum, copy) => sum + copy.costs.drained, 0),
        ]),
      ),
    does: async (c: StepContext) => done({ at: c.now(), says: "", accepted: false }),
    // Not to wait any longer is a decision that a person may take, and the record says who did.
    settles: async (c: StepContext, _facts: unknown, { by, reason }: Decision): Promise<Look<Drained>> => ({
      is: "present",
      value: {
        at: c.now(),
        says: `not waited for: ${by?.name ?? "a person"} decided so${reason ? `, ${reason}` : ""}`,
        accepted: true,
      },
    }),
    proveWithinMs: s.drainMs,
    undoes: "nothing",
  }) as const;

type Drained = Facts["drained"];

async function prove(
  c: StepContext,
  s: Snapshot,
  written: {
    readonly which: Which;
    readonly vault: Receipt;
    readonly copies: Readonly<Record<string, Receipt>>;
  },
  drained: Drained,
): Promise<Proof> {
  if (drained.accepted) return { is: "proved", at: drained.at, says: drained.says };
  const proof = await drainedEverywhere(c, written.which, written.copies);
  const over = between(lastWrite(written.vault, written.copies), c.now()) > s.drainMs;
  return proof.is === "unknown" && over ? { is: "refuted", trouble: proof.trouble } : proof;
}

async function drainedEverywhere(
  c: StepContext,
  which: Which,
  receipts: Readonly<Record<string, Receipt>>,
): Promise<Proof> {
  const proofs = await Promise.all(Object.values(receipts).map((one) => c.store(one.copy).drained(one)));
  const open = proofs.find((proof) => proof.is !== "proved");
  return open ?? { is: "proved", at: c.now(), says: `nothing runs on the ${which} value any more` };
}

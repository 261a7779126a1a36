import { done, type Proof } from "../../core/outcome.ts";
import { copiesOf, type Snapshot } from "../../core/snapshot.ts";
import { type StepContext, step } from "../../core/step.ts";
import type { Receipt } from "../../core/store.ts";
import { between, durationText } from "../../core/time.ts";
import { lastWrite } from "./receipt.ts";

/** Waits for everything that took the old value before the last write: one-off processes, jobs that are queued or run (HK-23). */
export const drain = (s: Snapshot) =>
  step({
    id: "drain",
    takes: ["canonical", "copies"],
    gives: "drained",
    by: "api",
    effect: "none",
    says: () =>
      `Nothing that took the old value before the last write still runs; after ${durationText(s.drainMs)} a person decides`,
    costs: () =>
      Object.fromEntries(
        copiesOf(s).map(({ vendor }) => [
          vendor,
          copiesOf(s)
            .filter((copy) => copy.vendor === vendor)
            .reduce((sum, copy) => sum + copy.costs.drained, 0),
        ]),
      ),
    does: async (c) => done({ at: c.now(), says: "", accepted: false }),
    // Not to wait any longer is a decision that a person may take, and the record says who did.
    settles: async (c, _facts, { by, reason }) => ({
      is: "present",
      value: {
        at: c.now(),
        says: `not waited for: ${by?.name ?? "a person"} decided so${reason ? `, ${reason}` : ""}`,
        accepted: true,
      },
    }),
    proves: async (c, { canonical, copies }, drained) => {
      if (drained.accepted) return { is: "proved", at: drained.at, says: drained.says };
      const proof = await drainedEverywhere(c, copies);
      const over = between(lastWrite(canonical, copies), c.now()) > s.drainMs;
      return proof.is === "unknown" && over ? { is: "refuted", trouble: proof.trouble } : proof;
    },
    proveWithinMs: s.drainMs,
    undoes: "nothing",
  });

async function drainedEverywhere(
  c: StepContext,
  receipts: Readonly<Record<string, Receipt>>,
): Promise<Proof> {
  const proofs = await Promise.all(Object.values(receipts).map((one) => c.store(one.copy).drained(one)));
  const open = proofs.find((proof) => proof.is !== "proved");
  return open ?? { is: "proved", at: c.now(), says: "nothing runs on the old value any more" };
}

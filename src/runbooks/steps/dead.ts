import { done } from "../../core/outcome.ts";
import { step } from "../../core/step.ts";
import { after, durationText } from "../../core/time.ts";
import { refusal } from "./refusal.ts";

/** Shows the refusal of the old value once more, after the issuer's propagation window (P4). */
export const dead = step({
  id: "prove-dead",
  takes: ["checked", "pending", "revoked"],
  gives: "dead",
  by: "api",
  effect: "none",
  says: (s) =>
    `The old key is refused again ${durationText(s.propagationMs)} later, while the new one is accepted`,
  target: (s) => s.issuer.account,
  costs: (s) => ({ [s.issuer.vendor]: 2 * s.issuer.costs.probe }),
  waits: (s, { revoked }) => after(revoked.at, s.propagationMs),
  does: async (c, { checked, pending }) => {
    const proof = await refusal(c, checked.sealed, pending.sealed);
    return proof.is === "proved"
      ? done({ at: proof.at, says: proof.says })
      : { is: "retryable", trouble: proof.trouble };
  },
  undoes: "nothing",
});

import { done, refused } from "../../core/outcome.ts";
import { step } from "../../core/step.ts";

/** The new credential is what was asked for, before anything is written (SOP step 3, HK-06). */
export const validate = step({
  id: "validate",
  takes: ["pending"],
  gives: "validated",
  by: "api",
  effect: "none",
  says: (s) =>
    `The new key answers as ${s.issuer.account}, scope ${s.issuer.scope}, and reaches what it must reach`,
  target: (s) => s.issuer.account,
  costs: (s) => ({ [s.issuer.vendor]: s.issuer.costs.validate }),
  does: async (c, { pending }) => {
    const proof = await c.issuer.validate(pending.ref, await c.sealed.open(pending.sealed));
    if (proof.is === "proved") return done({ at: proof.at, says: proof.says });
    return proof.is === "refuted" ? refused(proof.trouble) : { is: "retryable", trouble: proof.trouble };
  },
  undoes: "nothing",
});

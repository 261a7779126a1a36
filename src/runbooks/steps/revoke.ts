import { done } from "../../core/outcome.ts";
import { add } from "../../core/plan.ts";
import { step } from "../../core/step.ts";
import { oldIsIdentified, oldIsNobodyElses, oldIsNotTheNewOne } from "../../guards/old.ts";
import { oldMayBeEnded } from "../../guards/sweep.ts";
import {
  changedIsWrittenAgain,
  costsOfLooking,
  LOOKED_AROUND,
  lookBeforeEnding,
  WRITTEN_AGAIN,
} from "./ending.ts";
import { lookGone, notGone } from "./gone.ts";
import { refusal } from "./refusal.ts";

const BECAUSE = "a run completes only when the old key is proved dead";

/** Ends the old credential by its exact id, with the new key, and only on a fresh sweep (SOP step 6, HK-09, P2, P4). */
export const revoke = step({
  id: "revoke",
  takes: ["checked", "old", "pending", "canonical", "copies", "soaked", "drained", "closed", "tidied"],
  gives: "revoked",
  by: "api",
  effect: "repeatable",
  says: () => "End the old key by its exact id, only when every copy was just seen to hold the new value",
  target: (s) => s.issuer.account,
  costs: (s) =>
    add(costsOfLooking(s), {
      [s.issuer.vendor]: s.issuer.costs.end + s.issuer.costs.isListed + 2 * s.issuer.costs.probe,
    }),
  conditional: [LOOKED_AROUND, WRITTEN_AGAIN],
  observes: (c, { pending }) => lookBeforeEnding(c, pending),
  needs: [oldIsIdentified, oldIsNobodyElses, oldIsNotTheNewOne, ...oldMayBeEnded],
  looks: (c, { old }) => lookGone(c, old.id, BECAUSE),
  does: async (c, { old }) => {
    const ended = await c.issuer.end(old.id);
    return ended.is === "done" ? done({ id: old.id, at: c.now() }) : ended;
  },
  proves: async (c, { checked, pending, old }, { at }) => {
    const listed = await c.issuer.isListed(old.id);
    if (listed.is !== "dead") return { is: "unknown", trouble: notGone(c, old.id, listed.says, BECAUSE, at) };
    return refusal(c, checked.sealed, pending.sealed);
  },
  repeats: changedIsWrittenAgain("copies"),
  undoes: "impossible",
});

import { done } from "../../core/outcome.ts";
import { step } from "../../core/step.ts";
import { newMayBeEnded } from "../../guards/sweep.ts";
import { changedIsWrittenAgain, lookBeforeEnding, turnsRound, WRITTEN_AGAIN } from "./ending.ts";
import { KEY_TAKEN_BACK, lookGone } from "./gone.ts";
import { endTagged } from "./mint.ts";
import { BACK, refusal } from "./refusal.ts";

/** Ends the new credential after a rollback, under the same proof as every end of a key (X-14, P2, P4). */
export const endNew = step({
  id: "end-new",
  takes: ["checked", "old", "pending", "restored", "vaultRestored", "drainedBack", "closed"],
  gives: "newEnded",
  by: "api",
  effect: "repeatable",
  says: () => "End the new key by its exact id, only when every copy was just seen to hold the old value",
  conditional: [WRITTEN_AGAIN],
  target: (s) => s.issuer.account,
  observes: (c, { checked, old }) => lookBeforeEnding(c, { ref: old, sealed: checked.sealed }),
  needs: newMayBeEnded,
  looks: (c, { pending }) => lookGone(c, pending.ref.id, KEY_TAKEN_BACK),
  does: async (c, { checked, pending }) => {
    const ended = await endTagged(c, checked);
    return ended.is === "done" ? done({ id: pending.ref.id, at: c.now() }) : ended;
  },
  proves: (c, { checked, pending }) => refusal(c, pending.sealed, checked.sealed, BACK),
  repeats: (stopped, s) => turnsRound(stopped) ?? changedIsWrittenAgain("restored")(stopped, s),
  undoes: "impossible",
});

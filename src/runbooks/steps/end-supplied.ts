import { done } from "../../core/outcome.ts";
import { step } from "../../core/step.ts";
import { newMayBeEnded } from "../../guards/sweep.ts";
import { lookBeforeEnding, turnsRound } from "./ending.ts";
import { KEY_TAKEN_BACK, lookGone } from "./gone.ts";
import { endTagged } from "./mint.ts";
import { BACK, refusal } from "./refusal.ts";

/** Ends the supplied credential after a rollback: by its exact id, because a person may not have given it this run's tag (X-14, P2, P4). */
export const endSupplied = step({
  id: "end-new",
  takes: ["checked", "pending", "restored", "vaultRestored", "drainedBack", "closed"],
  gives: "newEnded",
  by: "api",
  effect: "repeatable",
  says: () =>
    "End the supplied key by its exact id, only when every copy was just seen to hold the old value",
  target: (s) => s.issuer.account,
  observes: (c, { checked, pending }) => lookBeforeEnding(c, { ref: pending.ref, sealed: checked.sealed }),
  needs: newMayBeEnded,
  looks: (c, { pending }) => lookGone(c, pending.ref.id, KEY_TAKEN_BACK),
  does: async (c, { checked, pending }) => {
    const { id } = pending.ref;
    for (const end of [() => c.issuer.end(id), () => endTagged(c, checked)]) {
      const ended = await end();
      if (ended.is !== "done") return ended;
    }
    return done({ id, at: c.now() });
  },
  proves: (c, { checked, pending }) => refusal(c, pending.sealed, checked.sealed, BACK),
  repeats: turnsRound,
  undoes: "impossible",
});

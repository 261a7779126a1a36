import { done } from "../../core/outcome.ts";
import { step } from "../../core/step.ts";
import { newMayBeEnded } from "../../guards/sweep.ts";
import { lookBeforeEnding } from "./ending.ts";
import { endTagged } from "./mint.ts";
import { BACK, refusal } from "./refusal.ts";

/** Ends the supplied credential after a rollback: by its exact id, because a person may not have given it this run's tag (X-14, P2, P4). */
export const endSupplied = step({
  id: "end-new",
  takes: ["checked", "pending", "restored", "vaultRestored"],
  gives: "newEnded",
  by: "api",
  effect: "repeatable",
  says: () =>
    "End the supplied key by its exact id, only when every copy was just seen to hold the old value",
  target: (s) => s.issuer.account,
  observes: (c, { checked, pending }) => lookBeforeEnding(c, { ref: pending.ref, sealed: checked.sealed }),
  needs: newMayBeEnded,
  looks: async (c, { pending }) => {
    const { id } = pending.ref;
    const listed = await c.issuer.isListed(id);
    if (listed.is === "dead") return { is: "present", value: { id, at: listed.at } };
    if (listed.is === "alive") return { is: "absent" };
    return {
      is: "unknown",
      trouble: {
        code: "OLD_NOT_DEAD",
        message: `${id.slice(0, 8)}… is not shown to be gone: ${listed.says}`,
        because: "a rollback is over only when the key that it takes back is proved dead",
        next: `lockstep show ${c.run}`,
      },
    };
  },
  does: async (c, { checked, pending }) => {
    const { id } = pending.ref;
    for (const end of [() => c.issuer.end(id), () => endTagged(c, checked)]) {
      const ended = await end();
      if (ended.is !== "done") return ended;
    }
    return done({ id, at: c.now() });
  },
  proves: (c, { checked, pending }) => refusal(c, pending.sealed, checked.sealed, BACK),
  undoes: "impossible",
});

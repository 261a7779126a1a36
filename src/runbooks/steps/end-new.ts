import { done } from "../../core/outcome.ts";
import { step } from "../../core/step.ts";
import { newMayBeEnded } from "../../guards/sweep.ts";
import { lookBeforeEnding } from "./ending.ts";
import { endTagged } from "./mint.ts";
import { BACK, refusal } from "./refusal.ts";

/** Ends the new credential after a rollback, under the same proof as any end of a key (X-14, P2, P4). */
export const endNew = step({
  id: "end-new",
  takes: ["checked", "old", "pending", "restored", "vaultRestored", "closed"],
  gives: "newEnded",
  by: "api",
  effect: "repeatable",
  says: () => "End the new key by its exact id, only when every copy was just seen to hold the old value",
  target: (s) => s.issuer.account,
  observes: (c, { checked, old }) => lookBeforeEnding(c, { ref: old, sealed: checked.sealed }),
  needs: newMayBeEnded,
  looks: async (c, { pending }) => {
    const listed = await c.issuer.isListed(pending.ref.id);
    if (listed.is === "dead") return { is: "present", value: { id: pending.ref.id, at: listed.at } };
    return listed.is === "alive"
      ? { is: "absent" }
      : { is: "unknown", trouble: unseen(pending.ref.id, listed.says, c.run) };
  },
  does: async (c, { checked, pending }) => {
    const ended = await endTagged(c, checked);
    return ended.is === "done" ? done({ id: pending.ref.id, at: c.now() }) : ended;
  },
  proves: (c, { checked, pending }) => refusal(c, pending.sealed, checked.sealed, BACK),
  undoes: "impossible",
});

function unseen(id: string, says: string, run: string) {
  return {
    code: "OLD_NOT_DEAD",
    message: `${id.slice(0, 8)}… is not shown to be gone: ${says}`,
    because: "a rollback is over only when the key that it takes back is proved dead",
    next: `lockstep show ${run}`,
  } as const;
}

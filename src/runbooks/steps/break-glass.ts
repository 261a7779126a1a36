import { done } from "../../core/outcome.ts";
import { step } from "../../core/step.ts";
import { oldIsIdentified, oldIsNobodyElses, oldIsNotTheNewOne } from "../../guards/old.ts";

/** Ends the old credential at once, without a sweep, on a person's word: what still uses it breaks (HK-14, X-12, the named exception of P1). */
export const breakGlass = step({
  id: "break-glass",
  takes: ["checked", "old", "pending", "validated"],
  gives: "revoked",
  by: "api",
  effect: "repeatable",
  says: () => "End the old key by its exact id at once, although copies may still hold it",
  target: (s) => s.issuer.account,
  needs: [oldIsIdentified, oldIsNobodyElses, oldIsNotTheNewOne],
  does: async (c, { old }) => {
    const ended = await c.issuer.end(old.id);
    return ended.is === "done" ? done({ id: old.id, at: c.now() }) : ended;
  },
  tells: ({ id }) => `${id.slice(0, 8)}… ended at once; what still held it is refused from now on`,
  undoes: "impossible",
});

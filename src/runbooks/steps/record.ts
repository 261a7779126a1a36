import { labelOf } from "../../core/credential.ts";
import { done } from "../../core/outcome.ts";
import { step } from "../../core/step.ts";

/** Writes the rotation down: generations, rotation log and audit in one transaction; then forgets the sealed values (SOP step 7, HK-10). */
export const record = step({
  id: "record",
  takes: ["checked", "old", "pending", "tidied", "dead"],
  gives: "recorded",
  by: "api",
  effect: "none",
  says: (s) => `Record the rotation; the next one is due ${s.cadenceDays} days from now`,
  does: async (c, { checked, old, pending, tidied, dead }) => {
    const at = c.now();
    const notes = tidied.ended.length > 0 ? `duplicates ended: ${tidied.ended.join(", ")}` : "";
    const row = {
      run: c.run,
      secret: c.snapshot.secret,
      at,
      actor: c.actor.name,
      reason: c.snapshot.reason,
    } as const;
    await c.ledger.recordRotation(
      { ...row, old, new: pending.ref, notes },
      { old: checked.fingerprints, new: pending.fingerprints },
      {
        action: "secret.rotate.completed",
        actor: c.actor,
        secret: c.snapshot.secret,
        run: c.run,
        context: {
          reason: c.snapshot.reason,
          old: { id: old.id, description: old.description, label: labelOf(checked.fingerprints) },
          new: {
            id: pending.ref.id,
            description: pending.ref.description,
            label: labelOf(pending.fingerprints),
          },
          proof: dead.says,
        },
      },
    );
    await c.sealed.drop(checked.sealed);
    await c.sealed.drop(pending.sealed);
    return done({ at, says: `rotation log and audit written` });
  },
  undoes: "nothing",
});

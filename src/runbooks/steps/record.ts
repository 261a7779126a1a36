import { labelOf } from "../../core/credential.ts";
import type { Facts } from "../../core/facts.ts";
import { done } from "../../core/outcome.ts";
import { leftId, strayId } from "../../core/record.ts";
import { type StepContext, step } from "../../core/step.ts";
import { formerValue } from "./former.ts";

/** Writes the rotation down: generations, rotation log and audit in one transaction; then forgets the sealed values (SOP step 7, HK-10). */
export const record = step({
  id: "record",
  takes: ["checked", "old", "pending", "canonical", "copies", "tidied", "dead"],
  gives: "recorded",
  by: "api",
  effect: "none",
  says: (s) => `Record the rotation; the next one is due ${s.cadenceDays} days from now`,
  does: async (c, { checked, old, pending, canonical, copies, tidied, dead }) => {
    const at = c.now();
    const { secret, reason } = c.snapshot;
    const { fingerprints } = await formerValue(c, checked, old);
    await c.ledger.keepReceipts(secret, [canonical, ...Object.values(copies)]);
    if (dead.shown === "left") await oweOld(c, checked);
    await oweOvertaken(c, [old.id, pending.ref.id]);
    await c.ledger.recordRotation(
      {
        run: c.run,
        secret,
        at,
        actor: c.actor.name,
        reason,
        old,
        new: pending.ref,
        notes: notesOf(tidied, dead),
      },
      { old: fingerprints, new: pending.fingerprints },
      {
        action: "secret.rotate.completed",
        actor: c.actor,
        secret,
        run: c.run,
        context: {
          reason,
          old: { id: old.id, description: old.description, label: labelOf(fingerprints) },
          new: {
            id: pending.ref.id,
            description: pending.ref.description,
            label: labelOf(pending.fingerprints),
          },
          proof: dead.says,
          shown: dead.shown ?? "dead",
        },
      },
    );
    await c.sealed.drop(checked.sealed);
    await c.sealed.drop(pending.sealed);
    return done({ at, says: `rotation log and audit written` });
  },
  undoes: "nothing",
});

function notesOf({ ended }: Facts["tidied"], dead: Facts["dead"]): string {
  return [
    ...(ended.length > 0 ? [`duplicates ended: ${ended.join(", ")}`] : []),
    ...(dead.shown ? [dead.says] : []),
  ].join("; ");
}

/** What the record took for the present key is neither of the two, where somebody has changed the vault by hand: nobody else would end it. */
async function oweOvertaken(c: StepContext, ours: readonly string[]): Promise<void> {
  const { secret } = c.snapshot;
  const recorded = (await c.ledger.current(secret))?.credential;
  if (!recorded || ours.includes(recorded.id)) return;
  const { id, description } = recorded;
  if ((await c.issuer.isListed(id)).is === "dead") return;
  await c.ledger.owe({
    id: strayId(secret, id),
    secret,
    severity: "finding",
    says: `${id.slice(0, 8)}… (${description}) was on record as the present key, and the vault held another one when ${c.run} began; it was not ended`,
    next: `lockstep revoke ${secret} --id ${id}    if nothing uses it`,
  });
}

/** What was not ended is debt, by its label: its id is not known. */
async function oweOld(c: StepContext, { fingerprints }: Facts["checked"]): Promise<void> {
  const { secret, issuer } = c.snapshot;
  const label = labelOf(fingerprints);
  await c.ledger.owe({
    id: leftId(secret, label),
    secret,
    severity: "finding",
    says: `The ${issuer.target} ${label} that stood in the vault before ${c.run} still works and was left alone: which one it is could not be told`,
    next: `lockstep revoke ${secret} --id <id>    once you know which one it is; or declare it as known`,
  });
}

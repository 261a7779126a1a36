import type { Credential } from "../../core/credential.ts";
import { done, type Outcome } from "../../core/outcome.ts";
import { type StepContext, step } from "../../core/step.ts";

/** Ends what this run created twice, because a reply was lost or came late (SOP guardrail, HK-13). */
export const tidy = step({
  id: "tidy",
  takes: ["pending", "canonical"],
  gives: "tidied",
  by: "api",
  effect: "repeatable",
  says: () => "End duplicates: whatever carries this run's tag and is not what the vault holds",
  conditional: ["nothing is ended where there is no duplicate"],
  target: (s) => s.issuer.account,
  costs: (s) => ({ [s.issuer.vendor]: s.issuer.costs.findByTag }),
  looksFirst: true,
  looks: async (c, { pending }) => {
    const extra = await duplicates(c, pending.ref.id);
    if (extra.is !== "done") return extra;
    return extra.value.length === 0
      ? { is: "present", value: { ended: [], says: "no duplicate" } }
      : { is: "absent" };
  },
  does: async (c, { pending }) => {
    const extra = await duplicates(c, pending.ref.id);
    if (extra.is !== "done") return extra;
    for (const { id } of extra.value) {
      const ended = await c.issuer.end(id);
      if (ended.is !== "done") return ended;
    }
    const ended = extra.value.map(({ id }) => id);
    return done({ ended, says: `${ended.length} duplicate ended` });
  },
  proves: async (c, { pending }, { ended }) => {
    if (ended.length === 0) return { is: "proved", at: c.now(), says: "no duplicate" };
    const left = await duplicates(c, pending.ref.id);
    if (left.is !== "done") return { is: "unknown", trouble: left.trouble };
    if (left.value.length === 0)
      return { is: "proved", at: c.now(), says: `${ended.length} duplicate ended and gone` };
    return {
      is: "unknown",
      trouble: {
        code: "DUPLICATE_UNCLEAR",
        message: `${left.value.length} duplicate of this run is still listed`,
        because: "the run does not end while more than one credential of its own is alive",
        next: `lockstep show ${c.run}`,
      },
    };
  },
  undoes: "nothing",
});

async function duplicates(c: StepContext, keep: string): Promise<Outcome<readonly Credential[]>> {
  const tagged = await c.issuer.findByTag(c.tag);
  if (tagged.is !== "done") return tagged;
  return done(tagged.value.filter(({ id }) => id !== keep));
}

import type { Facts } from "../../core/facts.ts";
import { done, type Outcome, refused } from "../../core/outcome.ts";
import type { Snapshot } from "../../core/snapshot.ts";
import { type Look, type StepContext, step } from "../../core/step.ts";

/** Claims the vault's entry for this installation, so that no other one writes beside it (X-10, P8). */
export const claim = step({
  id: "claim",
  takes: ["old"],
  gives: "claimed",
  by: "api",
  effect: "repeatable",
  says: (s) =>
    s.takeOver
      ? `Claim ${s.vault.target} for this installation, taking it over: ${s.takeOver}`
      : `${s.vault.target} is claimed by this installation`,
  conditional: ["where nobody has claimed the entry yet: write this installation's id beside it"],
  target: (s) => s.vault.target,
  costs: (s) => ({ [s.vault.vendor]: s.vault.costs.claim }),
  looksFirst: true,
  looks: claimed,
  does: async (c) => {
    const put = await c.vault.putClaim(c.installation);
    return put.is === "done" ? done({ at: c.now(), says: "claimed for this installation" }) : put;
  },
  undoes: "nothing",
});

async function claimed(c: StepContext): Promise<Look<Facts["claimed"]>> {
  const seen = await c.vault.claim();
  if (seen.is !== "done") return seen;
  const { installation } = seen.value;
  if (installation === c.installation)
    return { is: "present", value: { at: c.now(), says: "claimed by this installation" } };
  if (installation === undefined || c.snapshot.takeOver) return { is: "absent" };
  return refused(elsewhere(c.snapshot, installation));
}

/** Whether the entry is claimed by another installation; a look that changes nothing. A rotation under way takes nothing over. */
export async function claimIsOurs(c: StepContext): Promise<Outcome<void>> {
  const seen = await c.vault.claim();
  if (seen.is !== "done") return seen;
  const { installation } = seen.value;
  if (installation === undefined || installation === c.installation) return done(undefined);
  const { flow, secret } = c.snapshot;
  const trouble = elsewhere(c.snapshot, installation);
  if (flow !== "rotate") return refused(trouble);
  return refused({
    ...trouble,
    next: `lockstep rotate ${secret}    once that claim is out of the vault`,
  });
}

function elsewhere(s: Snapshot, installation: string) {
  return {
    code: "CLAIMED_ELSEWHERE",
    message: `${s.vault.target} is claimed by the installation ${installation.slice(0, 8)}…`,
    because: "two installations that rotate one secret end each other's keys",
    next: `lockstep rotate ${s.secret} --take-over --because "why"    when the other one is gone`,
  } as const;
}

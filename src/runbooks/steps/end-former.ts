import { NOBODY } from "../../core/credential.ts";
import { done, type Outcome, type Proof } from "../../core/outcome.ts";
import { add } from "../../core/plan.ts";
import { type StepContext, step } from "../../core/step.ts";
import { after, durationText } from "../../core/time.ts";
import { type FormerSeen, formerMayBeEnded } from "../../guards/supplied.ts";
import { costsOfLooking, LOOKED_AROUND, lookBeforeEnding } from "./ending.ts";
import { formerValue } from "./former.ts";
import { lookGone, notGone } from "./gone.ts";
import { refusal } from "./refusal.ts";

const BECAUSE = "a run completes only when the former key is proved dead";

/** Ends the former credential, if it could be told and still lives, on the same proof as in any rotation (HK-09, P2, P4). */
export const endFormer = step({
  id: "revoke",
  takes: ["checked", "old", "pending", "canonical", "copies", "soaked", "drained", "closed", "tidied"],
  gives: "revoked",
  by: "api",
  effect: "repeatable",
  says: () =>
    "End the former key by its exact id, if it could be told and still lives, and every copy was just seen to hold the new value",
  target: (s) => s.issuer.account,
  costs: (s) =>
    add(costsOfLooking(s), {
      [s.issuer.vendor]: s.issuer.costs.end + 2 * s.issuer.costs.isListed + 2 * s.issuer.costs.probe,
    }),
  conditional: ["nothing is ended where the former key could not be told, or is gone already", LOOKED_AROUND],
  observes: async (c, { checked, old, pending }): Promise<Outcome<FormerSeen | undefined>> => {
    if (old.id === NOBODY.id || (await c.issuer.isListed(old.id)).is === "dead") return done(undefined);
    const [seen, { fingerprints }] = await Promise.all([
      lookBeforeEnding(c, pending),
      formerValue(c, checked, old),
    ]);
    return seen.is === "done" ? done({ ending: fingerprints, seen: seen.value }) : seen;
  },
  needs: formerMayBeEnded,
  looksFirst: true,
  looks: async (c, { old }) => {
    if (old.id === NOBODY.id) return { is: "present", value: { id: old.id, at: c.now() } };
    return lookGone(c, old.id, BECAUSE);
  },
  does: async (c, { old }) => {
    const ended = await c.issuer.end(old.id);
    return ended.is === "done" ? done({ id: old.id, at: c.now() }) : ended;
  },
  proves: async (c, { checked, pending, old }, { at }): Promise<Proof> => {
    if (old.id === NOBODY.id) return { is: "proved", at: c.now(), says: "nothing was ended" };
    const listed = await c.issuer.isListed(old.id);
    if (listed.is !== "dead") return { is: "unknown", trouble: notGone(c, old.id, listed.says, BECAUSE, at) };
    const { isTheVaults } = await formerValue(c, checked, old);
    return isTheVaults
      ? refusal(c, checked.sealed, pending.sealed)
      : { is: "proved", at: listed.at, says: `gone: ${listed.says}` };
  },
  undoes: "impossible",
});

/** Shows once more that what the vault held before is refused; where its value is not known, that its id is gone (P4). */
export const deadFormer = step({
  id: "prove-dead",
  takes: ["checked", "old", "pending", "revoked"],
  gives: "dead",
  by: "api",
  effect: "none",
  says: (s) =>
    `The former key is refused ${durationText(s.propagationMs)} later, while the new one is accepted; where its value is not known, its id is gone`,
  target: (s) => s.issuer.account,
  costs: (s) => ({ [s.issuer.vendor]: 2 * s.issuer.costs.probe + s.issuer.costs.isListed }),
  waits: (s, { revoked }) => after(revoked.at, s.propagationMs),
  does: async (c, { checked, old, pending }) => {
    const proof = await refusal(c, checked.sealed, pending.sealed);
    const { isTheVaults } = await formerValue(c, checked, old);
    if (proof.is !== "proved")
      return { is: "retryable", trouble: old.id === NOBODY.id ? stillThere(c, proof) : proof.trouble };
    if (isTheVaults) return done({ at: proof.at, says: proof.says });
    const listed = await c.issuer.isListed(old.id);
    return listed.is === "dead"
      ? done({ at: listed.at, says: `gone: ${listed.says}; its value is not known`, shown: "gone" })
      : { is: "retryable", trouble: notGone(c, old.id, listed.says, BECAUSE) };
  },
  // Nobody could tell which credential it is: to leave it alone is a decision, and it stays on the debt list.
  settles: async (c, { old }, { by, reason }) =>
    old.id === NOBODY.id
      ? {
          is: "present",
          value: {
            at: c.now(),
            says: `not ended: ${by?.name ?? "a person"} decided so${reason ? `, ${reason}` : ""}`,
            shown: "left",
          },
        }
      : { is: "absent" },
  undoes: "nothing",
});

function stillThere(c: StepContext, proof: Exclude<Proof, { is: "proved" }>) {
  return {
    code: "OLD_NOT_DEAD",
    message: `What the vault held before could not be told, so it was not ended. ${proof.trouble.message}`,
    because: "a key whose place was taken must be refused, or be left alone by somebody's decision",
    next: `lockstep resolve ${c.run} --retry    once it is ended at the issuer; --settle leaves it, as a finding`,
  } as const;
}

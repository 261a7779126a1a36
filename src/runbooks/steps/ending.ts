import type { Credential } from "../../core/credential.ts";
import type { Trouble } from "../../core/errors.ts";
import type { FactName } from "../../core/facts.ts";
import { done, type Outcome, refused } from "../../core/outcome.ts";
import { add } from "../../core/plan.ts";
import type { SealedId } from "../../core/sealed.ts";
import { type CopySnapshot, copiesOf, type Snapshot } from "../../core/snapshot.ts";
import type { Calls, StepContext } from "../../core/step.ts";
import { type Closeness, type Sweep, sightOf, surveysOf, sweep } from "../../core/sweep.ts";
import { livingKeyIsOurs } from "../../guards/sweep.ts";
import { claimIsOurs } from "./claim.ts";

/**
 * What somebody has changed meanwhile is written again before the end is tried again. Where only a person writes a place, nothing
 * would show whether the change was meant: there a rollback is what is left.
 */
export function changedIsWrittenAgain<F extends FactName>(written: F) {
  return ({ code }: Trouble, s: Snapshot): F | undefined =>
    code === "COPY_HOLDS_OLD" && !copiesOf(s).some(({ byHand }) => byHand) ? written : undefined;
}

/**
 * On the way back: where the old key is refused by now only the new one is left, so that a retry goes forward again, and asks
 * about that one first.
 */
export function turnsRound({ code }: Trouble): FactName | undefined {
  return code === "ROLLBACK_IMPOSSIBLE" || code === "NEW_NOT_VALID" ? "validated" : undefined;
}

/** What stands in the plan for {@link changedIsWrittenAgain}. */
export const WRITTEN_AGAIN =
  "where somebody has changed a copy meanwhile, the run is held; a retry writes it again, and all that follows is done again";

/** What is looked at right before a credential is ended: every place, its surroundings, and what was checked at the start. */
export async function lookBeforeEnding(
  c: StepContext,
  living: { readonly ref: Pick<Credential, "account">; readonly sealed: SealedId },
  closeness: Closeness = "ready",
): Promise<Outcome<Sweep & { readonly livingAccount: string }>> {
  const [swept, ours, who] = await Promise.all([
    sweep(c, closeness),
    claimIsOurs(c),
    c.sealed.open(living.sealed).then((values) => c.issuer.introspect(values)),
  ]);
  // Where it is our own access, what could not be looked at says less than that it is refused.
  const refusal =
    who.is === "dead" ? livingKeyIsOurs({ livingAccount: "", snapshot: c.snapshot }) : undefined;
  if (swept.is !== "done") return refusal ? refused(refusal) : swept;
  if (ours.is !== "done") return ours;
  if (who.is === "unknown") return { is: "retryable", trouble: who.trouble };
  return done({ ...swept.value, livingAccount: who.is === "alive" ? who.account : "" });
}

/** What stands in the plan for places that {@link lookBeforeEnding} comes across. */
export const LOOKED_AROUND = "one read or two more for each further place that our accesses can see";

/** Vendor calls of {@link lookBeforeEnding}. */
export function costsOfLooking(s: Snapshot, closeness: Closeness = "ready"): Calls {
  const places = [s.vault, ...copiesOf(s)];
  const each = places.reduce<Calls>(
    (sum, copy) => add(sum, { [copy.vendor]: copy.costs[closeness === "ready" ? "ready" : "observe"] }),
    {
      [s.issuer.vendor]: s.issuer.costs.introspect,
    },
  );
  const surveys = surveysOf(places, closeness).map((i) => costsOfSurvey(places[i], places));
  const { claim, openApprovals } = s.vault.costs;
  return [...surveys, { [s.vault.vendor]: claim + openApprovals }].reduce(add, each);
}

function costsOfSurvey(first: CopySnapshot | undefined, places: readonly CopySnapshot[]): Calls {
  if (!first) return {};
  if (first.capabilities.surveys === "copy") return { [first.vendor]: first.costs.survey };
  const same = places.filter((one) => sightOf(one) === sightOf(first));
  return { [first.vendor]: first.costs.survey + same.length * (first.costs.surveyOfEach ?? 1) };
}

import type { Answer, Asked } from "../../core/circumstances.ts";
import { sameFingerprints } from "../../core/credential.ts";
import type { Trouble } from "../../core/errors.ts";
import type { Facts } from "../../core/facts.ts";
import { done, type Outcome, refused } from "../../core/outcome.ts";
import type { CopySnapshot, Snapshot } from "../../core/snapshot.ts";
import { copyStep, type Look, type StepContext } from "../../core/step.ts";
import type { Receipt } from "../../core/store.ts";
import type { Task } from "../../core/task.ts";
import { after, between, type Instant, secondOf } from "../../core/time.ts";
import { newKeyStillWorks } from "../../guards/new.ts";
import { stepIdOf } from "../../guards/sweep.ts";
import { receiptOf } from "./receipt.ts";
import { accountOfNewSince } from "./still-works.ts";

/** A release phase may take an hour (Heroku's limit), and its consumers start after it; a job may wait for a runner. */
const PROVE_WITHIN = { "at-once": 60_000, "on-release": 75 * 60_000, "next-run": 30 * 60_000 } as const;
/** Vendors' times are whole seconds. */
const SLACK_MS = 2_000;

/** Brings one destination to the vault's value (SOP step 4, HK-07). */
export const propagate = (copy: CopySnapshot) =>
  copyStep({
    id: stepIdOf(copy),
    takes: ["checked", "pending", "canonical"],
    by: copy.byHand ? "operator" : "api",
    effect: "repeatable",
    says: () =>
      copy.byHand
        ? `A person writes the new value to ${copy.target}; its change is confirmed`
        : `Write the new value to ${copy.target}${howOf(copy)}`,
    conditional: [
      ...(copy.capabilities.read ? ["nothing is written where the value is already there"] : []),
      ...(copy.capabilities.effectiveWhen === "on-release"
        ? [
            "where its processes crash with the new value: that app gets the old value back, unless that is refused by now, and the run is held",
          ]
        : []),
    ],
    target: () => copy.target,
    grade: copy.capabilities.grade,
    costs: () => ({ [copy.vendor]: copy.costs.write + copy.costs.prove }),
    ...(copy.byHand && { asks: (s: Snapshot) => carryTask(copy, s, "new") }),
    observes: (c, { pending, canonical }) => accountOfNewSince(c, pending, canonical.at),
    needs: [newKeyStillWorks],
    // A place that cannot be read tells nothing by looking: there, writing again is the only way to know.
    looks: (c, { pending }) => lookFor(c, copy, pending.fingerprints),
    ...(copy.byHand && { shows: (c: StepContext) => lastChangeOf(c, copy) }),
    does: async (c, { checked, pending, canonical }, answer) => {
      if (!copy.byHand) return c.store(copy.id).write(await c.sealed.open(pending.sealed));
      if (answer?.is === "declined") return refused(notWritten(c, copy, answer));
      const since = sinceOf(copy, { canonical, checked }, answer?.asked);
      return confirmChanged(c, copy, since, pending.fingerprints);
    },
    // By hand counts in a place that cannot be read only if it changed after the vault did.
    settles: async (c, { checked, pending, canonical }, { asked }) => {
      if (copy.capabilities.read) return lookFor(c, copy, pending.fingerprints);
      const since = sinceOf(copy, { canonical, checked }, asked);
      const changed = await confirmChanged(c, copy, since, pending.fingerprints);
      if (changed.is === "done") return { is: "present", value: changed.value };
      return changed.is === "refused" ? { is: "absent" } : changed;
    },
    proves: async (c, { pending }, receipt) =>
      c.store(copy.id).prove(receipt, await c.sealed.open(pending.sealed)),
    proveWithinMs: PROVE_WITHIN[copy.capabilities.effectiveWhen],
    reverts: ({ code }) => code === "CONSUMER_CRASHED",
    undoes: {
      says: "Put the old value back, when a person decides so",
      by: "decision",
      does: async (c, { checked }) => {
        if (!checked) return done(undefined);
        const old = await c.sealed.open(checked.sealed);
        if ((await c.issuer.introspect(old)).is === "dead") return refused(keptNew(c, copy));
        const written = await c.store(copy.id).write(old, { regardless: true });
        return written.is === "done" ? done(undefined) : written;
      },
    },
  });

/** With a dead value a crashed consumer would not come back, and the copy would hold what no copy may. */
function keptNew(c: StepContext, copy: CopySnapshot): Trouble {
  return {
    code: "ROLLBACK_IMPOSSIBLE",
    message: `${copy.target} keeps the new value, although its processes crash: the issuer refuses the old one`,
    because: "the old value is put back only while it may work",
    next: `lockstep resolve ${c.run} --retry    once you know why they crash`,
  };
}

const HOW = {
  "at-once": ", then read it back",
  "on-release": ": one release, waited for until its processes run on it, then read back",
  "next-run": ": cannot be read",
} as const;

function howOf({ capabilities }: CopySnapshot): string {
  return capabilities.grade === "behaviour"
    ? ": cannot be read; proved by one run of its proof workflow"
    : HOW[capabilities.effectiveWhen];
}

/** Whether a readable place holds the value. */
export async function lookFor(
  c: StepContext,
  copy: CopySnapshot,
  wanted: Receipt["fingerprints"],
): Promise<Look<Receipt>> {
  if (!copy.capabilities.read) return { is: "absent" };
  const seen = await c.store(copy.id).observe();
  if (seen.is !== "done") return seen;
  return seen.value.fingerprints && sameFingerprints(seen.value.fingerprints, wanted)
    ? { is: "present", value: receiptOf(copy.id, seen.value, wanted) }
    : { is: "absent" };
}

/** What a person is asked where only a person can write. */
export function carryTask(copy: CopySnapshot, s: Snapshot, which: "new" | "old"): Task {
  return {
    kind: "carry",
    value: which === "new" ? "pending" : "old",
    title: `Write the ${which} value of ${s.secret} to ${copy.target}`,
    lines: copy.byHand?.lines ?? [],
    command: copy.byHand?.command ?? [],
  };
}

/** What holds a run whose person will not write a place. */
export function notWritten(c: StepContext, copy: CopySnapshot, { by, reason }: Answer): Trouble {
  return {
    code: "OPERATOR_DECLINED",
    message: `${by.name} will not write ${copy.target}${reason ? `: ${reason}` : ""}`,
    because: "only a person can write there, and the run cannot go on without it",
    next: `lockstep resolve ${c.run} --retry    asks again`,
  };
}

/** From when on a change of a place is the write that a person was asked for. */
interface Since {
  readonly at: Instant;
  /** What a change before that is before. */
  readonly what: string;
  /** Changes that were there before: they are none since, however much the place's clock is ahead of ours. */
  readonly found: readonly (Instant | undefined)[];
}

/** Since the person was asked, or, where nobody came to be asked, since the vault was written. */
function sinceOf(
  copy: CopySnapshot,
  { canonical, checked }: Pick<Facts, "canonical" | "checked">,
  asked: Asked | undefined,
): Since {
  if (asked) return sinceAsked(copy, checked, asked);
  const at = after(canonical.at, -SLACK_MS);
  return { at, what: "the vault's", found: [checked.changed?.[copy.id]] };
}

/**
 * No slack for a clock: somebody else may have written there moments before, and that is no answer. Places tell changes by the
 * second, so that one in the second of the question counts, unless it was there when the question was asked.
 */
export function sinceAsked(copy: CopySnapshot, { changed }: Facts["checked"], { at, shown }: Asked): Since {
  return { at: secondOf(at), what: "you were asked for it", found: [changed?.[copy.id], shown] };
}

/** The last change of a place, where it shows one. */
export async function lastChangeOf(c: StepContext, copy: CopySnapshot): Promise<Instant | undefined> {
  const seen = await c.store(copy.id).observe();
  return seen.is === "done" ? seen.value.changedAt : undefined;
}

/** The receipt of a write by a person: the place says that it changed since. */
export async function confirmChanged(
  c: StepContext,
  copy: CopySnapshot,
  since: Since,
  fingerprints: Receipt["fingerprints"],
): Promise<Outcome<Receipt>> {
  const seen = await c.store(copy.id).observe();
  if (seen.is !== "done") return seen;
  const { present, changedAt } = seen.value;
  const known = changedAt === undefined || since.found.includes(changedAt);
  if (present && !known && between(since.at, changedAt) >= 0) {
    return done({ ...receiptOf(copy.id, seen.value, fingerprints), wrote: true });
  }
  return refused({
    code: "ANSWER_REFUSED",
    message: `${copy.target} shows ${known ? "no change" : `its last change at ${changedAt}, which is before ${since.what}`}`,
    because: "a write by hand counts once the place itself shows it",
    next: `lockstep answer ${c.run}`,
  });
}

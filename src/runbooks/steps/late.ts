import { type Credential, sameFingerprints } from "../../core/credential.ts";
import type { Trouble } from "../../core/errors.ts";
import type { Facts } from "../../core/facts.ts";
import { done, type Outcome, refused } from "../../core/outcome.ts";
import { strayId } from "../../core/record.ts";
import type { Followed, Snapshot } from "../../core/snapshot.ts";
import { type StepContext, type StepDefinition, step } from "../../core/step.ts";
import { after, durationText, type Milliseconds } from "../../core/time.ts";

/** Looks for what a lost request has made after all, 2 min, 15 min and 24 h after it was sent, and ends it by exact id (HK-13). */
export const lateFirst = step({ ...lookAfter(2 * 60_000, "another look follows"), gives: "lateFirst" });
export const lateSecond = step({ ...lookAfter(15 * 60_000, "another look follows"), gives: "lateSecond" });
export const lateLast = step({ ...lookAfter(24 * 3_600_000), gives: "lateLast" });

type Late = Facts["lateLast"];

/** `more`: what is said where it could not be looked, and the next step looks again; without it that stops the run. */
function lookAfter(ms: Milliseconds, more?: string): StepDefinition<never, Late, undefined> {
  return {
    id: `late/${durationText(ms).replace(" ", "")}`,
    takes: [],
    by: "api",
    effect: "repeatable",
    says: (s) =>
      followed(s).byHand
        ? `${durationText(ms)} after ${followed(s).run} ended: what a person has created for it, and the vault does not hold, becomes a finding`
        : `${durationText(ms)} after ${followed(s).run} asked for its key: end what carries its tag and is not what the vault holds`,
    conditional: ["nothing is ended where there is no duplicate"],
    target: (s) => s.issuer.account,
    costs: (s) => ({
      [s.issuer.vendor]: s.issuer.costs.findByTag,
      [s.vault.vendor]: s.vault.costs.observe,
    }),
    waits: (s) => after(followed(s).mintedAt, ms),
    looksFirst: true,
    looks: async (c) => {
      const extra = await lateDuplicates(c);
      if (extra.is !== "done")
        return more === undefined
          ? extra
          : { is: "present", value: { ended: [], says: `not seen: ${extra.trouble.message}; ${more}` } };
      return extra.value.length === 0
        ? { is: "present", value: { ended: [], says: "no duplicate" } }
        : { is: "absent" };
    },
    does: async (c) => {
      const extra = await lateDuplicates(c);
      if (extra.is !== "done") return extra;
      if (followed(c.snapshot).byHand) return oweMade(c, extra.value);
      for (const { id } of extra.value) {
        const ended = await c.issuer.end(id);
        if (ended.is !== "done") return ended;
      }
      const ended = extra.value.map(({ id }) => id);
      return done({ ended, says: `${ended.length} late duplicate ended` });
    },
    proves: async (c, _facts, { ended, says }) => {
      for (const id of ended) {
        const listed = await c.issuer.isListed(id);
        if (listed.is !== "dead") return { is: "unknown", trouble: notGone(c, id, listed.says) };
      }
      return { is: "proved", at: c.now(), says };
    },
    undoes: "nothing",
  };
}

/** Whoever created it knows its value, and may have given it to a later run: it is shown, and ended by a person's decision. */
async function oweMade(c: StepContext, made: readonly Credential[]): Promise<Outcome<Late>> {
  const { secret } = c.snapshot;
  for (const { id, description } of made)
    await c.ledger.owe({
      id: strayId(secret, id),
      secret,
      severity: "finding",
      says: `${id.slice(0, 8)}… (${description}) was created for ${followed(c.snapshot).run}, which ended without it; it lives`,
      next: `lockstep revoke ${secret} --id ${id}    if nothing uses it`,
    });
  return done({ ended: [], says: `${made.length} created for it, each a finding` });
}

function followed(s: Snapshot): Followed {
  if (s.follows) return s.follows;
  throw new Error("a follow-up follows a run");
}

/**
 * What carries the followed run's tag, besides the credential that is on record as what the vault holds, and the run's own:
 * once somebody has adopted another one, copies may hold that still (P2).
 */
async function lateDuplicates(c: StepContext): Promise<Outcome<readonly Credential[]>> {
  const { tag, held: own } = followed(c.snapshot);
  const tagged = await c.issuer.findByTag(tag);
  if (tagged.is !== "done" || tagged.value.length === 0) return tagged;
  const held = await heldId(c);
  return held.is === "done"
    ? done(tagged.value.filter(({ id }) => id !== held.value && id !== own?.id))
    : held;
}

/**
 * Which credential the vault holds, by its value: as the followed run left it, or as a later one recorded it. A value of before
 * tells nothing: reads may lag, and then the one that the vault holds would pass for a duplicate.
 */
async function heldId(c: StepContext): Promise<Outcome<string>> {
  const { secret, follows } = c.snapshot;
  const seen = await c.vault.observe();
  if (seen.is !== "done") return seen;
  const { fingerprints } = seen.value;
  if (!fingerprints) return refused(unclear(c, "the vault is empty"));
  if (follows?.held && sameFingerprints(follows.held.fingerprints, fingerprints))
    return done(follows.held.id);
  const known = (await c.ledger.known({ fingerprints })).find(
    (one) =>
      one.secret === secret && one.state === "current" && sameFingerprints(one.fingerprints, fingerprints),
  );
  return known
    ? done(known.credential.id)
    : refused(unclear(c, "the vault's value is not the one on record"));
}

function unclear(c: StepContext, found: string): Trouble {
  return {
    code: "DUPLICATE_UNCLEAR",
    message: `Which credential of ${followed(c.snapshot).run} is a duplicate cannot be told: ${found}`,
    because: "what the vault holds must not be ended, and unknown is never proof",
    next: `lockstep adopt ${c.snapshot.secret}    puts on record what the vault holds`,
  };
}

function notGone(c: StepContext, id: string, says: string): Trouble {
  return {
    code: "DUPLICATE_UNCLEAR",
    message: `${id.slice(0, 8)}… was ended but is not shown to be gone: ${says}`,
    because: "a credential that nobody holds must not stay alive unseen",
    next: `lockstep show ${c.run}`,
  };
}

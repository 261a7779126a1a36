import { labelOf } from "../../core/credential.ts";
import type { Facts } from "../../core/facts.ts";
import { done, type Outcome, type Proof } from "../../core/outcome.ts";
import { add } from "../../core/plan.ts";
import { keylessId, lateId, type Owed, runTagIn, unprovedId, unseenId } from "../../core/record.ts";
import type { Snapshot } from "../../core/snapshot.ts";
import { type StepContext, step } from "../../core/step.ts";
import { after, durationText, type Instant } from "../../core/time.ts";
import { endingIsOurs, endingMayBeEnded, type RevokeSeen } from "../../guards/revoke.ts";
import { costsOfLooking, LOOKED_AROUND, lookBeforeEnding } from "./ending.ts";
import { notGone } from "./gone.ts";

/** Ends one credential by its exact id: on a sweep that shows that no copy holds it, or on a person's word. */
export const endOne = (s: Snapshot) =>
  step({
    id: "revoke",
    takes: ["checked", "ending"],
    gives: "revoked",
    by: "api",
    effect: "repeatable",
    says: () =>
      s.ending?.breakGlass === undefined
        ? "End it by its exact id, only when no copy was just seen to hold it"
        : `End it by its exact id at once, although copies may hold it: ${s.ending.breakGlass}`,
    target: () => s.issuer.account,
    costs: () =>
      add(s.ending?.breakGlass === undefined ? costsOfLooking(s, "holds") : {}, {
        [s.issuer.vendor]: s.issuer.costs.end + s.issuer.costs.isListed,
      }),
    conditional: s.ending?.breakGlass === undefined ? [LOOKED_AROUND] : [],
    observes: (c, facts) => look(c, facts),
    needs: [...endingIsOurs, ...endingMayBeEnded],
    looks: async (c, { ending }) => {
      const { id } = ending.credential;
      const { is, at, says } = await isThere(c, ending);
      if (is === "dead") return { is: "present", value: { id, at } };
      return is === "alive" ? { is: "absent" } : { is: "unknown", trouble: notShown(c, ending, says) };
    },
    does: end,
    proves: async (c, { ending }, ended): Promise<Proof> => {
      const { is, at, says } = await isThere(c, ending);
      if (is === "dead") return { is: "proved", at, says };
      return { is: "unknown", trouble: notShown(c, ending, says, ended.at) };
    },
    undoes: "impossible",
  });

async function look(
  c: StepContext,
  { checked, ending }: Pick<Facts, "checked" | "ending">,
): Promise<Outcome<RevokeSeen | undefined>> {
  if (c.snapshot.ending?.breakGlass !== undefined) return done(undefined);
  const [seen, receipts] = await Promise.all([
    lookBeforeEnding(c, { ref: ending.credential, sealed: checked.sealed }, "holds"),
    c.ledger.receipts(c.snapshot.secret),
  ]);
  return seen.is === "done" ? done({ seen: seen.value, receipts }) : seen;
}

/** Once the glass is broken the SEV-1 stands before the key falls: a crash between the two must not hide that it fell. */
async function end(c: StepContext, { ending }: Pick<Facts, "ending">): Promise<Outcome<Facts["revoked"]>> {
  const { id } = ending.credential;
  const broken = c.snapshot.ending?.breakGlass !== undefined;
  if (broken) await c.ledger.owe(keyless(c, ending));
  const ended = await c.issuer.end(id);
  if (ended.is === "done") return done({ id, at: c.now() });
  if (broken && ended.is !== "unknown") await c.ledger.settle(keylessId(c.snapshot.secret));
  return ended;
}

function keyless(c: StepContext, { credential }: Facts["ending"]): Owed {
  const { secret, ending } = c.snapshot;
  return {
    id: keylessId(secret),
    secret,
    severity: "sev-1",
    says: `${credential.id.slice(0, 8)}… of ${secret} was ended at once (${ending?.breakGlass ?? "no reason given"}); what held it is refused until a new generation is canonical`,
    next: `lockstep rotate ${secret} --supplied`,
  };
}

/** Whether it is still there: by the issuer's list; where our own access was ended with it, by its own refusal. */
async function isThere(c: StepContext, { credential, sealed }: Facts["ending"]) {
  const listed = await c.issuer.isListed(credential.id);
  return listed.is === "unknown" && sealed !== null ? c.issuer.probe(await c.sealed.open(sealed)) : listed;
}

function notShown(c: StepContext, { credential }: Facts["ending"], says: string, endedAt?: Instant) {
  return notGone(c, credential.id, says, "a revoke is over only when the end can be shown", endedAt);
}

/** Shows the end once more after the issuer's propagation window, as strongly as can be without the value or without a living key (P4). */
export const proveEnded = step({
  id: "prove-dead",
  takes: ["ending", "revoked"],
  gives: "dead",
  by: "api",
  effect: "none",
  says: (s) =>
    `${durationText(s.propagationMs)} later: its value is refused while a living key is accepted; where the value is not known, its id is gone`,
  target: (s) => s.issuer.account,
  costs: (s) => ({ [s.issuer.vendor]: s.issuer.costs.isListed }),
  conditional: ["one probe with its own value, where that is what the vault holds"],
  waits: (s, { revoked }) => after(revoked.at, s.propagationMs),
  does: async (c, { ending }) => {
    const { sealed } = ending;
    const [listed, own] = await Promise.all([
      c.issuer.isListed(ending.credential.id),
      sealed === null ? undefined : c.sealed.open(sealed).then((values) => c.issuer.probe(values)),
    ]);
    // A list that was answered was asked for with a living access: it is the positive control.
    if (listed.is === "dead" && own?.is === "dead")
      return done({ at: own.at, says: `refused (${own.says}), while our own access is accepted` });
    if (listed.is === "dead" && !own)
      return done({ at: listed.at, says: `gone: ${listed.says}; its value is not known`, shown: "gone" });
    if (listed.is === "unknown" && own?.is === "dead")
      return done({
        at: own.at,
        says: `refused (${own.says}), without a living key to compare with`,
        shown: "unproved",
      });
    return {
      is: "retryable",
      trouble: notShown(c, ending, [listed, own].map((one) => one?.says ?? "").join(" ")),
    };
  },
  undoes: "nothing",
});

/** Writes the end down: generation, audit, and what is owed, in one transaction. */
export const recordEnd = step({
  id: "record",
  takes: ["checked", "ending", "revoked", "dead"],
  gives: "recorded",
  by: "api",
  effect: "none",
  says: () => "Record the end; what of it cannot be shown goes on the debt list",
  conditional: ["one look for others of the run that created it"],
  does: async (c, { checked, ending, dead }) => {
    const at = c.now();
    const { secret, reason, ending: asked } = c.snapshot;
    const { id, description } = ending.credential;
    const owed: Owed = {
      id: unprovedId(secret, id),
      secret,
      severity: "finding",
      says: `${id.slice(0, 8)}… (${description}) was ended; ${dead.says}`,
      next: `lockstep rotate ${secret} --supplied`,
    };
    const unproved = dead.shown === "unproved";
    await c.ledger.recordEnd(
      { run: c.run, secret, at, credential: ending.credential, ...(unproved && { owed }) },
      {
        action: "secret.revoke.completed",
        actor: c.actor,
        secret,
        run: c.run,
        context: {
          reason,
          breakGlass: asked?.breakGlass ?? null,
          ended: { id, description, label: ending.fingerprints ? labelOf(ending.fingerprints) : null },
          proof: dead.says,
          shown: dead.shown ?? "dead",
        },
      },
    );
    await settleLooks(c, ending);
    await c.sealed.drop(checked.sealed);
    return done({ at, says: unproved ? "audit written; the missing proof is a finding" : "audit written" });
  },
  undoes: "nothing",
});

/** What was found of a run whose credentials could not be seen is right once none of them is left but the one in use. */
async function settleLooks(c: StepContext, { credential, living }: Facts["ending"]): Promise<void> {
  const tag = runTagIn(credential.description);
  if (tag === undefined) return;
  const tagged = await c.issuer.findByTag(tag);
  if (tagged.is !== "done" || tagged.value.some(({ id }) => id !== living)) return;
  for (const idOf of [unseenId, lateId]) await c.ledger.settle(idOf(c.snapshot.secret, tag));
}

import type { Credential } from "../../core/credential.ts";
import type { Facts } from "../../core/facts.ts";
import { done, type Outcome } from "../../core/outcome.ts";
import { type Owed, strayId, unprovedId, unseenId } from "../../core/record.ts";
import { type StepContext, step } from "../../core/step.ts";
import { NOTHING_UNSEEN, notGone } from "./gone.ts";
import { isMoved, leave, vaultIsAsFound } from "./mint.ts";

/**
 * Puts on record that a person may create a credential for this run from here on, before anybody is asked: whatever carries
 * its tag afterwards is this run's to end, also when the person never comes back (P3).
 */
export const announce = step({
  id: "announce",
  takes: ["old", "claimed"],
  gives: "announced",
  by: "api",
  effect: "repeatable",
  says: (s) =>
    `Put on record that a person may create one ${s.issuer.target}, described ${s.issuer.description} and this run's tag`,
  does: async (c) => done({ at: c.now(), says: `announced as ${describedFor(c)}` }),
  undoes: {
    says: "End what carries this run's tag; what cannot be shown to be gone goes on the debt list",
    does: takeBack,
  },
});

/** How the credential of this run is to be described: the convention and the run's tag, as a word of its own. */
function describedFor(c: Pick<StepContext, "snapshot" | "tag">): string {
  return `${c.snapshot.issuer.description} ${c.tag}`;
}

async function takeBack(c: StepContext, { checked }: Partial<Facts>): Promise<Outcome<string | undefined>> {
  const kept = (await c.sealed.find("pending"))[0]?.credential;
  const tagged = await c.issuer.findByTag(c.tag);
  if (tagged.is !== "done" && checked?.liveness !== "dead") return tagged;
  if (tagged.is !== "done") await c.ledger.owe(unseen(c));
  else {
    if (tagged.value.length > 0) {
      const unmoved = await vaultIsAsFound(c, checked);
      if (isMoved(unmoved)) return leave(c, kept ? [kept] : []);
      if (unmoved.is !== "done") return unmoved;
    }
    // The one that this run may be working with comes last.
    const others = tagged.value.filter(({ id }) => id !== kept?.id);
    const own = tagged.value.filter(({ id }) => id === kept?.id);
    for (const one of [...others, ...own]) {
      const ended = await endAndShow(c, one);
      if (ended.is !== "done") return ended;
    }
    if (kept && own.length === 0) await c.ledger.owe(stray(c, kept));
  }
  for (const record of await c.sealed.find("pending")) await c.sealed.drop(record.id);
  return done(undefined);
}

async function endAndShow(c: StepContext, credential: Credential): Promise<Outcome<void>> {
  const ended = await c.issuer.end(credential.id);
  if (ended.is !== "done") return ended;
  const listed = await c.issuer.isListed(credential.id);
  if (listed.is === "dead") return done(undefined);
  const kept = (await c.sealed.find("pending"))[0];
  if (listed.is === "unknown" && kept?.credential?.id === credential.id) {
    const own = await c.issuer.probe(await c.sealed.open(kept.id));
    if (own.is === "dead") {
      await c.ledger.owe(unproved(c, credential));
      return done(undefined);
    }
  }
  return { is: "unknown", trouble: notGone(c, credential.id, listed.says, NOTHING_UNSEEN, c.now()) };
}

function unseen(c: StepContext): Owed {
  const { secret, issuer } = c.snapshot;
  return {
    id: unseenId(secret, c.tag),
    secret,
    severity: "finding",
    says: `${c.run} asked for a ${issuer.target} described "${describedFor(c)}"; whether there is one could not be looked up without a living key`,
    next: `lockstep rotate ${secret} --supplied    after you have ended what has that description at the issuer`,
  };
}

function stray(c: StepContext, { id, description }: Credential): Owed {
  const { secret } = c.snapshot;
  return {
    id: strayId(secret, id),
    secret,
    severity: "finding",
    says: `${id.slice(0, 8)}… (${description}) was supplied to ${c.run}, was not used, and does not carry its tag, so it was not ended`,
    next: `lockstep revoke ${secret} --id ${id}    if nothing else uses it`,
  };
}

function unproved(c: StepContext, { id, description }: Credential): Owed {
  const { secret } = c.snapshot;
  return {
    id: unprovedId(secret, id),
    secret,
    severity: "finding",
    says: `${id.slice(0, 8)}… (${description}) was ended with its own access and is refused; no living key was there to show that it is gone`,
    next: `lockstep rotate ${secret} --supplied`,
  };
}

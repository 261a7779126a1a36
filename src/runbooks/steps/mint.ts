import { type Credential, sameFingerprints } from "../../core/credential.ts";
import type { Trouble } from "../../core/errors.ts";
import type { Facts } from "../../core/facts.ts";
import { done, type Outcome, refused } from "../../core/outcome.ts";
import { strayId } from "../../core/record.ts";
import type { SealedRecord } from "../../core/sealed.ts";
import { type Look, type StepContext, step } from "../../core/step.ts";
import { oldIsIdentified, oldIsNobodyElses } from "../../guards/old.ts";
import { NOTHING_UNSEEN, notGone } from "./gone.ts";
import { oweStrange } from "./older.ts";

/** Creates the new credential, tagged with this run, and seals its value (SOP step 2, HK-05). */
export const mint = step({
  id: "mint",
  takes: ["old", "claimed"],
  gives: "pending",
  by: "api",
  effect: "once",
  says: (s) =>
    `Create one ${s.issuer.target}, scope ${s.issuer.scope}, described ${s.issuer.description} and this run's tag`,
  conditional: [
    "if the reply is lost: end what carries this run's tag, show that it is gone, and create again",
  ],
  target: (s) => s.issuer.account,
  costs: (s) => ({ [s.issuer.vendor]: s.issuer.costs.findByTag + s.issuer.costs.mint }),
  needs: [oldIsIdentified, oldIsNobodyElses],
  // Also at first: what carries the tag by then was made by a run of a newer database than this one.
  looksFirst: true,
  looks: findOurs,
  does: async (c) => {
    const minted = await c.issuer.mint({ tag: c.tag, description: c.snapshot.issuer.description });
    if (minted.is !== "done") return minted;
    const sealed = await c.sealed.seal("pending", minted.value.values, minted.value.credential);
    return done({ ref: minted.value.credential, sealed: sealed.id, fingerprints: sealed.fingerprints });
  },
  // That it works is the next step's question.
  tells: (pending) => `${pending.ref.id.slice(0, 8)}… created, value sealed`,
  undoes: {
    says: "End the new credential, by its id and by this run's tag, and show that it is gone",
    does: endOurs,
  },
});

/** A sealed value is a mint that went through; a tagged entry without one is a mint whose reply was lost. */
async function findOurs(c: StepContext): Promise<Look<Facts["pending"]>> {
  const kept = (await c.sealed.find("pending"))[0];
  if (kept?.credential) return { is: "present", value: pendingOf(kept, kept.credential) };
  const tagged = await c.issuer.findByTag(c.tag);
  if (tagged.is !== "done") return tagged;
  if (tagged.value.length === 0) return { is: "absent" };
  if ((await c.announced("mint")) === undefined)
    return { is: "refused", trouble: await oweStrange(c, tagged.value) };
  return { is: "leftover", says: `${tagged.value.length} created without a reply` };
}

function pendingOf(kept: SealedRecord, ref: Facts["pending"]["ref"]): Facts["pending"] {
  return { ref, sealed: kept.id, fingerprints: kept.fingerprints };
}

/**
 * Ends all that carries this run's tag and what it has sealed, and shows that both are gone. By its id too, because a list
 * may be older than the mint; and a value that is still accepted is not gone, whatever such a list shows.
 */
async function endOurs(
  c: StepContext,
  { checked }: Partial<Facts>,
  again: boolean,
): Promise<Outcome<string | undefined>> {
  const sealed = await c.sealed.find("pending");
  const own = sealed.flatMap(({ credential }) => credential ?? []);
  const ended = await endTagged(
    c,
    checked,
    own.map(({ id }) => id),
  );
  if (!again && isMoved(ended)) return leave(c, own);
  if (ended.is !== "done") return ended;
  for (const { id, credential } of sealed) {
    const seen = await c.issuer.probe(await c.sealed.open(id));
    // Where it cannot be asked, the issuer's acceptance of the end and its list have to do.
    if (seen.is === "alive")
      return { is: "unknown", trouble: notGone(c, credential?.id ?? id, seen.says, NOTHING_UNSEEN) };
  }
  for (const { id } of sealed) await c.sealed.drop(id);
  return done(undefined);
}

/**
 * Ends these and all that carries this run's tag, each by exact id, and shows that they are listed no more; only while the
 * vault holds what the run found there, because a database that was restored from before may have forgotten a write (P1).
 */
export async function endTagged(
  c: StepContext,
  checked: Pick<Facts["checked"], "fingerprints"> | undefined,
  known: readonly string[] = [],
): Promise<Outcome<void>> {
  const tagged = await c.issuer.findByTag(c.tag);
  if (tagged.is !== "done") return tagged;
  const ids = new Set([...known, ...tagged.value.map((one) => one.id)]);
  if (ids.size === 0) return done(undefined);
  const unmoved = await vaultIsAsFound(c, checked);
  if (unmoved.is !== "done") return unmoved;
  for (const id of ids) {
    const ended = await c.issuer.end(id);
    if (ended.is !== "done") return ended;
    const listed = await c.issuer.isListed(id);
    if (listed.is !== "dead")
      return { is: "unknown", trouble: notGone(c, id, listed.says, NOTHING_UNSEEN, c.now()) };
  }
  return done(undefined);
}

/** What an undo says that has ended nothing, because the vault may hold what the run has created. */
export const LEFT =
  "The vault holds another key than this run found there; what was created for the run was not ended, and is an open finding";

/** Whether that is why nothing was ended. */
export function isMoved(ended: Outcome<unknown>): boolean {
  return ended.is === "refused" && ended.trouble.code === "RECORD_OLDER";
}

/**
 * Leaves what the run has created alive, each a finding: a run that gives up must not wait for the vault to hold again what it
 * found there, which somebody has replaced for a reason (P3).
 */
export async function leave(
  c: StepContext,
  own: readonly Credential[],
): Promise<Outcome<string | undefined>> {
  const tagged = await c.issuer.findByTag(c.tag);
  if (tagged.is !== "done") return tagged;
  const { secret, vault } = c.snapshot;
  for (const { id, description } of new Map([...own, ...tagged.value].map((one) => [one.id, one])).values())
    await c.ledger.owe({
      id: strayId(secret, id),
      secret,
      severity: "finding",
      says: `${id.slice(0, 8)}… (${description}) was created for ${c.run}, which gave up while ${vault.target} held another key than it had found there; it may be that one, so it was not ended`,
      next: `lockstep adopt ${secret}    if the vault holds it; else lockstep revoke ${secret} --id ${id}`,
    });
  return done(LEFT);
}

/** The vault holds the value that the run found there; otherwise it may hold what the run has created. */
export async function vaultIsAsFound(
  c: StepContext,
  checked: Pick<Facts["checked"], "fingerprints"> | undefined,
): Promise<Outcome<void>> {
  const held = await c.vault.observe();
  if (held.is !== "done") return held;
  const { fingerprints } = held.value;
  return checked && fingerprints && sameFingerprints(fingerprints, checked.fingerprints)
    ? done(undefined)
    : refused(vaultHasMoved(c));
}

function vaultHasMoved({ run, snapshot }: StepContext): Trouble {
  return {
    code: "RECORD_OLDER",
    message: `${snapshot.vault.target} no longer holds what ${run} found there`,
    because: "what this run created may be what the vault holds by now, so it is not ended",
    next: `lockstep verify ${snapshot.secret}    shows how things stand`,
  };
}

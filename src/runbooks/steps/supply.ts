import type { Answer } from "../../core/circumstances.ts";
import type { Credential } from "../../core/credential.ts";
import { LockstepError, type Trouble } from "../../core/errors.ts";
import type { Facts } from "../../core/facts.ts";
import { done, type NotDone, type Outcome, refused } from "../../core/outcome.ts";
import type { SealedId } from "../../core/sealed.ts";
import type { Values } from "../../core/secret-value.ts";
import { shellWord } from "../../core/shell.ts";
import type { Snapshot } from "../../core/snapshot.ts";
import { type StepContext, step } from "../../core/step.ts";
import type { TaskField } from "../../core/task.ts";
import { between } from "../../core/time.ts";
import { notTaken, objectionToPasted } from "../../guards/supplied.ts";

/** A person creates the new credential and pastes its value; it is taken only if it is what was asked for (HK-24, X-08). */
export const supply = step({
  id: "supply",
  takes: ["checked", "old", "claimed", "announced"],
  gives: "pending",
  by: "operator",
  effect: "repeatable",
  says: (s) =>
    `A person creates one ${s.issuer.target}, scope ${s.issuer.scope}, and pastes its value; it is checked before it is kept`,
  conditional: ["a value that is not what was asked for is forgotten, and the person is asked again"],
  target: (s) => s.issuer.account,
  costs: (s) => ({
    [s.issuer.vendor]: s.issuer.costs.introspect + s.issuer.costs.findByTag + s.issuer.costs.validate,
  }),
  asks: (s, _facts, { tag }) => ({
    kind: "value",
    title: `Create a new ${s.issuer.target} for ${s.secret} and paste its value`,
    lines: (s.issuer.byHand?.lines ?? []).map((line) => described(line, `${s.issuer.description} ${tag}`)),
    fields: fieldsOf(s),
  }),
  looks: async (c) => {
    const kept = (await c.sealed.find("pending"))[0];
    return kept?.credential
      ? { is: "present", value: { ref: kept.credential, sealed: kept.id, fingerprints: kept.fingerprints } }
      : { is: "absent" };
  },
  does: take,
  tells: (pending) => `${pending.ref.id.slice(0, 8)}… taken, value sealed`,
  undoes: "nothing",
});

/** What stands within double quotes is a word of a command that a person copies. */
function described(line: string, description: string): string {
  return line
    .replaceAll('"{description}"', () => shellWord(description))
    .replaceAll("{description}", () => description);
}

function fieldsOf(s: Snapshot): readonly TaskField[] {
  return s.issuer.byHand?.fields ?? [];
}

/** Judges what was pasted. Whatever comes of it, the paste itself is kept no longer than that. */
async function take(
  c: StepContext,
  { checked }: Pick<Facts, "checked">,
  answer?: Answer,
): Promise<Outcome<Facts["pending"]>> {
  if (answer?.is === "declined") return refused(declined(c, answer));
  const pasted = answer?.sealed;
  const values = pasted === undefined ? undefined : await opened(c, pasted);
  if (!answer || pasted === undefined || !values) return refused(notTaken(c, "Nothing was pasted"));
  const judged = await judge(c, checked, values);
  if (judged.is === "retryable" && between(answer.at, c.now()) < GIVEN_UP_AFTER) return judged;
  if (judged.is !== "done") {
    await c.sealed.drop(pasted);
    return judged.is === "retryable" ? refused(notTaken(c, judged.trouble.message)) : judged;
  }
  const sealed = await c.sealed.seal("pending", values, judged.value);
  await c.sealed.drop(pasted);
  return done({ ref: judged.value, sealed: sealed.id, fingerprints: sealed.fingerprints });
}

/** A fresh credential may be refused for a while, until it is known everywhere at its issuer; five looks are made in that time. */
const GIVEN_UP_AFTER = 18_000;
const LOOK_AGAIN = 5_000;

async function judge(
  c: StepContext,
  checked: Facts["checked"],
  values: Values,
): Promise<Outcome<Credential>> {
  const fingerprints = c.fingerprint(values);
  const [known, who] = await Promise.all([c.ledger.known({ fingerprints }), c.issuer.introspect(values)]);
  const misshapen = misshapenOf(fieldsOf(c.snapshot), values);
  const objection = objectionToPasted({
    misshapen,
    fingerprints,
    present: checked.fingerprints,
    known,
    who,
    snapshot: c.snapshot,
    run: c.run,
  });
  if (!objection) return identify(c, values);
  const open = misshapen.length === 0 && known.length === 0 && who.is !== "alive";
  return open ? later(objection) : refused(objection);
}

function misshapenOf(fields: readonly TaskField[], values: Values): readonly string[] {
  const wrong = fields.filter(({ name, shape = ".+" }) => !values[name]?.hasShape(shape));
  const names = new Set(fields.map(({ name }) => name));
  return [...wrong.map(({ label }) => label), ...Object.keys(values).filter((name) => !names.has(name))];
}

/** Exactly which credential it is: the one that carries this run's tag and proves to be of this value; else by its characters (HK-04). */
async function identify(c: StepContext, values: Values): Promise<Outcome<Credential>> {
  const tagged = await c.issuer.findByTag(c.tag);
  const candidates = tagged.is === "done" ? tagged.value : [];
  let why: NotDone | undefined;
  for (const credential of candidates) {
    const shown = await shownToBe(c, credential, values);
    if (shown.is === "done") return shown;
    why = shown;
  }
  // With one of that tag there is no doubt which one was meant; with several the characters may still tell.
  if (why && candidates.length === 1) return why;
  const found = await c.issuer.identify(values, undefined);
  if (found.is === "done") return shownToBe(c, found.value, values);
  return found.is === "refused" ? refused(notTaken(c, found.trouble.message)) : later(found.trouble);
}

/** Account, scope, reach, and that the value is that credential's own (HK-06). */
async function shownToBe(
  c: StepContext,
  credential: Credential,
  values: Values,
): Promise<Outcome<Credential>> {
  const proof = await c.issuer.validate(credential, values);
  if (proof.is === "proved") return done(credential);
  return proof.is === "refuted" ? refused(notTaken(c, proof.trouble.message)) : later(proof.trouble);
}

function later(trouble: Trouble): NotDone {
  return { is: "retryable", trouble, afterMs: LOOK_AGAIN };
}

/** What was pasted; undefined where it was judged and forgotten already, and the process died before that was recorded. */
async function opened(c: StepContext, pasted: SealedId): Promise<Values | undefined> {
  try {
    return await c.sealed.open(pasted);
  } catch (thrown) {
    if (thrown instanceof LockstepError && thrown.code === "KEYRING_WRONG") return undefined;
    throw thrown;
  }
}

function declined(c: StepContext, { by, reason }: Answer): Trouble {
  return {
    code: "OPERATOR_DECLINED",
    message: `${by.name} will not supply a credential${reason ? `: ${reason}` : ""}`,
    because: "without one the run cannot go on; nothing was written",
    next: `lockstep rotate ${c.snapshot.secret} --supplied`,
  };
}

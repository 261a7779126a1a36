import { expect } from "vitest";
import { safeState } from "../../src/app/run-words.ts";
import { INTENDED, type RunRecord } from "../../src/core/record.ts";
import { expectKeptPromises, held, isAlive, OLD } from "../flow/expectations.ts";
import { ACTOR, type Run, SECRET, type World } from "../flow/world.ts";

/** Which key a place holds, in the words of the document. */
type Which = "old" | "new" | "other";

/** Who lives and who holds what, as it is at the vendors. */
export interface Truth {
  readonly oldLives: boolean;
  /** How many keys that carry the run's tag live. */
  readonly newLive: number;
  readonly newId: string | undefined;
  readonly vault: Which;
  readonly github: Which;
  readonly apps: readonly Which[];
}

/** What the sandbox knows. */
export function truthOf(w: World, run: Run): Truth {
  const { vault, github, ...apps } = held(w);
  const ours = w.sandbox.control
    .truth()
    .heroku.authorizations.filter(({ description }) => description.endsWith(run.tag));
  const which = (id: string | null | undefined): Which =>
    id === OLD ? "old" : ours.some((one) => one.id === id) ? "new" : "other";
  return {
    oldLives: isAlive(w, OLD),
    newLive: ours.filter(({ alive }) => alive).length,
    newId: ours.find(({ alive }) => alive)?.id,
    vault: which(vault),
    github: which(github),
    apps: Object.values(apps).map(which),
  };
}

/** Every copy but the vault. */
function copiesOf({ github, apps }: Truth): readonly Which[] {
  return [github, ...apps];
}

const all = (truth: Truth, which: Which) =>
  truth.vault === which && copiesOf(truth).every((one) => one === which);
const bothLive = (truth: Truth) => truth.oldLives && truth.newLive === 1;

/** Each sentence that a rotation's state is told in, labels left out, with what must then be true. */
const SENTENCES: Readonly<Record<string, (truth: Truth) => boolean>> = {
  "The new key is in the vault and in every copy; the old key is proved dead.": (t) =>
    all(t, "new") && t.newLive === 1 && !t.oldLives,
  "The new key is in the vault and in every copy; the old key has been ended.": (t) =>
    all(t, "new") && t.newLive === 1 && !t.oldLives,
  "The new key is in the vault; the old key may have been ended.": (t) =>
    t.vault === "new" && t.newLive === 1,
  "Both keys work; the vault holds the new key, and some copies may still hold the old key.": (t) =>
    bothLive(t) && t.vault === "new",
  "Both keys work; the vault holds the old key or the new key.": (t) =>
    bothLive(t) && copiesOf(t).every((one) => one === "old"),
  "The old key is in the vault; the new key may exist, and no copy has been changed.": (t) =>
    all(t, "old") && t.oldLives,
  "The old key is in the vault; nothing has been changed.": (t) =>
    all(t, "old") && t.oldLives && t.newLive === 0,
  "The old key is in the vault and nothing of this run is left.": (t) =>
    all(t, "old") && t.oldLives && t.newLive === 0,
  "Both keys work; the run is on its way back, and copies may hold the old key or the new key.": (t) =>
    bothLive(t) && copiesOf(t).every((one) => one !== "other"),
  "Both keys work; the old key is back in the vault and in every copy.": (t) => bothLive(t) && all(t, "old"),
  "The old key is in the vault and in every copy; the new key may have been ended.": (t) =>
    all(t, "old") && t.oldLives,
  "The old key is in the vault and in every copy again; the new key is proved dead.": (t) =>
    all(t, "old") && t.oldLives && t.newLive === 0,
};

/** The sentences that some row has met; one that no row meets is not tested. */
export const met = new Set<string>();

/** All of {@link SENTENCES}. */
export const sentences: readonly string[] = Object.keys(SENTENCES);

/** The general promises hold, and what `lockstep show` would say of the run now is true. */
export function expectSound(w: World, run: Run): void {
  expectKeptPromises(w, run);
  const view = viewOf(w, run);
  const sentence = safeState(view.run, view.steps).replaceAll(/(old|new) key [0-9a-f]{6}\b/g, "$1 key");
  const holds = SENTENCES[sentence];
  const truth = truthOf(w, run);
  expect({ sentence, truth, holds: holds?.(truth) }).toEqual({ sentence, truth, holds: true });
  met.add(sentence);
  if (view.run.endedAt !== undefined) expect(w.memory.sealed).toEqual([]);
}

/** A run as the commands read it. */
export function viewOf({ memory }: World, run: Run) {
  const { snapshot, runbook, hash } = run.plan;
  const record: RunRecord = {
    id: run.id,
    secret: SECRET,
    flow: snapshot.flow,
    status: "queued",
    runbook,
    planHash: hash,
    reason: snapshot.reason,
    actor: ACTOR,
    tag: run.tag,
    startedAt: "",
    ...memory.runs.get(run.id),
  };
  const steps = [...memory.steps.values()].map((one) =>
    isAnnounced(memory, run, one.id) ? { ...one, announced: true as const } : one,
  );
  return { run: record, plan: run.plan, steps };
}

/** Whether an effect of this step stands announced in the audit log. */
export function isAnnounced({ audit }: World["memory"], run: Run, step: string): boolean {
  return audit.some(
    (one) => one.run === run.id && one.step === step && one.action.endsWith(`step.${INTENDED}`),
  );
}

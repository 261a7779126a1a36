import type { Plan } from "../../src/core/plan.ts";
import { leftId, strayId, unprovedId } from "../../src/core/record.ts";
import { SECRET } from "../flow/world.ts";
import type { Run } from "./crew.ts";
import { isCalm, isTagged, type Scene } from "./scene.ts";
import { authorizationOf, holdersOf, livingIn, ownerOf, vaultValue } from "./truth.ts";

/** P4 and the states of the vendors that each end of a run stands for. */
export function judgeRest(scene: Scene, run: Run): void {
  const { memory, violated } = scene;
  const record = memory.runs.get(run.id);
  if (record?.trouble?.code === "INTERNAL") violated("P11", record.trouble.message);
  if ((record?.status === "held" || record?.status === "failed") && !record.trouble?.next)
    violated("X-14", "no next step");
  if (record?.endedAt !== undefined && memory.sealed.some((one) => one.run === run.id))
    violated("P7", "a sealed value outlives its run");
  const { flow } = run.plan.snapshot;
  if (flow === "rotate") judgeRotation(scene, run);
  if (flow === "revoke") judgeRevocation(scene, run);
  if (flow === "follow-up") judgeFollowUp(scene, run);
}

function judgeRotation(scene: Scene, run: Run): void {
  const { sandbox, memory, violated, situation } = scene;
  const record = memory.runs.get(run.id);
  const calm = isCalm(scene);
  const lives = livingIn(sandbox, scene.now());
  const value = vaultValue(sandbox);
  const holds = ownerOf(sandbox, value);
  const former = situation.canonical;
  if (record?.status === "completed") {
    const old = calm ? former : record.old?.id;
    // To leave a key alone that could not be told is a person's decision, which stays open as a finding.
    const left = [...memory.owed.keys()].some((id) =>
      [unprovedId(SECRET, ""), leftId(SECRET, "")].some((debt) => id.startsWith(debt)),
    );
    if (old !== undefined && lives.has(old) && !left) violated("P4", "completed, and the old key lives");
    if (!memory.rotations.some((one) => one.run === run.id))
      violated("P9", "completed without a row in the log");
    if (calm && !holds?.description.endsWith(run.tag))
      violated("P4", "completed, and the vault holds another key");
    if (calm)
      for (const place of holdersOf(sandbox, authorizationOf(sandbox, former)?.token ?? ""))
        violated("P2", `completed, and ${place} holds the old key`);
  }
  if (record?.endedAt !== undefined && record.status !== "completed" && calm && !scene.glass) {
    if (!lives.has(former) && scene.before.has(former))
      violated("P1", `${record.status}, and the old key is dead`);
    if (holds?.id !== former) violated("P1", `${record.status}, and the vault does not hold the old key`);
  }
}

/** Completed: what was asked for is dead, and on record as such. Otherwise nothing of this secret was touched. */
function judgeRevocation(scene: Scene, run: Run): void {
  const { sandbox, memory, violated } = scene;
  const asked = run.plan.snapshot.ending?.id ?? "";
  if (memory.runs.get(run.id)?.status !== "completed") return;
  // Refused by its issuer, without a living key to compare with: the missing proof stays open as a finding.
  const unproved = memory.owed.has(unprovedId(SECRET, asked));
  if (livingIn(sandbox, scene.now()).has(asked) && !unproved) violated("P4", "completed, and the key lives");
  if (memory.generations.some(({ credential, state }) => credential.id === asked && state !== "retired"))
    violated("P4", "completed, and the key is not retired on record");
  const told = memory.audit.filter(
    (one) => one.run === run.id && one.action === "secret.revoke.completed",
  ).length;
  if (told !== 1) violated("P9", `completed, and the log tells it ${told} times`);
}

/** Completed: of the followed run nothing lives but what the vault holds. */
function judgeFollowUp(scene: Scene, run: Run): void {
  const { sandbox, memory, violated } = scene;
  if (memory.runs.get(run.id)?.status !== "completed" || !isCalm(scene)) return;
  const value = vaultValue(sandbox);
  const tag = run.plan.snapshot.follows?.tag ?? "";
  const lives = livingIn(sandbox, scene.now());
  for (const { id, description, token } of sandbox.heroku.authorizations)
    if (
      lives.has(id) &&
      description.endsWith(tag) &&
      token !== value &&
      !memory.owed.has(strayId(SECRET, id))
    )
      violated("P3", `completed, and a late duplicate lives`);
}

/** P3: what a run created is canonical, dead, or owed. */
export function judgeStranded(scene: Scene): void {
  const { sandbox, memory, before, violated } = scene;
  const runs = scene.runs();
  const open = runs.some((run) => memory.runs.get(run.id)?.endedAt === undefined);
  // A run that a restored database has forgotten is found by its tags once a run comes to creating something (P11).
  const creates = ["mint", "announce"];
  if (scene.restored && !memory.audit.some(({ step }) => creates.includes(step ?? ""))) return;
  // A run that found it says so, and nothing is created beside it until somebody has looked.
  const named = runs.some((run) => memory.runs.get(run.id)?.trouble?.code === "DUPLICATE_UNCLEAR");
  if (open || named || memory.owed.size > 0) return;
  const value = vaultValue(sandbox);
  const current = memory.generations
    .filter(({ state }) => state === "current")
    .map((one) => one.credential.id);
  for (const id of livingIn(sandbox, scene.now())) {
    const one = authorizationOf(sandbox, id);
    const made = one && !before.has(id) && isTagged(scene, one.description);
    if (made && one.token !== value && !current.includes(id))
      violated("P3", `${one.description} is stranded`);
  }
}

/** P7: no value in anything that is kept. */
export function judgePlain({ sandbox, memory, runs, violated }: Scene): void {
  const { sealed: _sealed, refuseAudit: _refuse, ...rest } = memory;
  const record = JSON.stringify(
    Object.values(rest).map((part) => (part instanceof Map || part instanceof Set ? [...part] : part)),
  );
  const entries = runs().flatMap(({ kept: { slots } }) => [...slots.values()].map(({ text }) => text));
  const kept = [record, ...runs().map(({ plan }) => writtenPlan(plan)), ...entries];
  for (const { token, description } of sandbox.heroku.authorizations)
    if (kept.some((text) => text.includes(token)))
      violated("P7", `the value of ${description} is in the record`);
}

/** Many cases share a plan. */
const written = new WeakMap<Plan, string>();

function writtenPlan(plan: Plan): string {
  const text = written.get(plan) ?? JSON.stringify(plan);
  written.set(plan, text);
  return text;
}

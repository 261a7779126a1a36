import { copiesOf } from "../../src/core/snapshot.ts";
import { SWEEP_MAX_AGE } from "../../src/guards/sweep.ts";
import type { Authorization } from "../../src/sandbox/heroku/state.ts";
import type { Run } from "./crew.ts";
import type { Sending } from "./network.ts";
import { diedByOthers, isOutOfSight, isOwn, isTagged, type Scene } from "./scene.ts";
import { accepted, authorizationOf, consumersOf, holdersOf, KEY, ownerOf, vaultValue } from "./truth.ts";

/** P1, P2, P10 at the end of a key by our hand. */
export function judgeEnd(scene: Scene, id: string): void {
  const { sandbox, situation, violated } = scene;
  const one = authorizationOf(sandbox, id);
  if (!one) return;
  if (!situation.mayEnd.includes(id) && !isTagged(scene, one.description))
    violated("P10", `ended ${one.description}, which is not to be ended`);
  if (scene.glass && !isOwn(scene, one)) return void scene.excused.add(id);
  // What others do after the last look began cannot be seen by it: no one can look and act in one moment.
  if (scene.disturbedAt >= lookBegan(scene)) return void scene.excused.add(id);
  if (isOutOfSight(scene)) scene.excused.add(id);
  for (const place of holdersOf(sandbox, one.token, isOutOfSight(scene)))
    if (!isKeptFromUs(scene, place)) violated("P2", `ended a key that ${place} holds`);
  const held = vaultValue(sandbox);
  if (!accepted(sandbox.heroku, held, scene.now()) && !diedByOthers(scene, held))
    violated("P1", "a key was ended while the vault holds none that works");
  judgeOverlap(scene, one);
}

/** A place in the vault that no plan names, and that Infisical kept from us when we looked: of what an identity may not read it shows nothing. */
function isKeptFromUs(scene: Scene, place: string): boolean {
  if (!place.startsWith("the vault's ") || place === `the vault's ${KEY}`) return false;
  return scene.sandbox.control.journal
    .list({ vendor: "infisical" })
    .some(({ at, method, status }) => method === "GET" && status === 403 && at >= lookBegan(scene));
}

/**
 * Whoever took the key from the vault, a shell or a session, has had the time that the plan promises for taking another: at
 * every moment somebody may have done so. A key that a rollback takes back has no such promise.
 */
function judgeOverlap(scene: Scene, one: Authorization): void {
  if (!scene.canonical.has(one.token) || isOwn(scene, one)) return;
  const rotating = scene.runs().filter(({ plan, done }) => plan.snapshot.flow === "rotate" && !done);
  const promised = Math.min(...rotating.map(({ plan }) => plan.snapshot.soakMs));
  const had = scene.now() - scene.wroteAt;
  if (had + scene.gained < promised)
    scene.violated(
      "P1",
      `ended ${Math.round(had / 1_000)} s after the last write, the plan promises ${promised / 1_000} s`,
    );
}

/** P2: when the end of a key that was in use leaves, every place was read after the last write, and within 120 s. */
export function judgeSweep(scene: Scene, { path }: Sending): void {
  const one = authorizationOf(scene.sandbox, path.slice(path.lastIndexOf("/") + 1));
  if (!one || scene.glass || isOwn(scene, one)) return;
  const since = Math.max(scene.wroteAt, scene.now() - SWEEP_MAX_AGE);
  const ending = scene.runs().filter(({ done, plan }) => !done && plan.snapshot.flow !== "follow-up");
  for (const { place, at } of ending.flatMap((run) => lastReads(scene, run)))
    if (at < since)
      scene.violated(
        "P2",
        `the end of a key left ${Math.round((scene.now() - at) / 1_000)} s after ${place} was read`,
      );
}

function lastReads({ read }: Scene, { plan: { snapshot } }: Run) {
  const last = (place: string, path: string) => {
    const at = [...read].filter(([each]) => each.includes(path)).map(([, moment]) => moment);
    return { place, at: Math.max(Number.NEGATIVE_INFINITY, ...at) };
  };
  const copies = copiesOf(snapshot).map(({ target, config }) =>
    last(target, String(config["appId"] ?? config["repository"])),
  );
  return [last(snapshot.vault.target, `/secrets/${KEY}`), ...copies];
}

/** Since when a run of those under way has looked, at the latest. */
function lookBegan({ begun, runs }: Scene): number {
  const moments = runs().flatMap(({ id, done }) => (done ? [] : (begun.get(id) ?? [])));
  return Math.min(...moments);
}

/** P1, HK-11: the vault holds a key that works, unless somebody else took care of that. */
export function judgeVault(scene: Scene): void {
  const { sandbox, excused } = scene;
  const value = vaultValue(sandbox);
  if (accepted(sandbox.heroku, value, scene.now()) || diedByOthers(scene, value)) return;
  if (scene.glass && excused.has(ownerOf(sandbox, value)?.id ?? "")) return;
  scene.violated("P1", "the vault holds no key that works");
}

/** P1: nobody who calls the issuer now is refused because of us. */
export function judgeConsumers(scene: Scene): void {
  const { sandbox, foreign, ended, excused } = scene;
  const works = new Set(
    sandbox.heroku.authorizations.filter(({ id }) => scene.living.has(id)).map(({ token }) => token),
  );
  for (const { who, value } of consumersOf(sandbox)) {
    if (works.has(value) || foreign.has(value)) continue;
    const owner = ownerOf(sandbox, value);
    if (!owner) scene.violated("P1", `${who} runs with a value that never worked`);
    else if (ended.get(owner.id) === "us" && !excused.has(owner.id))
      scene.violated("P1", `${who} is refused: we have ended its key`);
  }
}

import { uuid } from "../random.ts";
import type { World } from "../world.ts";
import {
  currentRelease,
  type Dyno,
  type HerokuApp,
  type HerokuState,
  type LogLine,
  type Release,
} from "./state.ts";

/** A release to be made: changed config vars, a slug, or both, as a rollback restores them. */
export interface ReleasePlan {
  description: string;
  changes?: Record<string, string | null>;
  /** Whole config, for a rollback. */
  config?: Record<string, string>;
  slugId?: string;
}

/** Lets release phases end and dynos come up that are due by now. */
export function settleHeroku(state: HerokuState, world: World): void {
  for (const app of state.apps) settleApp(app, world);
}

function settleApp(app: HerokuApp, world: World): void {
  for (const release of app.releases) {
    if (release.status === "pending" && release.endsAt !== null && release.endsAt <= world.now()) {
      endReleasePhase(app, release, world);
    }
  }
  for (const dyno of app.dynos) {
    if (dyno.state === "starting" && dyno.upAt <= world.now()) {
      dyno.state = "up";
      dyno.updatedAt = dyno.upAt;
      log(app, dyno.upAt, "heroku", dyno.name, "State changed from starting to up");
    }
  }
}

/** Makes a release; without a release command it is in force at once. */
export function createRelease(app: HerokuApp, plan: ReleasePlan, world: World): Release {
  const at = world.now();
  const running = app.releases.findLast((one) => one.status === "pending");
  // Release phases run one after the other, so a change made meanwhile builds on the one that is still pending.
  const startsAt = Math.max(at, running?.endsAt ?? at);
  const base = running ?? currentRelease(app);
  const release: Release = {
    id: uuid(world.random),
    version: (app.releases.at(-1)?.version ?? 0) + 1,
    status: "pending",
    description: plan.description,
    createdAt: at,
    updatedAt: at,
    slugId: plan.slugId ?? base.slugId,
    config: plan.config ? { ...plan.config } : withChanges(base.config, plan.changes ?? {}),
    changes: plan.config ? null : (plan.changes ?? {}),
    endsAt: app.releaseCommand === null ? startsAt : startsAt + app.releasePhaseMs,
  };
  app.releases.push(release);
  log(app, at, "app", "api", `Release v${release.version} created by user`);
  if (app.releaseCommand === null && startsAt <= at) endReleasePhase(app, release, world);
  return release;
}

/** The config after a change; null removes a variable. */
function withChanges(
  config: Record<string, string>,
  changes: Record<string, string | null>,
): Record<string, string> {
  const next = { ...config };
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) delete next[name];
    else next[name] = value;
  }
  return next;
}

function endReleasePhase(app: HerokuApp, release: Release, world: World): void {
  const at = release.endsAt ?? world.now();
  const before = currentRelease(app);
  release.endsAt = null;
  release.updatedAt = at;
  if (app.releaseCommand !== null && app.releaseFails) {
    release.status = "failed";
    log(app, at, "heroku", "release.1", "Process exited with status 1");
    log(app, at, "app", "api", `Release v${release.version} command \`${app.releaseCommand}\` failed`);
    return;
  }
  // The change is applied again: an earlier pending release that it was built on may have failed since.
  if (release.changes) release.config = withChanges(before.config, release.changes);
  release.status = "succeeded";
  restartDynos(app, () => true, at, world);
}

/** Replaces dynos by new ones that hold the environment in force. */
export function restartDynos(
  app: HerokuApp,
  chosen: (dyno: Dyno) => boolean,
  at: number,
  world: World,
): number {
  const release = currentRelease(app);
  let restarted = 0;
  app.dynos = app.dynos.map((dyno) => {
    if (!chosen(dyno)) return dyno;
    restarted += 1;
    log(app, at, "heroku", dyno.name, "Restarting");
    return startDyno(
      app,
      { name: dyno.name, type: dyno.type, size: dyno.size, command: dyno.command },
      release,
      at,
      world,
    );
  });
  return restarted;
}

/** Makes the running dynos agree with the formation. */
export function scaleDynos(app: HerokuApp, at: number, world: World): void {
  const release = currentRelease(app);
  app.dynos = app.formation.flatMap((formation) =>
    Array.from({ length: formation.quantity }, (_, index) => {
      const name = `${formation.type}.${index + 1}`;
      const { type, size, command } = formation;
      return (
        app.dynos.find((dyno) => dyno.name === name) ??
        startDyno(app, { name, type, size, command }, release, at, world)
      );
    }),
  );
}

function startDyno(
  app: HerokuApp,
  kind: Pick<Dyno, "name" | "type" | "size" | "command">,
  release: Release,
  at: number,
  world: World,
): Dyno {
  const upAt = at + app.dynoStartMs;
  const state = upAt <= world.now() ? "up" : "starting";
  log(app, at, "heroku", kind.name, `Starting process with command \`${kind.command}\``);
  if (state === "up") log(app, upAt, "heroku", kind.name, "State changed from starting to up");
  return {
    ...kind,
    id: uuid(world.random),
    state,
    releaseId: release.id,
    version: release.version,
    env: { ...release.config },
    createdAt: at,
    updatedAt: at,
    upAt,
  };
}

/** Adds a line to an app's log; the log keeps the last 1,500 lines, as Cedar does. */
export function log(app: HerokuApp, at: number, source: LogLine["source"], dyno: string, text: string): void {
  app.log.push({ at, source, dyno, text });
  if (app.log.length > 1500) app.log.splice(0, app.log.length - 1500);
}

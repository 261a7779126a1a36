import { uuid } from "../random.ts";
import type { World } from "../world.ts";
import { changeState, endDyno, log, restartDynos, runOneOff, startAgain } from "./processes.ts";
import {
  type CrashRule,
  currentRelease,
  type Dyno,
  type HerokuApp,
  type HerokuState,
  type Release,
  tokenAccepted,
} from "./state.ts";

/** A release to be made: changed config vars, a slug, or both, as a rollback restores them. */
export interface ReleasePlan {
  description: string;
  changes?: Record<string, string | null>;
  /** Whole config, for a rollback. */
  config?: Record<string, string>;
  slugId?: string;
  /** How long it is pending, instead of as long as the app's release command takes. */
  pendingMs?: number;
  fails?: boolean;
}

/** Lets happen what is due by now, in its order: release phases, dynos that come up, crash, start again or end. */
export function settleHeroku(state: HerokuState, world: World): void {
  for (const app of state.apps) {
    for (;;) {
      const next = dueOf(state, app, world)
        .filter((one) => one.at <= world.now())
        .reduce<Due | null>((first, one) => (first === null || one.at < first.at ? one : first), null);
      if (next === null) break;
      next.happen();
    }
  }
}

/** Something that happens to an app at a time. */
interface Due {
  at: number;
  happen(): void;
}

function dueOf(state: HerokuState, app: HerokuApp, world: World): Due[] {
  const due: Due[] = [];
  for (const release of app.releases) {
    if (release.status === "pending" && release.endsAt !== null)
      due.push({ at: release.endsAt, happen: () => endReleasePhase(app, release, world) });
  }
  for (const dyno of app.dynos) due.push(...dynoDue(state, app, dyno, world));
  for (const dyno of app.retiring) {
    const at = dyno.endsAt ?? world.now();
    due.push({ at, happen: () => endDyno(app, dyno, at, 143) });
  }
  for (const schedule of app.schedules) {
    const at = schedule.nextAt;
    due.push({
      at,
      happen() {
        schedule.nextAt += schedule.everyMs;
        runOneOff(
          app,
          { command: schedule.command, type: "scheduler", lastsMs: schedule.lastsMs },
          at,
          world,
        );
      },
    });
  }
  return due;
}

function dynoDue(state: HerokuState, app: HerokuApp, dyno: Dyno, world: World): Due[] {
  const { endsAt, restartAt, upAt } = dyno;
  if (endsAt !== null && endsAt <= upAt) return [{ at: endsAt, happen: () => endDyno(app, dyno, endsAt, 0) }];
  if (dyno.state === "crashed")
    return restartAt === null
      ? []
      : [{ at: restartAt, happen: () => startAgain(app, dyno, restartAt, world) }];
  const crashAt = endsAt === null ? crashTime(state, app, dyno) : null;
  if (crashAt !== null && (dyno.state === "up" || crashAt <= upAt))
    return [{ at: crashAt, happen: () => crash(state, app, dyno, crashAt) }];
  if (dyno.state === "starting") return [{ at: upAt, happen: () => changeState(app, dyno, "up", upAt) }];
  return endsAt === null ? [] : [{ at: endsAt, happen: () => endDyno(app, dyno, endsAt, 0) }];
}

/** When this dyno crashes under the app's rules; null for never. */
function crashTime(state: HerokuState, app: HerokuApp, dyno: Dyno): number | null {
  const times = app.crashing
    .filter((rule) => applies(rule, state, dyno))
    .map((rule) => Math.max(dyno.upAt, rule.since) + rule.afterMs);
  return times.length === 0 ? null : Math.min(...times);
}

function applies(rule: CrashRule, state: HerokuState, dyno: Dyno): boolean {
  if (rule.processes !== null && !rule.processes.includes(dyno.type)) return false;
  const value = dyno.env[rule.variable] ?? null;
  if (rule.while === "new value") return value !== rule.good;
  if (rule.while === "always") return true;
  // A process looks at its key when it starts: those that run by then go on.
  return dyno.createdAt >= rule.since && (value === null || !tokenAccepted(state, value, dyno.upAt));
}

function crash(state: HerokuState, app: HerokuApp, dyno: Dyno, at: number): void {
  changeState(app, dyno, "crashed", at);
  dyno.crashes += 1;
  const { crashBackoffMs } = state.settings;
  const backoff = crashBackoffMs[dyno.crashes - 1] ?? crashBackoffMs.at(-1) ?? 600_000;
  dyno.restartAt = at + Math.max(1000, backoff);
}

/** Makes a release; without a release command it is in force at once. */
export function createRelease(app: HerokuApp, plan: ReleasePlan, world: World): Release {
  const at = world.now();
  const running = app.releases.findLast((one) => one.status === "pending");
  // Release phases run one after the other, so a change made meanwhile builds on the one that is still pending.
  const startsAt = Math.max(at, running?.endsAt ?? at);
  const base = running ?? currentRelease(app);
  const phaseMs = plan.pendingMs ?? (app.releaseCommand === null ? null : app.releasePhaseMs);
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
    endsAt: startsAt + (phaseMs ?? 0),
    fails: plan.fails === true,
  };
  app.releases.push(release);
  log(app, at, "app", "api", `Release v${release.version} created by user`);
  if (phaseMs === null && startsAt <= at) endReleasePhase(app, release, world);
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
  if (release.fails || (app.releaseCommand !== null && app.releaseFails)) {
    release.status = "failed";
    log(app, at, "heroku", "release.1", "Process exited with status 1");
    log(app, at, "app", "api", `Release v${release.version} command \`${app.releaseCommand ?? ""}\` failed`);
    return;
  }
  // The change is applied again: an earlier pending release that it was built on may have failed since.
  if (release.changes) release.config = withChanges(before.config, release.changes);
  release.status = "succeeded";
  restartDynos(app, () => true, at, world);
}

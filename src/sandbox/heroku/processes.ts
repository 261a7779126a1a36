import { uuid } from "../random.ts";
import type { World } from "../world.ts";
import { currentRelease, type Dyno, type HerokuApp, type LogLine, type Release } from "./state.ts";

/** Process, size and command of a dyno. */
type Kind = Pick<Dyno, "name" | "type" | "size" | "command">;

/** A one-off dyno to be started. */
export interface OneOff {
  command: string;
  type?: string;
  size?: string;
  /** Environment beside the config vars. */
  env?: Record<string, string>;
  lastsMs: number;
}

/** Replaces dynos of the formation by new ones that hold the environment in force; one-off dynos go on as they are. */
export function restartDynos(
  app: HerokuApp,
  chosen: (dyno: Dyno) => boolean,
  at: number,
  world: World,
): number {
  let restarted = 0;
  app.dynos = app.dynos.map((dyno) => {
    if (dyno.endsAt !== null || !chosen(dyno)) return dyno;
    restarted += 1;
    keepUnderPreboot(app, dyno, at);
    log(app, at, "heroku", dyno.name, "Restarting");
    return startDyno(app, dyno, currentRelease(app), at, world);
  });
  return restarted;
}

/** Ends the chosen one-off dynos and restarts the others that are chosen. */
export function stopDynos(app: HerokuApp, chosen: (dyno: Dyno) => boolean, at: number, world: World): void {
  for (const dyno of app.dynos.filter((one) => one.endsAt !== null && chosen(one)))
    endDyno(app, dyno, at, 143);
  restartDynos(app, chosen, at, world);
}

// A second restart replaces dynos that no request has reached yet; the old ones that still serve go on for longer.
function keepUnderPreboot(app: HerokuApp, dyno: Dyno, at: number): void {
  const old = app.retiring.find((one) => one.name === dyno.name);
  if (!app.preboot || dyno.type !== "web") app.retiring = app.retiring.filter((one) => one !== old);
  else if (old) old.endsAt = at + app.prebootMs;
  else if (dyno.state === "up") app.retiring.push({ ...dyno, endsAt: at + app.prebootMs });
}

/** Makes the running dynos agree with the formation. */
export function scaleDynos(app: HerokuApp, at: number, world: World): void {
  const release = currentRelease(app);
  const wanted = app.formation.flatMap(({ type, size, command, quantity }) =>
    Array.from({ length: quantity }, (_, index) => {
      const name = `${type}.${index + 1}`;
      return (
        app.dynos.find((dyno) => dyno.name === name) ??
        startDyno(app, { name, type, size, command }, release, at, world)
      );
    }),
  );
  app.dynos = [...wanted, ...app.dynos.filter((dyno) => dyno.endsAt !== null)];
  app.retiring = app.retiring.filter((old) => wanted.some((dyno) => dyno.name === old.name));
}

/** Starts a command in a dyno of its own; it holds the config of the release in force for as long as it runs. */
export function runOneOff(
  app: HerokuApp,
  { lastsMs, env, ...asked }: OneOff,
  at: number,
  world: World,
): Dyno {
  const type = asked.type ?? "run";
  let number = 1000 + (world.random(2).readUInt16BE() % 9000);
  while (app.dynos.some((dyno) => dyno.name === `${type}.${number}`)) number += 1;
  const kind = { name: `${type}.${number}`, type, size: asked.size ?? "standard-1X", command: asked.command };
  const dyno = startDyno(app, kind, currentRelease(app), at, world);
  Object.assign(dyno.env, env);
  dyno.endsAt = dyno.upAt + lastsMs;
  app.dynos.push(dyno);
  return dyno;
}

/** Takes away a dyno that has ended. */
export function endDyno(app: HerokuApp, dyno: Dyno, at: number, status: number): void {
  log(app, at, "heroku", dyno.name, `Process exited with status ${status}`);
  log(app, at, "heroku", dyno.name, `State changed from ${dyno.state} to complete`);
  app.dynos = app.dynos.filter((one) => one !== dyno);
  app.retiring = app.retiring.filter((one) => one !== dyno);
}

/** Changes the state of a dyno. */
export function changeState(app: HerokuApp, dyno: Dyno, state: Dyno["state"], at: number): void {
  if (state === "crashed") log(app, at, "heroku", dyno.name, "Process exited with status 1");
  log(app, at, "heroku", dyno.name, `State changed from ${dyno.state} to ${state}`);
  dyno.state = state;
  dyno.updatedAt = at;
}

/** Starts a crashed dyno anew, with the config in force by then. */
export function startAgain(app: HerokuApp, dyno: Dyno, at: number, world: World): void {
  log(app, at, "heroku", dyno.name, "State changed from crashed to starting");
  const again = startDyno(app, dyno, currentRelease(app), at, world);
  again.crashes = dyno.crashes;
  app.dynos = app.dynos.map((one) => (one === dyno ? again : one));
}

function startDyno(
  app: HerokuApp,
  { name, type, size, command }: Kind,
  release: Release,
  at: number,
  world: World,
): Dyno {
  log(app, at, "heroku", name, `Starting process with command \`${command}\``);
  return {
    ...{ name, type, size, command },
    id: uuid(world.random),
    state: "starting",
    releaseId: release.id,
    version: release.version,
    env: { ...release.config },
    createdAt: at,
    updatedAt: at,
    upAt: at + app.dynoStartMs,
    endsAt: null,
    crashes: 0,
    restartAt: null,
  };
}

/** Adds a line to an app's log; the log keeps the last 1,500 lines, as Cedar does. */
export function log(app: HerokuApp, at: number, source: LogLine["source"], dyno: string, text: string): void {
  app.log.push({ at, source, dyno, text });
  if (app.log.length > 1500) app.log.splice(0, app.log.length - 1500);
}

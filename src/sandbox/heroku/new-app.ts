import { hex, uuid } from "../random.ts";
import type { World } from "../world.ts";
import type { Addon, Formation, HerokuApp, HerokuSettings, Release } from "./state.ts";

/** Heroku's behaviour where nothing else is asked for; the cool-offs double, as its changelog item 344 says without numbers. */
export function herokuSettings(): HerokuSettings {
  const minute = 60_000;
  return {
    poolSize: 4500,
    redaction: { prefix: 9, suffix: 4 },
    revocationDelayMs: 0,
    mintDelayMs: 0,
    prebootListsOld: false,
    oneOffMs: 60 * minute,
    crashBackoffMs: [5000, ...[10, 20, 40, 80, 160, 320].map((minutes) => minutes * minute)],
  };
}

/** An app of the account's own with nothing in it yet, not even a release. */
export function emptyApp(id: string, name: string, createdAt: number): HerokuApp {
  return {
    id,
    name,
    createdAt,
    releaseCommand: null,
    releasePhaseMs: 2000,
    releaseFails: false,
    dynoStartMs: 0,
    preboot: false,
    // Boot timeout, 1 minute, and 2 minutes (changelog item 1121).
    prebootMs: 180_000,
    addons: [],
    releases: [],
    formation: [],
    dynos: [],
    retiring: [],
    crashing: [],
    schedules: [],
    access: { team: null, role: "owner", permissions: [], since: createdAt },
    health: { variable: "HEROKU_API_KEY", failing: false },
    log: [],
  };
}

/** A release that has succeeded, as one of the past. */
export function pastRelease(
  plan: Pick<Release, "version" | "description" | "slugId" | "config"> & { at: number },
  world: World,
): Release {
  const { at, ...rest } = plan;
  return {
    id: uuid(world.random),
    status: "succeeded",
    ...rest,
    changes: null,
    createdAt: at,
    updatedAt: at,
    endsAt: null,
    fails: false,
  };
}

/** A process type of an app. */
export function newFormation(
  plan: Pick<Formation, "type" | "quantity" | "size" | "command">,
  at: number,
  world: World,
): Formation {
  return { ...plan, id: uuid(world.random), updatedAt: at };
}

/** An add-on that owns these config vars. */
export function newAddon(service: string, configVars: string[], at: number, world: World): Addon {
  return {
    id: uuid(world.random),
    name: `${service.replace(/^heroku-/, "")}-${hex(world.random, 3)}`,
    service,
    configVars,
    createdAt: at,
  };
}

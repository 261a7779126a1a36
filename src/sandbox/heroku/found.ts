import type { Estate, EstateApp, ValueSource } from "../estate.ts";
import { alphanumeric, hex, uuid } from "../random.ts";
import type { World } from "../world.ts";
import { createAuthorization } from "./authorizations.ts";
import { emptyApp, herokuSettings, newAddon, newFormation, pastRelease } from "./new-app.ts";
import { scaleDynos } from "./processes.ts";
import type { HerokuApp, HerokuState } from "./state.ts";

/** Heroku of an estate with its account and authorizations, and no apps yet: their config may hold any of the tokens. */
export function foundHeroku({ account, authorizations }: Estate["heroku"], world: World): HerokuState {
  const state: HerokuState = {
    account: { ...account, suspendedAt: null, createdAt: past(world, "2023-02-01T10:00:00Z") },
    pool: { remaining: 4500, at: world.now() },
    authorizations: [],
    apps: [],
    logSessions: [],
    settings: herokuSettings(),
  };
  for (const { isDefault, createdAt, ...plan } of authorizations) {
    const made = createAuthorization(state, { ...plan, createdAt: past(world, createdAt) }, world);
    made.isDefault = isDefault === true;
  }
  return state;
}

/** An app of an estate, with the releases it has had and its dynos up. */
export function foundApp(app: EstateApp, resolve: (source: ValueSource) => string, world: World): HerokuApp {
  const config = Object.fromEntries(
    Object.entries(app.config).map(([name, source]) => [name, resolve(source)]),
  );
  const slugId = uuid(world.random);
  const since = past(world, "2026-06-20T09:00:00Z");
  const found = emptyApp(app.id, app.name, past(world, "2024-05-01T12:00:00Z"));
  found.releaseCommand = app.releaseCommand;
  found.releases = Array.from({ length: app.releases }, (_, index) => {
    const at = Math.min(since + index * 86_400_000, world.now());
    const last = index === app.releases - 1;
    const description = last ? "Set HEROKU_API_KEY config vars" : `Deploy ${hex(world.random, 4)}`;
    // Older releases hold an older key, which nobody knows any more.
    const held = last ? config : { ...config, HEROKU_API_KEY: alphanumeric(world.random, 36) };
    return pastRelease({ version: index + 1, description, slugId, config: held, at }, world);
  });
  found.formation = app.formation.map((one) => newFormation(one, since, world));
  scaleDynos(found, found.releases.at(-1)?.createdAt ?? since, world);
  if (app.addonVars.length > 0) found.addons.push(newAddon("heroku-postgresql", app.addonVars, since, world));
  return found;
}

// A virtual clock may stand before the dates of the estate; nothing then lies in its future.
function past(world: World, date: string): number {
  return Math.min(Date.parse(date), world.now());
}

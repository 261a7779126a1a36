import type { Trouble } from "../../core/errors.ts";
import { done, type NotDone, type Outcome, refused } from "../../core/outcome.ts";
import type { Observation, Readiness } from "../../core/store.ts";
import { failed, inForce, misnamed, releaseLog } from "../../vendors/heroku/app.ts";
import type { Addon, Dyno } from "../../vendors/heroku/app-shapes.ts";
import type { Health } from "../../vendors/heroku/health.ts";
import { namesOf, standing } from "../../vendors/heroku/processes.ts";
import type { Authorization, ConfigVars, Release } from "../../vendors/heroku/shapes.ts";
import type { Answer } from "../../vendors/reply.ts";
import type { HerokuConfigVarConfig } from "./config.ts";
import { type Deps, heldIn, namesIn, placeOf, problem } from "./place.ts";

type Config = HerokuConfigVarConfig;

/** What the app holds now. */
export async function observe(config: Config, deps: Deps): Promise<Outcome<Observation>> {
  const { client } = deps;
  const [releases, vars] = await Promise.all([
    client.releases(config.appId),
    client.configVars(config.appId, namesIn(config)),
  ]);
  if (releases.is !== "done") return failed(config, releases);
  if (vars.is !== "done") return failed(config, vars);
  const astray = await misplaced(config, deps, releases.value);
  return astray ?? done(observed(config, deps, releases.value, vars.value));
}

/** Whether the app is at rest and may be written to, before anything is created (HK-21, HK-25, P6). */
export async function ready(config: Config, deps: Deps): Promise<Outcome<Readiness>> {
  const { client } = deps;
  const { appId } = config;
  const [releases, vars, processes, addons, access, health] = await Promise.all([
    client.releases(appId),
    client.configVars(appId, namesIn(config)),
    client.dynos(appId),
    client.addons(appId),
    client.ownAuthorization(),
    config.health === undefined ? undefined : client.health(config.health),
  ]);
  if (releases.is !== "done") return failed(config, releases);
  if (vars.is !== "done") return failed(config, vars);
  if (processes.is !== "done") return failed(config, processes);
  if (addons.is !== "done") return failed(config, addons);
  const astray = await misplaced(config, deps, releases.value);
  if (astray !== undefined) return astray;
  const objection =
    ownedByAddon(config, addons.value) ??
    unsettled(config, releases.value[0]) ??
    crashed(config, processes.value.dynos) ??
    readOnly(config, access);
  if (objection !== undefined) return refused(objection);
  const ill = health && (await unwell(config, deps, health));
  if (ill !== undefined) return ill;
  return done({
    ...observed(config, deps, releases.value, vars.value),
    ...writability(config, access),
  });
}

function observed(
  config: Config,
  { clock, fingerprint }: Deps,
  releases: readonly Release[],
  vars: ConfigVars,
): Observation {
  const held = heldIn(config, vars);
  const release = inForce(releases);
  const pending = releases.find(({ status }) => status === "pending");
  return {
    at: clock.now(),
    targetId: config.appId,
    present: held !== undefined,
    ...(held !== undefined && { fingerprints: fingerprint(held) }),
    ...(release !== undefined && { version: String(release.version) }),
    ...(pending !== undefined && { underWay: isPending(config, pending) }),
  };
}

/** Why this is not the declared app; its releases name it, which saves a call (P6). */
export async function misplaced(
  config: Config,
  { client }: Deps,
  releases: readonly Release[],
): Promise<NotDone | undefined> {
  const found = await misnamed(config, client, releases);
  if (found.is !== "done") return failed(config, found);
  if (found.value === undefined) return undefined;
  const next = `lockstep test <secret>    after you have corrected the name or the id of ${config.app} in the configuration`;
  return refused(problem("DESTINATION_UNREADY", found.value, "the plan would name another place", next));
}

function unready(message: string, because: string, when: string): Trouble {
  return problem("DESTINATION_UNREADY", message, because, `lockstep test <secret>    ${when}`);
}

function ownedByAddon({ app, fields }: Config, addons: readonly Addon[]): Trouble | undefined {
  for (const name of Object.values(fields)) {
    const owner = addons.find(({ configVars }) => configVars.includes(name));
    if (owner === undefined) continue;
    return unready(
      `${placeOf(app, name)} belongs to the add-on ${owner.name}`,
      "Heroku lets only the add-on change it",
      `after you have detached ${owner.name} from ${app}, or given the copy there another name`,
    );
  }
  return undefined;
}

function unsettled(config: Config, latest: Release | undefined): Trouble | undefined {
  if (latest === undefined || latest.status === "succeeded") return undefined;
  const { version, status } = latest;
  if (status === "pending") {
    return unready(
      isPending(config, latest),
      "a write now would mix with what somebody else has under way",
      `once it has ended; heroku releases -a ${config.app} shows it`,
    );
  }
  return unready(
    `The last release of ${config.app}, v${version}, ${status}`,
    "a config var takes effect by a release, and the next one may end like this one",
    `once a release of ${config.app} has succeeded; ${releaseLog(config, version)} shows why it did not`,
  );
}

function isPending({ app }: Config, { version }: Release): string {
  return `Release v${version} of ${app} is pending`;
}

function crashed({ app }: Config, dynos: readonly Dyno[]): Trouble | undefined {
  const those = standing(dynos).filter(({ state }) => state === "crashed");
  if (those.length === 0) return undefined;
  return unready(
    `Crashed on ${app}: ${namesOf(those)}`,
    "a crash after the write could not be told from this one",
    `once its processes are up; heroku logs -a ${app} shows why they are not`,
  );
}

/** A scope that reads config vars and does not write them. Without one of these two no write is accepted (heroku-github.md A5). */
function readOnly({ app }: Config, access: Answer<Authorization | undefined>): Trouble | undefined {
  const scope = access.is === "done" ? access.value?.scope : undefined;
  if (scope === undefined || mayWriteVars(scope)) return undefined;
  return problem(
    "VENDOR_PERMISSION",
    `The access to ${app} has scope ${scope.join(" ")}, which may not write config vars`,
    "the write would be refused with a new key already made",
    `lockstep test <secret>    after you have given the connection an authorization that may write the config vars of ${app}: scope global or write-protected`,
  );
}

function mayWriteVars(scope: readonly string[]): boolean {
  return scope.includes("global") || scope.includes("write-protected");
}

/**
 * Whether a write will be allowed. The account's side is told by its having read the values: Heroku's matrix of app
 * permissions lets exactly those edit config vars who may view their values. The rest is the access's scope.
 */
function writability(
  { app }: Config,
  access: Answer<Authorization | undefined>,
): Pick<Readiness, "mayWrite" | "open"> {
  if (access.is === "done" && access.value !== undefined) return { mayWrite: "yes", open: [] };
  const why = access.is === "done" ? "Heroku's list does not show which one it is" : access.trouble.message;
  return { mayWrite: "unknown", open: [`${app}: whether the access's scope covers writing (${why})`] };
}

/** Why the app could never be proved by its health URL: it answers badly before anything was changed. */
async function unwell(config: Config, { client }: Deps, health: Health): Promise<NotDone | undefined> {
  if (health.is === "well") return undefined;
  const when = `once ${config.app} answers there, or after you have corrected \`health\` in the configuration`;
  const because = "whether it works with the new value could not be told from this";
  const trouble = unready(`${config.app}: ${health.says}`, because, when);
  if (health.is === "silent") return { is: "retryable", trouble };
  const app = await client.app(config.appId);
  if (app.is !== "done" || !app.value.maintenance) return refused(trouble);
  return refused(
    unready(
      `${config.app} is in maintenance mode, and ${health.says}`,
      "Heroku answers in the app's place, so whether it works with the new value could not be told",
      `after heroku maintenance:off -a ${config.app}`,
    ),
  );
}

import type { Authorization, HerokuApp, HerokuState } from "../../src/sandbox/heroku/state.ts";
import { tokenAccepted } from "../../src/sandbox/heroku/state.ts";
import type { InfisicalState } from "../../src/sandbox/infisical/state.ts";
import { folderPath } from "../../src/sandbox/infisical/state.ts";
import type { Sandbox } from "../../src/sandbox/sandbox.ts";
import { CLAIMS } from "../../src/vendors/infisical/shapes.ts";

/** The name of the key in every place of the estate. */
export const KEY = "HEROKU_API_KEY";

/** A kill switch beside it: people turn it, and no run does. */
export const SWITCH = "TRADING_LIVE_DISABLED";

/** Ids of the authorizations that Heroku accepts at that time. */
export function livingIn({ heroku }: Sandbox, now: number): Set<string> {
  return new Set(
    heroku.authorizations.filter((one) => tokenAccepted(heroku, one.token, now)).map(({ id }) => id),
  );
}

/** Whether Heroku accepts this value at that time. */
export function accepted(heroku: HerokuState, value: string | undefined, now: number): boolean {
  return value !== undefined && tokenAccepted(heroku, value, now);
}

/** The authorization of that id, also when it was deleted. */
export function authorizationOf({ heroku }: Sandbox, id: string): Authorization | undefined {
  return heroku.authorizations.find((one) => one.id === id);
}

/** The authorization whose value this is. */
export function ownerOf({ heroku }: Sandbox, value: string | undefined): Authorization | undefined {
  return heroku.authorizations.find(({ token }) => token === value);
}

/** What the vault holds for the secret. */
export function vaultValue({ infisical }: Sandbox): string | undefined {
  for (const { secrets, folders } of infisical.projects) {
    const claims = new Set(folders.filter(({ name }) => name === CLAIMS).map(({ id }) => id));
    const found = secrets.find((one) => one.key === KEY && !claims.has(one.folderId));
    if (found) return found.versions.at(-1)?.value;
  }
  return undefined;
}

/** What lies in every place that can be written, by the vendors' own immutable ids. */
export function placesOf({ infisical, github, heroku }: Sandbox): Map<string, string> {
  const places = new Map<string, string>();
  vaultPlaces(infisical, places);
  for (const repository of github.repositories) {
    const { id, dependabot, codespaces, environments } = repository;
    for (const { name, value } of repository.secrets) places.set(`github ${id} ${name}`, value);
    const beside = [dependabot, codespaces, ...environments].entries();
    for (const [i, holder] of beside)
      for (const { name, value } of holder.secrets) places.set(`github ${id} beside ${i} ${name}`, value);
  }
  for (const { id, releases } of heroku.apps)
    for (const [name, value] of Object.entries(releases.at(-1)?.config ?? {}))
      places.set(`heroku ${id} ${name}`, value);
  return places;
}

function vaultPlaces({ projects }: InfisicalState, places: Map<string, string>): void {
  for (const project of projects) {
    const folders = new Map(project.folders.map((folder) => [folder.id, folder]));
    const slugs = new Map(project.environments.map(({ id, slug }) => [id, slug]));
    for (const { folderId, key, versions } of project.secrets) {
      const folder = folders.get(folderId);
      const at = folder && `${slugs.get(folder.environmentId)} ${folderPath(project, folder)}`;
      places.set(`infisical ${project.id} ${at} ${key}`, versions.at(-1)?.value ?? "");
    }
  }
}

/** Something that runs with a value. */
export interface Consumer {
  readonly who: string;
  readonly value: string;
}

/** Whatever runs with a value of the key: dynos, those that preboot keeps beside them, and jobs that have not ended. */
export function consumersOf({ github, heroku }: Sandbox): readonly Consumer[] {
  const found: Consumer[] = [];
  for (const repository of github.repositories)
    for (const { status, held } of repository.runs)
      if (status !== "completed" && held[KEY]) found.push({ who: "a job", value: held[KEY] });
  for (const app of heroku.apps)
    for (const running of [app.dynos, app.retiring])
      for (const { name, env } of running)
        if (env[KEY] !== undefined) found.push({ who: `${name} of ${app.name}`, value: env[KEY] });
  return found;
}

/** Every place at the vendors that holds this value and would use it: entries, variables, running processes and jobs. */
export function holdersOf(
  { infisical, github, heroku }: Sandbox,
  token: string,
  withoutRepository = false,
): readonly string[] {
  const found: string[] = [];
  for (const { secrets } of infisical.projects)
    for (const one of secrets) if (one.versions.at(-1)?.value === token) found.push(`the vault's ${one.key}`);
  for (const repository of github.repositories) {
    const holders = [repository.dependabot, repository.codespaces, ...repository.environments];
    for (const holder of withoutRepository ? holders : [repository, ...holders])
      for (const one of holder.secrets) if (one.value === token) found.push(`a secret of ${repository.name}`);
    for (const run of repository.runs)
      if (run.status !== "completed" && Object.values(run.held).includes(token)) found.push("a job");
  }
  for (const app of heroku.apps) found.push(...holdersIn(app, token));
  return found;
}

function holdersIn(app: HerokuApp, token: string): readonly string[] {
  const current = app.releases.findLast(({ status }) => status === "succeeded");
  const places = Object.values(current?.config ?? {}).includes(token)
    ? [`the configuration of ${app.name}`]
    : [];
  const running = [...app.dynos, ...app.retiring].filter(({ env }) => Object.values(env).includes(token));
  return [...places, ...running.map(({ name }) => `${name} of ${app.name}`)];
}

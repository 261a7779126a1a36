import type { States } from "./found.ts";
import { performOnGithub } from "./github/acts.ts";
import type { SecretHolder } from "./github/state.ts";
import { createRelease } from "./heroku/lifecycle.ts";
import { addonVarsOf, currentRelease, type HerokuApp } from "./heroku/state.ts";
import type { Outside } from "./infisical/pushing.ts";
import { currentValue, type Folder, type Project, type SyncDestination } from "./infisical/state.ts";
import { createSecret, deleteSecret, ensureFolder, findSecret, updateSecret } from "./infisical/vault.ts";
import type { World } from "./world.ts";

type To<K extends SyncDestination["kind"]> = Extract<SyncDestination, { kind: K }>;

/** The vendors of the sandbox as the vault's native syncs reach them: past every token and every fault. */
export function outsideOf(states: States, world: World): Outside {
  return {
    read(to) {
      if (to.kind === "heroku") return { ...currentRelease(appOf(states, to)).config };
      if (to.kind === "github") {
        return Object.fromEntries(holderOf(states, to).secrets.map((one) => [one.name, one.value]));
      }
      const { project, folder } = folderOf(states, to, world);
      const held = project.secrets.filter((one) => one.folderId === folder.id);
      return Object.fromEntries(held.map((one) => [one.key, currentValue(one)]));
    },
    write(to, values, removed) {
      if (to.kind === "heroku") writeToHeroku(appOf(states, to), values, removed, world);
      else if (to.kind === "github") writeToGithub(states, to, { values, removed }, world);
      else writeToVault(folderOf(states, to, world), values, removed, world);
    },
  };
}

function writeToHeroku(
  app: HerokuApp,
  values: Readonly<Record<string, string>>,
  removed: readonly string[],
  world: World,
): void {
  const held = currentRelease(app).config;
  const gone = removed.filter((name) => !addonVarsOf(app).includes(name));
  const changes = Object.fromEntries<string | null>([
    ...Object.entries(values).filter(([name, value]) => held[name] !== value),
    ...gone.map((name) => [name, null] as const),
  ]);
  const names = Object.keys(changes);
  if (names.length > 0)
    createRelease(app, { description: `Set ${names.join(", ")} config vars`, changes }, world);
}

function writeToGithub(
  states: States,
  { repository, environment }: To<"github">,
  change: { values: Readonly<Record<string, string>>; removed: readonly string[] },
  world: World,
): void {
  const place = environment === undefined ? { repository } : { repository, environment };
  const set = (name: string, value: string | null) =>
    performOnGithub(
      states.github,
      { act: "set-github-secret", ...place, name, value: value === null ? null : { text: value } },
      () => value ?? "",
      world,
    );
  for (const [name, value] of Object.entries(change.values)) set(name, value);
  for (const name of change.removed) set(name, null);
}

function writeToVault(
  { project, folder }: { project: Project; folder: Folder },
  values: Readonly<Record<string, string>>,
  removed: readonly string[],
  world: World,
): void {
  for (const [key, value] of Object.entries(values)) {
    const secret = findSecret(project, folder, key);
    if (!secret) createSecret(project, folder, key, { value }, "sync", world);
    else if (currentValue(secret) !== value) updateSecret(secret, { value }, "sync", world);
  }
  for (const key of removed) {
    const secret = findSecret(project, folder, key);
    if (secret) deleteSecret(project, secret);
  }
}

function appOf(states: States, to: To<"heroku">): HerokuApp {
  const app = states.heroku.apps.find((one) => one.name === to.app || one.id === to.app);
  if (!app) throw new Error(`there is no app ${to.app}`);
  return app;
}

function holderOf(states: States, to: To<"github">): SecretHolder {
  const repository = states.github.repositories.find((one) => `${one.owner}/${one.name}` === to.repository);
  const holder =
    to.environment === undefined
      ? repository
      : repository?.environments.find((one) => one.name === to.environment);
  if (!holder) throw new Error(`there is no ${to.repository} ${to.environment ?? ""}`);
  return holder;
}

function folderOf(states: States, to: To<"external-infisical">, world: World) {
  const project = states.infisical.projects.find((one) => one.id === to.projectId);
  const environment = project?.environments.find((one) => one.slug === to.environment);
  if (!project || !environment) throw new Error(`there is no ${to.environment} in ${to.projectId}`);
  return { project, folder: ensureFolder(project, environment.id, to.secretPath, world) };
}

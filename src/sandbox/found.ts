import type { Estate, EstateApp, EstateRepository, ValueSource } from "./estate.ts";
import { newSealingKey } from "./github/sealing.ts";
import type { ActionsSecret, GithubState, Repository } from "./github/state.ts";
import { createAuthorization } from "./heroku/authorizations.ts";
import { scaleDynos } from "./heroku/lifecycle.ts";
import type { HerokuApp, HerokuState, Release } from "./heroku/state.ts";
import type { InfisicalState, Project } from "./infisical/state.ts";
import { createSecret, ensureFolder, updateSecret } from "./infisical/vault.ts";
import { alphanumeric, hex, uuid } from "./random.ts";
import type { World } from "./world.ts";

/** The state of all vendors. */
export interface States {
  heroku: HerokuState;
  github: GithubState;
  infisical: InfisicalState;
}

type Resolve = (source: ValueSource) => string;

/** Builds the vendors' state from an estate, generating every secret. */
export function foundEstate(estate: Estate, world: World): States {
  const heroku = foundHeroku(estate, world);
  const resolve: Resolve = (source) => {
    if ("text" in source) return source.text;
    if ("generated" in source) return alphanumeric(world.random, source.generated);
    const authorization = heroku.authorizations.find((one) => one.id === source.authorization);
    if (!authorization) throw new Error(`the estate names an unknown authorization ${source.authorization}`);
    return authorization.token;
  };
  for (const app of estate.heroku.apps) heroku.apps.push(foundApp(app, resolve, world));
  return {
    heroku,
    github: foundGithub(estate, resolve, world),
    infisical: foundInfisical(estate, resolve, world),
  };
}

function foundHeroku(estate: Estate, world: World): HerokuState {
  const { account, authorizations } = estate.heroku;
  const state: HerokuState = {
    account: { ...account, suspendedAt: null, createdAt: past(world, "2023-02-01T10:00:00Z") },
    pool: { remaining: 4500, at: world.now() },
    authorizations: [],
    apps: [],
    logSessions: [],
    settings: { poolSize: 4500, redaction: { prefix: 9, suffix: 4 }, revocationDelayMs: 0, mintDelayMs: 0 },
  };
  for (const { isDefault, createdAt, ...plan } of authorizations) {
    const made = createAuthorization(state, { ...plan, createdAt: past(world, createdAt) }, world);
    made.isDefault = isDefault === true;
  }
  return state;
}

function foundApp(app: EstateApp, resolve: Resolve, world: World): HerokuApp {
  const config = Object.fromEntries(
    Object.entries(app.config).map(([name, source]) => [name, resolve(source)]),
  );
  const slugId = uuid(world.random);
  const since = past(world, "2026-06-20T09:00:00Z");
  const found: HerokuApp = {
    id: app.id,
    name: app.name,
    createdAt: past(world, "2024-05-01T12:00:00Z"),
    releaseCommand: app.releaseCommand,
    releasePhaseMs: 2000,
    releaseFails: false,
    dynoStartMs: 0,
    addonVars: app.addonVars,
    releases: Array.from({ length: app.releases }, (_, index): Release => {
      const at = Math.min(since + index * 86_400_000, world.now());
      const last = index === app.releases - 1;
      const description = last ? "Set HEROKU_API_KEY config vars" : `Deploy ${hex(world.random, 4)}`;
      // Older releases hold an older key, which nobody knows any more.
      const held = last ? config : { ...config, HEROKU_API_KEY: alphanumeric(world.random, 36) };
      const times = { createdAt: at, updatedAt: at, endsAt: null };
      return {
        id: uuid(world.random),
        version: index + 1,
        status: "succeeded",
        description,
        slugId,
        config: held,
        changes: null,
        ...times,
      };
    }),
    formation: app.formation.map((one) => ({ ...one, id: uuid(world.random), updatedAt: since })),
    dynos: [],
    log: [],
  };
  scaleDynos(found, found.releases.at(-1)?.createdAt ?? since, world);
  return found;
}

function foundGithub(estate: Estate, resolve: Resolve, world: World): GithubState {
  return {
    tokens: estate.github.tokens.map((token) => ({
      ...token,
      token: `github_pat_${alphanumeric(world.random, 22)}_${alphanumeric(world.random, 59)}`,
      expiresAt: null,
      revokedAt: null,
    })),
    repositories: estate.github.repositories.map((one) => foundRepository(one, resolve, world)),
    organizations: [],
    rate: {},
    settings: { requestsPerHour: 5000, retiredApiVersions: [], queueMs: 1000, runMs: 2000 },
  };
}

function foundRepository(repository: EstateRepository, resolve: Resolve, world: World): Repository {
  const at = past(world, repository.secretsWrittenAt);
  const secrets = (sources: Record<string, ValueSource>): ActionsSecret[] =>
    Object.entries(sources).map(([name, source]) => ({
      name,
      value: resolve(source),
      createdAt: at,
      updatedAt: at,
    }));
  return {
    id: repository.id,
    owner: repository.owner,
    name: repository.name,
    private: true,
    defaultBranch: "main",
    branches: ["main"],
    headSha: hex(world.random, 20),
    createdAt: past(world, "2024-05-01T12:00:00Z"),
    key: newSealingKey(world.random),
    secrets: secrets(repository.secrets),
    environments: repository.environments.map((one, index) => ({
      id: repository.id + index + 1,
      name: one.name,
      key: newSealingKey(world.random),
      secrets: secrets(one.secrets),
    })),
    workflows: repository.workflows.map((one) => ({ ...one, environment: null })),
    runs: [],
    issues: [],
  };
}

function foundInfisical(estate: Estate, resolve: Resolve, world: World): InfisicalState {
  const { generation, projects, identities } = estate.infisical;
  return {
    generation,
    signingKey: world.random(32).toString("base64"),
    organization: { id: uuid(world.random), name: "MooseQuest" },
    projects: projects.map((one) => foundProject(one, identities, resolve, world)),
    identities: identities.map(({ id, name }) => ({
      id,
      name,
      clientId: uuid(world.random),
      clientSecrets: [{ id: uuid(world.random), secret: hex(world.random, 32), revokedAt: null }],
      accessTokenTtlSeconds: 7200,
      accessTokenMaxTtlSeconds: 2_592_000,
      failures: { count: 0, since: 0, lockedUntil: 0 },
    })),
    users: [{ id: uuid(world.random), email: estate.heroku.account.email }],
    tokens: [],
    serviceTokens: [],
    rate: {},
    settings: { rateLimits: generation === "v3", proxy: null, approvalsCoverIdentities: false },
  };
}

function foundProject(
  project: Estate["infisical"]["projects"][number],
  identities: Estate["infisical"]["identities"],
  resolve: Resolve,
  world: World,
): Project {
  const environments = Object.entries({ dev: "Development", staging: "Staging", prod: "Production" });
  const { id, slug, name } = project;
  const found: Project = {
    id,
    slug,
    name,
    environments: environments.map(([key, title]) => ({ id: uuid(world.random), slug: key, name: title })),
    folders: [],
    secrets: [],
    tags: [],
    members: identities.flatMap((one) => {
      const role = one.roles[id];
      return role === undefined ? [] : [{ identityId: one.id, role }];
    }),
    approvalPolicies: [],
    approvals: [],
    enforceCapitalization: false,
  };
  for (const environment of found.environments) ensureFolder(found, environment.id, "/", world);
  for (const { environment, path, key, value, versions = 1 } of project.secrets) {
    const environmentId = found.environments.find((one) => one.slug === environment)?.id ?? "";
    const folder = ensureFolder(found, environmentId, path, world);
    const values = Array.from({ length: versions }, (_, index) =>
      index === versions - 1 ? resolve(value) : alphanumeric(world.random, 36),
    );
    const secret = createSecret(found, folder, key, { value: values[0] ?? "" }, "estate", world);
    for (const later of values.slice(1)) updateSecret(secret, { value: later }, "estate", world);
  }
  return found;
}

// A virtual clock may stand before the dates of the estate; nothing then lies in its future.
function past(world: World, date: string): number {
  return Math.min(Date.parse(date), world.now());
}

import type { States } from "./found.ts";
import { tokenAlive } from "./github/access.ts";
import type { GithubState, SecretHolder } from "./github/state.ts";
import { alive } from "./heroku/replies.ts";
import { currentRelease, type HerokuState, tokenAccepted, tokenOwner } from "./heroku/state.ts";
import { folderPath, type InfisicalState } from "./infisical/state.ts";

/** Which Heroku authorization a value belongs to, told without the value. */
export interface Holding {
  /** Authorization id; "unknown value" for any other text; null for none. */
  holds: string | null;
  /** Whether Heroku accepts the value now. */
  works: boolean;
  /** True for a token that its authorization has since replaced. */
  former: boolean;
}

/** What is true at the vendors, without any value. */
export type Truth = ReturnType<typeof tellTruth>;

type Held = (values: Record<string, string | null>) => Record<string, Holding>;

/** Which authorization a value belongs to. */
function holding(heroku: HerokuState, value: string | null | undefined, now: number): Holding {
  if (value === null || value === undefined || value === "")
    return { holds: null, works: false, former: false };
  const owner = tokenOwner(heroku, value.trim());
  if (!owner) return { holds: "unknown value", works: false, former: false };
  return { holds: owner.authorization.id, works: tokenAccepted(heroku, value, now), former: owner.former };
}

/** Tells the state of every credential and of every copy. */
export function tellTruth(states: States, now: number) {
  const { heroku, github, infisical } = states;
  const held: Held = (values) =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, holding(heroku, value, now)]));
  return {
    heroku: herokuTruth(heroku, held, now),
    github: githubTruth(github, held, now),
    infisical: infisicalTruth(infisical, heroku, now),
  };
}

function herokuTruth(heroku: HerokuState, held: Held, now: number) {
  return {
    federated: heroku.account.federated,
    authorizations: heroku.authorizations.map((one) => ({
      id: one.id,
      description: one.description,
      scope: one.scope,
      alive: alive(heroku, one, now),
      listed: one.deletedAt === null,
      formerTokensAlive: one.formerTokens.filter((former) => tokenAccepted(heroku, former.token, now)).length,
      createdAt: one.createdAt,
      deletedAt: one.deletedAt,
      expiresAt: one.expiresAt,
    })),
    apps: heroku.apps.map((app) => ({
      id: app.id,
      name: app.name,
      release: {
        version: currentRelease(app).version,
        pending: app.releases.some((one) => one.status === "pending"),
      },
      config: held(currentRelease(app).config),
      dynos: app.dynos.map(({ name, state, version, env }) => ({ name, state, version, env: held(env) })),
    })),
  };
}

function githubTruth(github: GithubState, held: Held, now: number) {
  const secrets = (holder: SecretHolder) =>
    held(Object.fromEntries(holder.secrets.map((secret) => [secret.name, secret.value])));
  return {
    tokens: github.tokens.map((one) => ({ name: one.name, login: one.login, alive: tokenAlive(one, now) })),
    repositories: github.repositories.map((one) => ({
      id: one.id,
      name: `${one.owner}/${one.name}`,
      secrets: secrets(one),
      environments: one.environments.map((place) => ({ name: place.name, secrets: secrets(place) })),
      runs: one.runs.map(({ id, workflowId, status, conclusion, held: values }) => {
        return { id, workflowId, status, conclusion, held: held(values) };
      }),
    })),
  };
}

function infisicalTruth(infisical: InfisicalState, heroku: HerokuState, now: number) {
  return {
    identities: infisical.identities.map(({ id, name }) => ({ id, name })),
    projects: infisical.projects.map((project) => ({
      id: project.id,
      secrets: project.secrets.map((secret) => {
        const folder = project.folders.find((one) => one.id === secret.folderId);
        return {
          environment: project.environments.find((one) => one.id === folder?.environmentId)?.slug ?? null,
          path: folder ? folderPath(project, folder) : null,
          key: secret.key,
          version: secret.versions.at(-1)?.version ?? 0,
          ...holding(heroku, secret.versions.at(-1)?.value, now),
        };
      }),
      approvals: project.approvals.map(({ id, status, change }) => {
        return { id, status, key: change.key, kind: change.kind };
      }),
    })),
  };
}

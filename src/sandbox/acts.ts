import type { ValueSource } from "./estate.ts";
import type { States } from "./found.ts";
import { queueRun } from "./github/actions.ts";
import { newSealingKey } from "./github/sealing.ts";
import { setSecret } from "./github/secrets.ts";
import type { Repository } from "./github/state.ts";
import { createAuthorization, regenerate } from "./heroku/authorizations.ts";
import { createRelease, log, restartDynos } from "./heroku/lifecycle.ts";
import type { Authorization, HerokuApp } from "./heroku/state.ts";
import { decideApproval } from "./infisical/approvals.ts";
import type { Project } from "./infisical/state.ts";
import { createSecret, deleteSecret, ensureFolder, findSecret, updateSecret } from "./infisical/vault.ts";
import { alphanumeric, uuid } from "./random.ts";
import type { World } from "./world.ts";

/** Something that happens at a vendor by other hands than the client's: a dashboard, a colleague, time. */
export type Act =
  | { act: "set-config-var"; app: string; name: string; value: ValueSource | null }
  | { act: "restart-dynos"; app: string; dyno?: string }
  | { act: "log"; app: string; text: string; dyno?: string }
  | { act: "create-authorization"; description: string; scope: string[]; lifetimeSeconds?: number }
  | { act: "edit-authorization"; id: string; description?: string; scope?: string[] }
  | { act: "delete-authorization" | "expire-authorization" | "regenerate-authorization"; id: string }
  | { act: "set-pool"; remaining: number }
  | {
      act: "set-github-secret";
      repository: string;
      environment?: string;
      name: string;
      value: ValueSource | null;
    }
  | { act: "rotate-github-key"; repository: string; environment?: string }
  | { act: "queue-run"; repository: string; workflow: string }
  | { act: "revoke-github-token"; name: string }
  | {
      act: "set-vault-secret";
      environment: string;
      path: string;
      key: string;
      value: ValueSource | null;
      project?: string;
    }
  | {
      act: "mark-rotated";
      environment: string;
      path: string;
      key: string;
      rotated: boolean;
      project?: string;
    }
  | { act: "revoke-vault-tokens"; identity?: string }
  | { act: "set-approval-policy"; environment: string; path: string; on: boolean; project?: string }
  | { act: "decide-approval"; id: string; decision: "merge" | "reject" };

/** The id of what was made, where something was. */
export interface ActResult {
  id?: string;
}

/** Performs an act on the vendors' state; throws where it names something that does not exist. */
export function perform(states: States, act: Act, world: World): ActResult {
  switch (act.act) {
    case "set-config-var":
    case "restart-dynos":
    case "log":
      return performOnApp(states, act, world);
    case "create-authorization":
    case "edit-authorization":
    case "delete-authorization":
    case "expire-authorization":
    case "regenerate-authorization":
      return performOnAuthorization(states, act, world);
    case "set-pool":
      states.heroku.pool = { remaining: act.remaining, at: world.now() };
      return {};
    case "set-github-secret":
    case "rotate-github-key":
    case "queue-run":
    case "revoke-github-token":
      return performOnGithub(states, act, world);
    default:
      return performOnVault(states, act, world);
  }
}

type Named<K extends Act["act"]> = Extract<Act, { act: K }>;

function performOnApp(
  states: States,
  act: Named<"set-config-var" | "restart-dynos" | "log">,
  world: World,
): ActResult {
  const app = must<HerokuApp>(
    states.heroku.apps.find((one) => one.name === act.app || one.id === act.app),
    act.app,
  );
  if (act.act === "log") log(app, world.now(), "app", act.dyno ?? "web.1", act.text);
  else if (act.act === "restart-dynos")
    restartDynos(app, (one) => act.dyno === undefined || one.name === act.dyno, world.now(), world);
  else {
    const value = act.value === null ? null : resolve(states, act.value, world);
    const description = `${value === null ? "Remove" : "Set"} ${act.name} config vars`;
    return { id: createRelease(app, { description, changes: { [act.name]: value } }, world).id };
  }
  return {};
}

type AuthorizationAct = Named<
  | "create-authorization"
  | "edit-authorization"
  | "delete-authorization"
  | "expire-authorization"
  | "regenerate-authorization"
>;

function performOnAuthorization(states: States, act: AuthorizationAct, world: World): ActResult {
  if (act.act === "create-authorization") {
    const { description, scope, lifetimeSeconds } = act;
    const lifetimeMs = lifetimeSeconds === undefined ? null : lifetimeSeconds * 1000;
    return { id: createAuthorization(states.heroku, { description, scope, lifetimeMs }, world).id };
  }
  const found = must<Authorization>(
    states.heroku.authorizations.find((one) => one.id === act.id),
    act.id,
  );
  if (act.act === "delete-authorization") found.deletedAt = world.now();
  if (act.act === "expire-authorization") found.expiresAt = world.now();
  if (act.act === "regenerate-authorization") regenerate(found, world);
  if (act.act === "edit-authorization") {
    found.description = act.description ?? found.description;
    found.scope = act.scope ?? found.scope;
  }
  found.updatedAt = world.now();
  return { id: found.id };
}

type GithubAct = Named<"set-github-secret" | "rotate-github-key" | "queue-run" | "revoke-github-token">;

function performOnGithub(states: States, act: GithubAct, world: World): ActResult {
  if (act.act === "revoke-github-token") {
    must(
      states.github.tokens.find((one) => one.name === act.name),
      act.name,
    ).revokedAt = world.now();
    return {};
  }
  const repository = must<Repository>(
    states.github.repositories.find((one) => `${one.owner}/${one.name}` === act.repository),
    act.repository,
  );
  if (act.act === "queue-run") {
    const workflow = must(
      repository.workflows.find((one) => one.path.endsWith(`/${act.workflow}`)),
      act.workflow,
    );
    const cause = { event: "push", ref: repository.defaultBranch, actor: "somebody" };
    return { id: String(queueRun(states.github, repository, workflow, cause, world).id) };
  }
  const { environment } = act;
  const holder =
    environment === undefined
      ? repository
      : must(
          repository.environments.find((one) => one.name === environment),
          environment,
        );
  if (act.act === "rotate-github-key") holder.key = newSealingKey(world.random);
  else if (act.value === null) holder.secrets = holder.secrets.filter((one) => one.name !== act.name);
  else setSecret(holder, act.name, resolve(states, act.value, world), world.now());
  return {};
}

type VaultAct = Exclude<
  Act,
  {
    act: GithubAct["act"] | AuthorizationAct["act"] | "set-config-var" | "restart-dynos" | "log" | "set-pool";
  }
>;

function performOnVault(states: States, act: VaultAct, world: World): ActResult {
  const { infisical } = states;
  if (act.act === "decide-approval") {
    if (!decideApproval(infisical, act.id, act.decision, world))
      throw new Error(`no open approval ${act.id}`);
    return { id: act.id };
  }
  if (act.act === "revoke-vault-tokens") {
    const identity = infisical.identities.find((one) => one.name === act.identity);
    for (const token of infisical.tokens)
      token.revoked ||= act.identity === undefined || token.identityId === identity?.id;
    return {};
  }
  const projectId = act.project ?? infisical.projects[0]?.id ?? "";
  const project = must<Project>(
    infisical.projects.find((one) => one.id === projectId),
    projectId,
  );
  const environment = must(
    project.environments.find((one) => one.slug === act.environment),
    act.environment,
  );
  if (act.act === "set-approval-policy") {
    const rest = project.approvalPolicies.filter(
      (one) => one.environment !== act.environment || one.secretPath !== act.path,
    );
    const policy = { id: uuid(world.random), environment: act.environment, secretPath: act.path };
    project.approvalPolicies = act.on ? [...rest, policy] : rest;
    return { id: policy.id };
  }
  const folder = ensureFolder(project, environment.id, act.path, world);
  const secret = findSecret(project, folder, act.key);
  if (act.act === "mark-rotated") must(secret, act.key).isRotated = act.rotated;
  else if (act.value === null) deleteSecret(project, must(secret, act.key));
  else if (secret) updateSecret(secret, { value: resolve(states, act.value, world) }, "somebody", world);
  else
    return {
      id: createSecret(
        project,
        folder,
        act.key,
        { value: resolve(states, act.value, world) },
        "somebody",
        world,
      ).id,
    };
  return {};
}

function resolve(states: States, source: ValueSource, world: World): string {
  if ("text" in source) return source.text;
  if ("generated" in source) return alphanumeric(world.random, source.generated);
  return must(
    states.heroku.authorizations.find((one) => one.id === source.authorization),
    source.authorization,
  ).token;
}

function must<T>(found: T | null | undefined, name: string): T {
  if (found === null || found === undefined) throw new Error(`there is no ${name}`);
  return found;
}

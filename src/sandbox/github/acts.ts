import type { ValueSource } from "../estate.ts";
import { hex, integerId } from "../random.ts";
import type { World } from "../world.ts";
import { newEnvironment, newRepository } from "./found.ts";
import { endRun, queueRun, settleGithub } from "./runner.ts";
import { newSealingKey } from "./sealing.ts";
import { setSecret } from "./secrets.ts";
import {
  type Audience,
  type GithubSettings,
  type GithubState,
  type GithubToken,
  type Repository,
  type SecretHolder,
  type SecretKind,
  sameText,
  type WorkflowRun,
} from "./state.ts";
import { dispatchInputs } from "./workflows.ts";

/** A place that holds secrets; `kind` is `actions` where absent, and an environment holds no other. */
export type GithubPlace =
  | { repository: string; environment?: string; kind?: never }
  | { repository: string; kind: SecretKind; environment?: never }
  | { organization: string; kind?: SecretKind };

/** What people do at GitHub by hand, and what its runners do. Repositories are `owner/name`, runs go by their id. */
export type GithubAct =
  | ({ act: "set-github-secret"; name: string; value: ValueSource | null } & GithubPlace & Partial<Audience>)
  | ({ act: "rotate-github-key" } & GithubPlace)
  | { act: "set-github-environment"; repository: string; environment: string; exists: boolean }
  | {
      act: "queue-run";
      repository: string;
      workflow: string;
      event?: string;
      ref?: string;
      actor?: string;
      inputs?: Record<string, string>;
      hold?: GithubSettings["holdRuns"];
    }
  | { act: "start-run"; repository: string; run: string }
  | {
      act: "finish-run";
      repository: string;
      run: string;
      conclusion?: NonNullable<WorkflowRun["conclusion"]>;
    }
  | { act: "set-workflow"; repository: string; workflow: string; enabled: boolean }
  | { act: "push-commit"; repository: string; branch?: string }
  | { act: "rename-repository"; repository: string; name: string }
  | { act: "create-repository"; repository: string }
  | { act: "revoke-github-token"; name: string }
  | { act: "set-github-permission"; name: string; permission: string; level: "read" | "write" | null };

type Named<K extends GithubAct["act"]> = Extract<GithubAct, { act: K }>;
type SecretAct = Named<"set-github-secret" | "rotate-github-key">;
type TokenAct = Named<"revoke-github-token" | "set-github-permission">;
type RunAct = Named<"queue-run" | "start-run" | "finish-run">;
type RepositoryAct = Exclude<GithubAct, SecretAct | TokenAct | RunAct>;

const NAMES: Record<GithubAct["act"], true> = {
  "set-github-secret": true,
  "rotate-github-key": true,
  "set-github-environment": true,
  "queue-run": true,
  "start-run": true,
  "finish-run": true,
  "set-workflow": true,
  "push-commit": true,
  "rename-repository": true,
  "create-repository": true,
  "revoke-github-token": true,
  "set-github-permission": true,
};

/** Whether an act happens at GitHub. */
export function isGithubAct(act: { act: string }): act is GithubAct {
  return act.act in NAMES;
}

/** Performs an act on GitHub's state; throws where it names something that does not exist. */
export function performOnGithub(
  state: GithubState,
  act: GithubAct,
  resolve: (source: ValueSource) => string,
  world: World,
): { id?: string } {
  switch (act.act) {
    case "set-github-secret":
    case "rotate-github-key":
      return performOnSecret(state, act, resolve, world);
    case "revoke-github-token":
    case "set-github-permission":
      return performOnToken(state, act, world);
    case "queue-run":
    case "start-run":
    case "finish-run":
      return performOnRun(state, act, world);
    default:
      return performOnRepository(state, act, world);
  }
}

function performOnSecret(
  state: GithubState,
  act: SecretAct,
  resolve: (source: ValueSource) => string,
  world: World,
): { id?: string } {
  const holder = holderAt(state, act);
  if (act.act === "rotate-github-key") {
    holder.key = newSealingKey(world.random);
    return { id: holder.key.keyId };
  }
  const { name, value, visibility = "all", repositories = [] } = act;
  if (value === null) holder.secrets = holder.secrets.filter((one) => one.name !== name);
  else {
    const audience = "organization" in act ? { visibility, repositories: [...repositories] } : null;
    setSecret(holder, { name, value: resolve(value), audience }, world.now());
  }
  return {};
}

function holderAt(state: GithubState, place: GithubPlace): SecretHolder {
  if ("organization" in place) {
    const found = state.organizations.find((one) => one.login === place.organization);
    return must(found, place.organization)[place.kind ?? "actions"];
  }
  const repository = repositoryCalled(state, place.repository);
  const { environment, kind = "actions" } = place;
  if (environment === undefined) return kind === "actions" ? repository : repository[kind];
  return must(
    repository.environments.find((one) => sameText(one.name, environment)),
    environment,
  );
}

function performOnToken(state: GithubState, act: TokenAct, world: World): { id?: string } {
  const token = must<GithubToken>(
    state.tokens.find((one) => one.name === act.name),
    act.name,
  );
  if (act.act === "revoke-github-token") token.revokedAt = world.now();
  else if (act.level === null) delete token.permissions[act.permission];
  else token.permissions[act.permission] = act.level;
  return {};
}

function performOnRun(state: GithubState, act: RunAct, world: World): { id?: string } {
  const repository = repositoryCalled(state, act.repository);
  if (act.act === "queue-run") {
    const { event = "push", ref = repository.defaultBranch, actor = "somebody", hold } = act;
    const workflow = workflowCalled(repository, act.workflow);
    if (workflow.state !== "active") throw new Error(`${act.workflow} is disabled`);
    const inputs = event === "workflow_dispatch" ? dispatchInputs(workflow, act.inputs) : (act.inputs ?? {});
    const cause = { event, ref, actor, inputs, ...(hold === undefined ? {} : { hold }) };
    return { id: String(queueRun(state, repository, workflow, cause, world).id) };
  }
  const run = must<WorkflowRun>(
    repository.runs.find((one) => String(one.id) === act.run && one.status !== "completed"),
    `unfinished run ${act.run}`,
  );
  const now = world.now();
  if (run.status === "queued") run.startsAt = now;
  if (act.act === "finish-run") run.endsAt = now;
  if (act.act === "finish-run" && act.conclusion !== undefined) endRun(run, act.conclusion, now);
  else settleGithub(state, world);
  return { id: act.run };
}

function performOnRepository(state: GithubState, act: RepositoryAct, world: World): { id?: string } {
  if (act.act === "create-repository") {
    const made = newRepository(act.repository, integerId(world.random), world);
    state.repositories.push(made);
    return { id: String(made.id) };
  }
  const repository = repositoryCalled(state, act.repository);
  switch (act.act) {
    case "set-workflow":
      workflowCalled(repository, act.workflow).state = act.enabled ? "active" : "disabled_manually";
      return {};
    case "push-commit": {
      const name = act.branch ?? repository.defaultBranch;
      const sha = hex(world.random, 20);
      repository.branches = [...repository.branches.filter((one) => one.name !== name), { name, sha }];
      return { id: sha };
    }
    case "rename-repository":
      repository.formerNames.push(`${repository.owner}/${repository.name}`);
      repository.name = act.name;
      return { id: String(repository.id) };
    case "set-github-environment": {
      const rest = repository.environments.filter((one) => !sameText(one.name, act.environment));
      if (!act.exists) repository.environments = rest;
      else if (rest.length === repository.environments.length)
        repository.environments.push(newEnvironment(act.environment, integerId(world.random), world));
      return {};
    }
  }
}

function repositoryCalled(state: GithubState, called: string): Repository {
  return must(
    state.repositories.find((one) => `${one.owner}/${one.name}` === called),
    called,
  );
}

function workflowCalled(repository: Repository, file: string) {
  return must(
    repository.workflows.find((one) => one.path.endsWith(`/${file}`)),
    file,
  );
}

function must<T>(found: T | undefined, name: string): T {
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found;
}

import type { Estate, EstateRepository, EstateWorkflow, ValueSource } from "../estate.ts";
import { alphanumeric, hex } from "../random.ts";
import type { World } from "../world.ts";
import { proofInputs } from "./proof.ts";
import { newSealingKey } from "./sealing.ts";
import type { Audience, GithubState, Organization, Repository, StoredSecret, Workflow } from "./state.ts";

type Resolve = (source: ValueSource) => string;

const CREATED = "2024-05-01T12:00:00Z";

/** Builds GitHub's state from an estate, generating tokens, keys and secrets. */
export function foundGithub(estate: Estate["github"], resolve: Resolve, world: World): GithubState {
  return {
    tokens: estate.tokens.map((token) => ({
      ...token,
      permissions: { ...token.permissions },
      repositories: [...token.repositories],
      owner: token.owner ?? token.login,
      role: token.role ?? "write",
      token: `github_pat_${alphanumeric(world.random, 22)}_${alphanumeric(world.random, 59)}`,
      expiresAt: null,
      revokedAt: null,
    })),
    repositories: estate.repositories.map((one) => foundRepository(one, resolve, world)),
    organizations: (estate.organizations ?? []).map((one) => foundOrganization(one, resolve, world)),
    rate: {},
    settings: { requestsPerHour: 5000, retiredApiVersions: [], queueMs: 1000, runMs: 2000, holdRuns: null },
  };
}

function foundRepository(repository: EstateRepository, resolve: Resolve, world: World): Repository {
  const at = past(world, repository.secretsWrittenAt);
  const createdAt = past(world, CREATED);
  const secrets = (sources: Record<string, ValueSource> = {}): StoredSecret[] =>
    Object.entries(sources).map(([name, source]) => stored(name, resolve(source), null, at));
  const found = newRepository(`${repository.owner}/${repository.name}`, repository.id, world);
  found.secrets = secrets(repository.secrets);
  found.dependabot.secrets = secrets(repository.dependabot);
  found.codespaces.secrets = secrets(repository.codespaces);
  found.environments = repository.environments.map((one, index) => ({
    ...newEnvironment(one.name, repository.id + index + 1, world),
    createdAt,
    secrets: secrets(one.secrets),
  }));
  return { ...found, createdAt, workflows: repository.workflows.map(foundWorkflow) };
}

function foundWorkflow(workflow: EstateWorkflow): Workflow {
  const { id, name, path, environment = null } = workflow;
  const same = { id, name, path, environment, state: "active" } as const;
  if (workflow.kind === "proof") {
    const proves = [...workflow.secrets];
    return { ...same, dispatchable: true, deploysWith: null, proves, inputs: proofInputs(proves) };
  }
  const { dispatchable, deploysWith } = workflow;
  const declared = Object.entries(workflow.inputs ?? {});
  const inputs = declared.map(([key, { required = false, options = null }]) => [key, { required, options }]);
  return { ...same, dispatchable, deploysWith, proves: null, inputs: Object.fromEntries(inputs) };
}

function foundOrganization(
  organization: NonNullable<Estate["github"]["organizations"]>[number],
  resolve: Resolve,
  world: World,
): Organization {
  const at = past(world, CREATED);
  const holder = () => ({ key: newSealingKey(world.random), secrets: [] });
  const { id, login } = organization;
  const found: Organization = { id, login, actions: holder(), dependabot: holder(), codespaces: holder() };
  for (const { kind, name, value, visibility, repositories = [] } of organization.secrets) {
    const audience: Audience = { visibility, repositories: [...repositories] };
    found[kind].secrets.push(stored(name, resolve(value), audience, at));
  }
  return found;
}

/** An empty, private repository, created now. */
export function newRepository(called: string, id: number, world: World): Repository {
  const [owner = "", name = ""] = called.split("/");
  const holder = () => ({ key: newSealingKey(world.random), secrets: [] });
  return {
    id,
    owner,
    name,
    formerNames: [],
    private: true,
    defaultBranch: "main",
    branches: [{ name: "main", sha: hex(world.random, 20) }],
    createdAt: world.now(),
    ...holder(),
    dependabot: holder(),
    codespaces: holder(),
    environments: [],
    workflows: [],
    runs: [],
    issues: [],
  };
}

/** An environment without secrets, created now. */
export function newEnvironment(name: string, id: number, world: World): Repository["environments"][number] {
  return { id, name, createdAt: world.now(), key: newSealingKey(world.random), secrets: [] };
}

function stored(name: string, value: string, audience: Audience | null, at: number): StoredSecret {
  return { name, value, audience, createdAt: at, updatedAt: at };
}

// A virtual clock may stand before the dates of the estate; nothing then lies in its future.
function past(world: World, date: string): number {
  return Math.min(Date.parse(date), world.now());
}

/** GitHub as it truly is: decrypted secret values and private keys included. */
export interface GithubState {
  tokens: GithubToken[];
  repositories: Repository[];
  organizations: Organization[];
  /** Requests used by login in the current hour. */
  rate: Record<string, { used: number; resetAt: number }>;
  settings: GithubSettings;
}

/** Behaviour that a test or an operator may change. */
export interface GithubSettings {
  requestsPerHour: number;
  /** API versions that answer 410. */
  retiredApiVersions: string[];
  /** How long a workflow run waits in the queue, and then runs. */
  queueMs: number;
  runMs: number;
  /** Where new runs stay until an act moves them on: no runner is free, or a job does not end. Null: nowhere. */
  holdRuns: "queued" | "in_progress" | null;
}

/** What a user may do in a repository, as its settings call it. */
export type Role = "read" | "triage" | "write" | "maintain" | "admin";

/** A fine-grained personal access token. */
export interface GithubToken {
  /** Name by which the journal knows it. */
  name: string;
  token: string;
  login: string;
  userId: number;
  /** Login of the resource owner: the one organization or user whose things it may reach. */
  owner: string;
  /** Permissions by the name that `X-Accepted-GitHub-Permissions` gives them, e.g. `secrets: "write"`. */
  permissions: Record<string, "read" | "write">;
  /** The role of its user in the repositories; GitHub tells it, the permissions of the token decide. */
  role: Role;
  /** Repositories that this token sees; others answer 404. */
  repositories: number[];
  expiresAt: number | null;
  revokedAt: number | null;
}

/** A key pair that secrets are sealed to, by the seed that it is made of, in base64. */
export interface SealingKey {
  keyId: string;
  seed: string;
}

/** Which repositories of an organization see a secret of it; `repositories` counts for `selected` only. */
export interface Audience {
  visibility: "all" | "private" | "selected";
  repositories: readonly number[];
}

/** A secret with its decrypted value. */
export interface StoredSecret {
  name: string;
  value: string;
  createdAt: number;
  updatedAt: number;
  /** Null for a secret of a repository or an environment. */
  audience: Audience | null;
}

/** What may hold secrets, each with a key pair of its own. */
export interface SecretHolder {
  key: SealingKey;
  secrets: StoredSecret[];
}

/** Who reads a secret: workflows, Dependabot, or development environments. */
export type SecretKind = "actions" | "dependabot" | "codespaces";

/** An organization and its three sets of secrets. */
export interface Organization extends Record<SecretKind, SecretHolder> {
  id: number;
  login: string;
}

/** A deployment environment, which holds Actions secrets of its own. */
export interface Environment extends SecretHolder {
  id: number;
  name: string;
  createdAt: number;
}

/** A repository; the secrets that it holds itself are those of Actions. */
export interface Repository extends SecretHolder {
  id: number;
  owner: string;
  name: string;
  /** Earlier `owner/name`s, which redirect here until something else is called so. */
  formerNames: string[];
  private: boolean;
  defaultBranch: string;
  branches: { name: string; sha: string }[];
  createdAt: number;
  dependabot: SecretHolder;
  codespaces: SecretHolder;
  environments: Environment[];
  workflows: Workflow[];
  /** Newest first. */
  runs: WorkflowRun[];
  issues: Issue[];
}

/** An input that `workflow_dispatch` declares; null options: any text. */
export interface WorkflowInput {
  required: boolean;
  options: string[] | null;
}

/** A workflow, and what its job does with which secret. */
export interface Workflow {
  id: number;
  name: string;
  path: string;
  state: "active" | "disabled_manually";
  dispatchable: boolean;
  inputs: Record<string, WorkflowInput>;
  /** Environment of its first job. */
  environment: string | null;
  /** Secret that the run hands to Heroku; the run fails where Heroku refuses it. Null: the run always succeeds. */
  deploysWith: string | null;
  /** Secrets that a proof workflow proves (see proof.ts); null: it is none. */
  proves: string[] | null;
}

/** What became of a run or a job that has ended. */
export type Conclusion = "success" | "failure" | "cancelled" | "skipped";

/** A job of a run; it has one step of its own. */
export interface Job {
  id: number;
  name: string;
  step: string;
  status: "queued" | "in_progress" | "completed";
  conclusion: Conclusion | null;
  createdAt: number;
  startedAt: number | null;
  completedAt: number | null;
}

/** A workflow run with the secret values that it holds. */
export interface WorkflowRun {
  id: number;
  number: number;
  workflowId: number;
  title: string;
  event: string;
  ref: string;
  headSha: string;
  inputs: Record<string, string>;
  actor: string;
  status: "queued" | "in_progress" | "completed";
  conclusion: Exclude<Conclusion, "skipped"> | null;
  createdAt: number;
  updatedAt: number;
  /** When its first job starts and its last one ends; null: not until an act says so. */
  startsAt: number | null;
  endsAt: number | null;
  /** Values by secret name, as of queueing (repository, organization) or of the start of the job (environment). */
  held: Record<string, string | null>;
  jobs: Job[];
}

/** An issue. */
export interface Issue {
  id: number;
  number: number;
  title: string;
  body: string | null;
  labels: string[];
  state: "open" | "closed";
  login: string;
  userId: number;
  createdAt: number;
  updatedAt: number;
}

/** Whether an organization's secret reaches a repository. */
export function reaches(secret: StoredSecret, repository: Repository): boolean {
  if (secret.audience === null || secret.audience.visibility === "all") return true;
  if (secret.audience.visibility === "private") return repository.private;
  return secret.audience.repositories.includes(repository.id);
}

/** The organization that owns a repository, if one does. */
export function organizationOf(state: GithubState, repository: Repository): Organization | undefined {
  return state.organizations.find((one) => sameText(one.login, repository.owner));
}

/** Whether two names are the same to GitHub, which ignores their case. */
export function sameText(one: string, other: string | undefined): boolean {
  return one.toLowerCase() === other?.toLowerCase();
}

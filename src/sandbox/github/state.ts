/** GitHub as it truly is: decrypted secret values and private keys included. */
export interface GithubState {
  tokens: GithubToken[];
  repositories: Repository[];
  organizations: { login: string; id: number; secrets: ActionsSecret[] }[];
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
}

/** A personal access token. */
export interface GithubToken {
  /** Name by which the journal knows it. */
  name: string;
  token: string;
  login: string;
  userId: number;
  /** Fine-grained permissions, e.g. `secrets: "write"`. */
  permissions: Record<string, "read" | "write">;
  /** Repositories that this token sees; others answer 404. */
  repositories: number[];
  expiresAt: number | null;
  revokedAt: number | null;
}

/** A key pair that secrets are sealed to, both halves in base64. */
export interface SealingKey {
  keyId: string;
  publicKey: string;
  privateKey: string;
}

/** An Actions secret with its decrypted value. */
export interface ActionsSecret {
  name: string;
  value: string;
  createdAt: number;
  updatedAt: number;
}

/** What may hold secrets: a repository or one of its environments, each with a key pair of its own. */
export interface SecretHolder {
  key: SealingKey;
  secrets: ActionsSecret[];
}

/** A repository. */
export interface Repository extends SecretHolder {
  id: number;
  owner: string;
  name: string;
  private: boolean;
  defaultBranch: string;
  branches: string[];
  headSha: string;
  createdAt: number;
  environments: (SecretHolder & { name: string; id: number })[];
  workflows: Workflow[];
  runs: WorkflowRun[];
  issues: Issue[];
}

/** A workflow, and which secret it proves by calling Heroku with it. */
export interface Workflow {
  id: number;
  name: string;
  path: string;
  dispatchable: boolean;
  environment: string | null;
  /** Secret that the run hands to Heroku; the run fails where Heroku refuses it. Null: the run always succeeds. */
  deploysWith: string | null;
}

/** A workflow run with the secret value that it was queued with. */
export interface WorkflowRun {
  id: number;
  number: number;
  workflowId: number;
  event: string;
  ref: string;
  status: "queued" | "in_progress" | "completed";
  conclusion: "success" | "failure" | null;
  createdAt: number;
  updatedAt: number;
  startsAt: number;
  endsAt: number;
  /** Values by secret name, as of queueing (repository) or of the start of the job (environment). */
  held: Record<string, string | null>;
  actor: string;
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

/** The secret that a workflow sees under this name: the environment's before the repository's. */
export function secretFor(
  repository: Repository,
  environment: string | null,
  name: string,
): ActionsSecret | null {
  const inEnvironment = repository.environments
    .find((one) => one.name === environment)
    ?.secrets.find((one) => one.name === name);
  return inEnvironment ?? repository.secrets.find((one) => one.name === name) ?? null;
}

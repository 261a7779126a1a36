/** Infisical as it truly is, secret values and the token signing key included. */
export interface InfisicalState {
  /** `v3`: the self-hosted build of October 2024; `v4`: the current one, which still serves v3 routes. */
  generation: "v3" | "v4";
  /** Signs access tokens; base64. */
  signingKey: string;
  organization: { id: string; name: string };
  projects: Project[];
  identities: Identity[];
  users: { id: string; email: string }[];
  tokens: AccessToken[];
  serviceTokens: ServiceToken[];
  /** Requests counted per route in the running minute. */
  rate: Record<string, { count: number; resetAt: number }>;
  settings: InfisicalSettings;
}

/** Behaviour that differs by installation. */
export interface InfisicalSettings {
  /** Self-hosted builds of 2024 limit by route; current self-hosted ones do not limit at all. */
  rateLimits: boolean;
  /** An access proxy in front: without these two headers it answers every route with a page of its own. */
  proxy: AccessProxy | null;
  /** Whether every approval policy also holds machine identities; the vendor looks them up for users only. */
  approvalsCoverIdentities: boolean;
  /** Whether machine identities may read change requests; the vendor shows them to users only. */
  approvalsShownToIdentities: boolean;
}

/** An access proxy: the credential that passes, and what all others see. */
export interface AccessProxy {
  clientId: string;
  clientSecret: string;
  /** `forbidden`: 403; `login`: a login page with status 200; `redirect`: 302 to that page. `forbidden` where absent. */
  answers?: "forbidden" | "login" | "redirect";
}

/** A project with its environments, folders and secrets. */
export interface Project {
  id: string;
  slug: string;
  name: string;
  environments: { id: string; slug: string; name: string }[];
  folders: Folder[];
  secrets: VaultSecret[];
  tags: Tag[];
  members: Member[];
  imports: FolderImport[];
  syncs: NativeSync[];
  approvalPolicies: ApprovalPolicy[];
  approvals: Approval[];
  enforceCapitalization: boolean;
}

/** What a member may do: admin and member write, viewer only reads, no-access nothing but what privileges give. */
export type Role = "admin" | "member" | "viewer" | "no-access";

/** A machine identity in a project. */
export interface Member {
  id: string;
  identityId: string;
  role: Role;
  /** On top of the role, oldest first; the last rule that fits decides. */
  privileges: Privilege[];
  createdAt: number;
}

/** An additional privilege of an identity: something given, or with `inverted` taken away, at some paths. */
export interface Privilege {
  id: string;
  slug: string;
  subject: Subject;
  actions: Action[];
  /** All environments where null. */
  environment: string | null;
  /** A glob such as `/MooseQuest/**`; all paths where null. */
  secretPath: string | null;
  inverted: boolean;
  createdAt: number;
}

/** What a permission is about. */
export type Subject = "secrets" | "secret-imports" | "secret-syncs" | "identity" | "role";
/** What a permission lets do; a secret's key is seen by `describeSecret`, its value by `readValue`, both by `read`. */
export type Action = "read" | "describeSecret" | "readValue" | "create" | "edit" | "delete";

/** A folder that shows the secrets of another one as its own; a secret of the folder itself goes before. */
export interface FolderImport {
  id: string;
  folderId: string;
  from: { environment: string; path: string };
  position: number;
  createdAt: number;
}

/** A native sync: the vendor itself writes a folder's secrets to another vendor, whatever stands there. */
export interface NativeSync {
  id: string;
  name: string;
  /** The folder that it takes the secrets from. */
  folderId: string;
  destination: SyncDestination;
  /** What the first sync made of values that the destination had. */
  initialSyncBehavior: "overwrite-destination" | "import-prioritize-source" | "import-prioritize-destination";
  /** Whether it runs after every change in the folder. */
  isAutoSyncEnabled: boolean;
  /** Whether it leaves alone what the folder does not hold. */
  disableSecretDeletion: boolean;
  createdAt: number;
  lastSyncedAt: number | null;
  /** Why the last run failed; null where it did not. */
  error: string | null;
  /** Digest of what was written last; null before the first time. */
  pushed: string | null;
}

/** Where a native sync writes. */
export type SyncDestination =
  | { kind: "heroku"; app: string }
  | { kind: "github"; repository: string; environment?: string }
  | { kind: "external-infisical"; projectId: string; environment: string; secretPath: string };

/** A path whose changes wait for a person. */
interface ApprovalPolicy {
  id: string;
  environment: string;
  secretPath: string;
  /** Whether it holds machine identities too. */
  coversIdentities: boolean;
}

/** A folder; the root folder of an environment is named "root" and has no parent. */
export interface Folder {
  id: string;
  environmentId: string;
  parentId: string | null;
  name: string;
  version: number;
  createdAt: number;
  updatedAt: number;
}

/** A tag of a project. */
interface Tag {
  id: string;
  slug: string;
  color: string;
  createdAt: number;
  createdBy: string;
}

/** A secret; the last of its versions is the current one. */
export interface VaultSecret {
  id: string;
  folderId: string;
  key: string;
  comment: string;
  skipMultilineEncoding: boolean;
  reminderNote: string | null;
  reminderRepeatDays: number | null;
  metadata: { key: string; value: string }[];
  tagIds: string[];
  /** The vendor's own rotation that writes it, which then cannot be written, renamed or deleted by hand. */
  rotationId: string | null;
  createdAt: number;
  updatedAt: number;
  versions: {
    id: string;
    version: number;
    value: string;
    comment: string;
    createdAt: number;
    actor: string;
  }[];
}

/** A machine identity with universal auth. */
export interface Identity {
  id: string;
  name: string;
  clientId: string;
  clientSecrets: { id: string; secret: string; revokedAt: number | null }[];
  accessTokenTtlSeconds: number;
  accessTokenMaxTtlSeconds: number;
  failures: { count: number; since: number; lockedUntil: number };
}

/** An issued access token; the JWT carries its id. */
export interface AccessToken {
  id: string;
  identityId: string;
  createdAt: number;
  renewedAt: number;
  revoked: boolean;
}

/** A legacy service token. */
interface ServiceToken {
  id: string;
  secret: string;
  name: string;
  projectId: string;
  scopes: { environment: string; secretPath: string }[];
  permissions: string[];
  createdAt: number;
  expiresAt: number | null;
}

/** A change that waits for a person, under an approval policy. */
export interface Approval {
  id: string;
  policyId: string;
  slug: string;
  status: "open" | "merged" | "rejected";
  folderId: string;
  actor: string;
  createdAt: number;
  updatedAt: number;
  /** Applied together when it is merged. */
  changes: Change[];
}

/** One write that waits in a change request. */
export interface Change {
  kind: "create" | "update" | "delete";
  key: string;
  value: string | null;
  comment: string | null;
}

/** The folder's path, e.g. `/MooseQuest/heroku`. */
export function folderPath(project: Project, folder: Folder): string {
  const names: string[] = [];
  for (let at: Folder | undefined = folder; at?.parentId; ) {
    names.unshift(at.name);
    const parent: string = at.parentId;
    at = project.folders.find((one) => one.id === parent);
  }
  return `/${names.join("/")}`;
}

/** The folder at a path of an environment; the path starts with a slash and is case-sensitive. */
export function folderAt(project: Project, environmentSlug: string, path: string): Folder | null {
  const environment = project.environments.find((one) => one.slug === environmentSlug);
  if (!environment || !path.startsWith("/")) return null;
  let folder = project.folders.find((one) => one.environmentId === environment.id && one.parentId === null);
  for (const name of path.split("/").filter(Boolean)) {
    const parent: string | undefined = folder?.id;
    folder = project.folders.find((one) => one.parentId === parent && one.name === name);
    if (!folder) return null;
  }
  return folder ?? null;
}

/** The current value of a secret. */
export function currentValue(secret: VaultSecret): string {
  return secret.versions.at(-1)?.value ?? "";
}

/** What the server makes of a value: trimmed, but one trailing newline is kept where the value ends with one. */
export function normalised(value: string): string {
  const trimmed = value.trim();
  return value.endsWith("\n") ? `${trimmed}\n` : trimmed;
}

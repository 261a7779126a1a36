import type { ValueSource } from "../estate.ts";
import { hex, uuid, uuidOf } from "../random.ts";
import type { World } from "../world.ts";
import { decideApproval } from "./approvals.ts";
import { importedAtFirst, type Outside, runSync } from "./pushing.ts";
import type {
  AccessProxy,
  Action,
  InfisicalState,
  Member,
  NativeSync,
  Project,
  Role,
  Subject,
  SyncDestination,
} from "./state.ts";
import { createSecret, deleteSecret, ensureFolder, findSecret, updateSecret } from "./vault.ts";

/** A place in the vault; the estate's first project where none is named. */
interface At {
  environment: string;
  path: string;
  project?: string;
}

/** What other hands do in the vault: a person in its dashboard, its own jobs, its administrators. */
export type VaultAct =
  | ({ act: "set-vault-secret"; key: string; value: ValueSource | null } & At)
  /** The vendor's own rotation takes the entry over, or lets go of it. */
  | ({ act: "mark-rotated"; key: string; rotated: boolean } & At)
  /** The folder at this place shows the secrets of another folder too. */
  | ({ act: "import-vault-folder"; from: { environment: string; path: string } } & At)
  | { act: "remove-vault-import"; id: string }
  /** A native sync from the folder at this place; active, and leaving alone what it does not know, unless said otherwise. */
  | ({
      act: "add-vault-sync";
      destination: SyncDestination;
      name?: string;
      active?: boolean;
      initially?: NativeSync["initialSyncBehavior"];
      deletesOthers?: boolean;
    } & At)
  | { act: "change-vault-sync"; id: string; active?: boolean; run?: true; remove?: true }
  /** Gives something to an identity at some paths (glob), or takes it away; of all such acts the last that fits decides. */
  | {
      act: "set-vault-permission";
      identity: string;
      actions: Action[];
      allow: boolean;
      subject?: Subject;
      environment?: string;
      path?: string;
      project?: string;
    }
  /** Takes back all that was given and taken so. */
  | { act: "clear-vault-permissions"; identity: string; project?: string }
  /** Null: no longer a member. */
  | { act: "set-vault-role"; identity: string; role: Role | null; project?: string }
  /** An access proxy is put in front, with a new credential, or taken away. */
  | { act: "set-access-proxy"; on: boolean; answers?: AccessProxy["answers"] }
  | { act: "revoke-vault-tokens"; identity?: string }
  | ({ act: "set-approval-policy"; on: boolean; coversIdentities?: boolean } & At)
  | { act: "decide-approval"; id: string; decision: "merge" | "reject" };

/** What vault acts need of the rest of the sandbox. */
export interface Surroundings {
  world: World;
  outside: Outside;
  resolve(source: ValueSource): string;
}

/** Performs an act in the vault; answers the id of what was made, and throws where something named does not exist. */
export function performOnVault(state: InfisicalState, act: VaultAct, around: Surroundings): { id?: string } {
  switch (act.act) {
    case "decide-approval":
      if (!decideApproval(state, act.id, act.decision, around.world))
        throw new Error(`no open approval ${act.id}`);
      return { id: act.id };
    case "revoke-vault-tokens":
      for (const token of state.tokens) {
        const identity = state.identities.find((one) => one.name === act.identity);
        token.revoked ||= act.identity === undefined || token.identityId === identity?.id;
      }
      return {};
    case "set-access-proxy":
      return setProxy(state, act, around.world);
    case "remove-vault-import":
      for (const project of state.projects)
        project.imports = project.imports.filter((one) => one.id !== act.id);
      return {};
    case "change-vault-sync":
      return changeSync(state, act, around);
    case "set-vault-permission":
    case "clear-vault-permissions":
    case "set-vault-role":
      return performOnMember(state, act, around.world);
    default:
      return performAt(state, act, around);
  }
}

type Named<K extends VaultAct["act"]> = Extract<VaultAct, { act: K }>;

function setProxy(state: InfisicalState, act: Named<"set-access-proxy">, { random }: World): { id?: string } {
  const { answers = "forbidden" } = act;
  const credential = () => ({ clientId: `${hex(random, 16)}.access`, clientSecret: hex(random, 32) });
  state.settings.proxy = act.on ? { ...credential(), answers } : null;
  return {};
}

function performOnMember(
  state: InfisicalState,
  act: Named<"set-vault-permission" | "clear-vault-permissions" | "set-vault-role">,
  world: World,
): { id?: string } {
  const project = projectOf(state, act);
  const identity = must(
    state.identities.find((one) => one.name === act.identity),
    act.identity,
  );
  const member = project.members.find((one) => one.identityId === identity.id);
  if (act.act === "set-vault-role") {
    if (act.role === null) project.members = project.members.filter((one) => one !== member);
    else if (member) member.role = act.role;
    else project.members.push(newMember(project.id, identity.id, act.role, world));
    return {};
  }
  const known = must<Member>(member, `member ${act.identity}`);
  if (act.act === "clear-vault-permissions") {
    known.privileges = [];
    return {};
  }
  const id = uuid(world.random);
  known.privileges.push({
    id,
    slug: `${act.allow ? "allow" : "deny"}-${hex(world.random, 4)}`,
    subject: act.subject ?? "secrets",
    actions: act.actions,
    environment: act.environment ?? null,
    secretPath: act.path ?? null,
    inverted: !act.allow,
    createdAt: world.now(),
  });
  return { id };
}

/** A member without additional privileges. */
export function newMember(projectId: string, identityId: string, role: Role, world: World): Member {
  return {
    id: uuidOf(`${projectId} ${identityId}`),
    identityId,
    role,
    privileges: [],
    createdAt: world.now(),
  };
}

function changeSync(
  state: InfisicalState,
  act: Named<"change-vault-sync">,
  { world, outside }: Surroundings,
): { id?: string } {
  const project = must(
    state.projects.find((one) => one.syncs.some((sync) => sync.id === act.id)),
    `sync ${act.id}`,
  );
  const sync = must(
    project.syncs.find((one) => one.id === act.id),
    `sync ${act.id}`,
  );
  sync.isAutoSyncEnabled = act.active ?? sync.isAutoSyncEnabled;
  if (act.run) runSync(project, sync, outside, world.now());
  if (act.remove) project.syncs = project.syncs.filter((one) => one !== sync);
  return { id: sync.id };
}

function performAt(
  state: InfisicalState,
  act: Named<
    "set-vault-secret" | "mark-rotated" | "import-vault-folder" | "add-vault-sync" | "set-approval-policy"
  >,
  around: Surroundings,
): { id?: string } {
  const { world } = around;
  const project = projectOf(state, act);
  const environment = must(
    project.environments.find((one) => one.slug === act.environment),
    act.environment,
  );
  if (act.act === "set-approval-policy") return setPolicy(project, act, world);
  const folder = ensureFolder(project, environment.id, act.path, world);
  if (act.act === "import-vault-folder") {
    const id = uuid(world.random);
    const position = project.imports.filter((one) => one.folderId === folder.id).length + 1;
    project.imports.push({ id, folderId: folder.id, from: act.from, position, createdAt: world.now() });
    return { id };
  }
  if (act.act === "add-vault-sync") return addSync(project, folder.id, act, around);
  const secret = findSecret(project, folder, act.key);
  if (act.act === "mark-rotated") must(secret, act.key).rotationId = act.rotated ? uuid(world.random) : null;
  else if (act.value === null) deleteSecret(project, must(secret, act.key));
  else if (secret) updateSecret(secret, { value: around.resolve(act.value) }, "somebody", world);
  else {
    const value = around.resolve(act.value);
    return { id: createSecret(project, folder, act.key, { value }, "somebody", world).id };
  }
  return {};
}

function setPolicy(project: Project, act: Named<"set-approval-policy">, world: World): { id?: string } {
  const rest = project.approvalPolicies.filter(
    (one) => one.environment !== act.environment || one.secretPath !== act.path,
  );
  const policy = {
    id: uuid(world.random),
    environment: act.environment,
    secretPath: act.path,
    coversIdentities: act.coversIdentities ?? false,
  };
  project.approvalPolicies = act.on ? [...rest, policy] : rest;
  return { id: policy.id };
}

function addSync(
  project: Project,
  folderId: string,
  act: Named<"add-vault-sync">,
  { world, outside }: Surroundings,
): { id?: string } {
  const sync: NativeSync = {
    id: uuid(world.random),
    name: act.name ?? `${act.destination.kind}-sync`,
    folderId,
    destination: act.destination,
    initialSyncBehavior: act.initially ?? "overwrite-destination",
    isAutoSyncEnabled: act.active ?? true,
    disableSecretDeletion: act.deletesOthers !== true,
    createdAt: world.now(),
    lastSyncedAt: null,
    error: null,
    pushed: null,
  };
  project.syncs.push(sync);
  const folder = must(
    project.folders.find((one) => one.id === folderId),
    act.path,
  );
  for (const [key, value] of Object.entries(importedAtFirst(project, sync, outside))) {
    const secret = findSecret(project, folder, key);
    if (secret) updateSecret(secret, { value }, "sync", world);
    else createSecret(project, folder, key, { value }, "sync", world);
  }
  return { id: sync.id };
}

function projectOf(state: InfisicalState, act: { project?: string }): Project {
  const id = act.project ?? state.projects[0]?.id ?? "";
  return must(
    state.projects.find((one) => one.id === id),
    id,
  );
}

function must<T>(found: T | null | undefined, name: string): T {
  if (found === null || found === undefined) throw new Error(`there is no ${name}`);
  return found;
}

import {
  type Approval,
  currentValue,
  type Folder,
  folderPath,
  type InfisicalState,
  type Project,
  type VaultSecret,
} from "./state.ts";

/** What a reply shows of a secret; writes echo the request where reads show the row. */
export interface SecretView {
  version?: number;
  value?: string;
  comment?: string;
  hidden?: boolean;
}

/** A secret as both generations answer it; the current one adds fields. */
export function secretReply(
  state: InfisicalState,
  project: Project,
  secret: VaultSecret,
  view: SecretView = {},
) {
  const folder = project.folders.find((one) => one.id === secret.folderId);
  const environment = project.environments.find((one) => one.id === folder?.environmentId);
  const version = view.version ?? secret.versions.at(-1)?.version ?? 1;
  const row = secret.versions.find((one) => one.version === version);
  const value = view.value ?? row?.value ?? currentValue(secret);
  return {
    id: secret.id,
    _id: secret.id,
    workspace: project.id,
    environment: environment?.slug ?? "",
    version,
    type: "shared",
    secretKey: secret.key,
    secretValue: view.hidden ? "<hidden-by-infisical>" : value,
    secretComment: view.comment ?? row?.comment ?? secret.comment,
    secretReminderNote: secret.reminderNote,
    secretReminderRepeatDays: secret.reminderRepeatDays,
    skipMultilineEncoding: secret.skipMultilineEncoding,
    metadata: null,
    createdAt: new Date(secret.createdAt).toISOString(),
    updatedAt: new Date(secret.updatedAt).toISOString(),
    ...(state.generation === "v4" ? currentExtras(project, secret, folder, view) : {}),
  };
}

function currentExtras(project: Project, secret: VaultSecret, folder: Folder | undefined, view: SecretView) {
  return {
    actor: {
      actorId: secret.versions.at(-1)?.actor ?? null,
      actorType: "identity",
      name: null,
      membershipId: null,
      groupId: null,
    },
    isRotatedSecret: secret.rotationId !== null,
    rotationId: secret.rotationId,
    secretValueHidden: view.hidden ?? false,
    secretPath: folder ? folderPath(project, folder) : "/",
    secretMetadata: secret.metadata,
    tags: tagsReply(project, secret),
  };
}

/** A secret's tags. */
export function tagsReply(project: Project, secret: VaultSecret) {
  return project.tags
    .filter((tag) => secret.tagIds.includes(tag.id))
    .map(({ id, slug, color }) => ({ id, slug, color, name: slug }));
}

/** A folder. */
export function folderReply(project: Project, folder: Folder, generation: InfisicalState["generation"]) {
  return {
    id: folder.id,
    name: folder.name,
    version: folder.version,
    createdAt: new Date(folder.createdAt).toISOString(),
    updatedAt: new Date(folder.updatedAt).toISOString(),
    envId: folder.environmentId,
    parentId: folder.parentId,
    isReserved: false,
    ...(generation === "v4"
      ? { path: folderPath(project, folder), description: null, lastSecretModified: null }
      : {}),
  };
}

/** What a write answers instead of the secret, where an approval policy holds the place. */
export function approvalReply(approval: Approval) {
  return {
    id: approval.id,
    policyId: approval.policyId,
    hasMerged: approval.status === "merged",
    status: approval.status === "open" ? "open" : "close",
    conflicts: null,
    slug: approval.slug,
    folderId: approval.folderId,
    createdAt: new Date(approval.createdAt).toISOString(),
    updatedAt: new Date(approval.updatedAt).toISOString(),
    statusChangedByUserId: null,
    committerUserId: approval.actor,
    isReplicated: null,
  };
}

import { uuid } from "../random.ts";
import type { World } from "../world.ts";
import { currentValue, type Folder, normalised, type Project, type VaultSecret } from "./state.ts";

/** What a write gives besides the key; absent fields stay as they are. */
export interface SecretFields {
  value?: string;
  comment?: string | undefined;
  newKey?: string | undefined;
  tagIds?: string[] | undefined;
  skipMultilineEncoding?: boolean | undefined;
  metadata?: { key: string; value: string }[] | undefined;
}

/** The secret of this name in a folder. */
export function findSecret(project: Project, folder: Folder, key: string): VaultSecret | null {
  return project.secrets.find((one) => one.folderId === folder.id && one.key === key) ?? null;
}

/** Makes a secret at version 1. */
export function createSecret(
  project: Project,
  folder: Folder,
  key: string,
  fields: SecretFields,
  actor: string,
  world: World,
): VaultSecret {
  const at = world.now();
  const comment = fields.comment ?? "";
  const secret: VaultSecret = {
    id: uuid(world.random),
    folderId: folder.id,
    key,
    comment,
    skipMultilineEncoding: fields.skipMultilineEncoding ?? false,
    reminderNote: null,
    reminderRepeatDays: null,
    metadata: fields.metadata ?? [],
    tagIds: fields.tagIds ?? [],
    rotationId: null,
    createdAt: at,
    updatedAt: at,
    versions: [
      {
        id: uuid(world.random),
        version: 1,
        value: normalised(fields.value ?? ""),
        comment,
        createdAt: at,
        actor,
      },
    ],
  };
  project.secrets.push(secret);
  return secret;
}

/** Writes a new version, also where nothing differs. */
export function updateSecret(secret: VaultSecret, fields: SecretFields, actor: string, world: World): void {
  const at = world.now();
  if (fields.comment !== undefined) secret.comment = fields.comment;
  if (fields.newKey !== undefined) secret.key = fields.newKey;
  if (fields.tagIds !== undefined) secret.tagIds = fields.tagIds;
  if (fields.skipMultilineEncoding !== undefined) secret.skipMultilineEncoding = fields.skipMultilineEncoding;
  if (fields.metadata !== undefined) secret.metadata = fields.metadata;
  secret.updatedAt = at;
  secret.versions.push({
    id: uuid(world.random),
    version: (secret.versions.at(-1)?.version ?? 0) + 1,
    value: fields.value === undefined ? currentValue(secret) : normalised(fields.value),
    comment: secret.comment,
    createdAt: at,
    actor,
  });
}

/** Removes a secret; a later one of the same name gets a new id and starts at version 1. */
export function deleteSecret(project: Project, secret: VaultSecret): void {
  project.secrets = project.secrets.filter((one) => one !== secret);
}

/** Makes the folders of a path that are missing and returns the last one. */
export function ensureFolder(project: Project, environmentId: string, path: string, world: World): Folder {
  let folder =
    project.folders.find((one) => one.environmentId === environmentId && one.parentId === null) ??
    newFolder(project, environmentId, null, "root", world);
  for (const name of path.split("/").filter(Boolean)) {
    const parent: string = folder.id;
    folder =
      project.folders.find((one) => one.parentId === parent && one.name === name) ??
      newFolder(project, environmentId, parent, name, world);
  }
  return folder;
}

function newFolder(
  project: Project,
  environmentId: string,
  parentId: string | null,
  name: string,
  world: World,
): Folder {
  const at = world.now();
  const folder = {
    id: uuid(world.random),
    environmentId,
    parentId,
    name,
    version: 1,
    createdAt: at,
    updatedAt: at,
  };
  project.folders.push(folder);
  return folder;
}

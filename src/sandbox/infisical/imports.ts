import type { Hono } from "hono";
import {
  authenticate,
  type InfisicalContext,
  type InfisicalEnv,
  InfisicalRefusal,
  limit,
  projectFor,
  stringField,
} from "./access.ts";
import { may, permit } from "./permissions.ts";
import { locationOf } from "./references.ts";
import { type Folder, type FolderImport, folderAt, type Project, type VaultSecret } from "./state.ts";

/** Adds the listing of a folder's imports: v1 names the project workspaceId, v2 of the current build projectId. */
export function importRoutes(app: Hono<InfisicalEnv>, generation: "v3" | "v4"): void {
  const list = (field: "workspaceId" | "projectId") => (c: InfisicalContext) => {
    authenticate(c);
    limit(c, "read", "secret-imports");
    const query = c.req.query();
    const project = projectFor(c, { id: stringField(c, query, field) });
    const environment = stringField(c, query, "environment");
    const path = query["path"] ?? "/";
    permit(c, project, "read", { environment, path }, "secret-imports");
    const folder = folderAt(project, environment, path);
    if (!folder) {
      const message = `Folder with path '${path}' in environment with slug '${environment}' not found`;
      throw new InfisicalRefusal(404, message, "GetSecretImports");
    }
    const found = importsOf(project, folder).map((one) => importReply(project, one));
    return c.json({ message: "Successfully fetched secret imports", secretImports: found });
  };
  app.get("/api/v1/secret-imports", list("workspaceId"));
  if (generation === "v4") app.get("/api/v2/secret-imports", list("projectId"));
}

/** The imports of a folder, the first of which the later ones go before. */
function importsOf(project: Project, folder: Folder): FolderImport[] {
  return project.imports
    .filter((one) => one.folderId === folder.id)
    .toSorted((one, other) => one.position - other.position);
}

/** What a folder's imports show to this caller, import by import, those that they import in turn included. */
export function importedInto(
  c: InfisicalContext,
  project: Project,
  folder: Folder,
  seen: readonly string[] = [],
): { from: Folder; secrets: VaultSecret[] }[] {
  return importsOf(project, folder).flatMap((one) => {
    const from = folderAt(project, one.from.environment, one.from.path);
    if (!from || seen.includes(from.id)) return [];
    const secrets = project.secrets.filter(
      (secret) => secret.folderId === from.id && may(c, project, "read", locationOf(project, secret)),
    );
    return [...importedInto(c, project, from, [...seen, folder.id]), { from, secrets }];
  });
}

function importReply(project: Project, one: FolderImport) {
  const environment = project.environments.find((known) => known.slug === one.from.environment);
  const at = new Date(one.createdAt).toISOString();
  return {
    id: one.id,
    version: 1,
    importPath: one.from.path,
    importEnv: { id: environment?.id ?? "", slug: one.from.environment, name: environment?.name ?? "" },
    position: one.position,
    createdAt: at,
    updatedAt: at,
    folderId: one.folderId,
    isReplication: false,
    isReplicationSuccess: null,
    replicationStatus: null,
    lastReplicated: null,
    isReserved: false,
  };
}

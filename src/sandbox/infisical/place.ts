import { isObject } from "../world.ts";
import { type InfisicalContext, InfisicalRefusal, invalid, optionalString, projectFor } from "./access.ts";
import { type Folder, folderAt, type Project } from "./state.ts";
import type { SecretFields } from "./vault.ts";

/** Where a request points: a project, an environment and a path. */
export interface Place {
  project: Project;
  environment: string;
  path: string;
}

/** Which routes a request came by: v3 names the project workspaceId, v4 projectId. */
export interface Dialect {
  base: string;
  projectField: "workspaceId" | "projectId";
}

/** The deprecated routes that both generations serve. */
export const V3: Dialect = { base: "/api/v3/secrets/raw", projectField: "workspaceId" };
/** The routes of the current build. */
export const V4: Dialect = { base: "/api/v4/secrets", projectField: "projectId" };

/** The place in a query or body; refuses what the vendor refuses, in its words. */
export function placeIn(c: InfisicalContext, fields: Record<string, unknown>, dialect: Dialect): Place {
  const id = optionalString(c, fields, dialect.projectField) ?? optionalString(c, fields, "projectId");
  const slug = optionalString(c, fields, "workspaceSlug") ?? optionalString(c, fields, "projectSlug");
  const environment = optionalString(c, fields, "environment");
  if (id === undefined && slug === undefined) {
    if (dialect === V4)
      throw invalid(c, [
        {
          code: "invalid_type",
          expected: "string",
          received: "undefined",
          path: ["projectId"],
          message: "Required",
        },
      ]);
    throw new InfisicalRefusal(400, "You must provide workspaceSlug or workspaceId", "BadRequest");
  }
  if (environment === undefined) throw new InfisicalRefusal(400, "Missing environment", "BadRequest");
  return {
    project: projectFor(c, { id, slug }),
    environment,
    path: optionalString(c, fields, "secretPath") ?? "/",
  };
}

/** The folder at a place, or the refusal that names the operation. */
export function folderIn(place: Place, operation: string): Folder {
  const folder = folderAt(place.project, place.environment, place.path);
  if (folder) return folder;
  const message = `Folder with path '${place.path}' in environment with slug '${place.environment}' not found`;
  throw new InfisicalRefusal(404, message, operation);
}

/** The optional fields of a write. */
export function secretFields(c: InfisicalContext, fields: Record<string, unknown>): SecretFields {
  const tags = fields["tagIds"];
  const metadata = fields["secretMetadata"];
  return {
    comment: optionalString(c, fields, "secretComment"),
    newKey: optionalString(c, fields, "newSecretName"),
    tagIds: Array.isArray(tags) ? tags.map(String) : undefined,
    skipMultilineEncoding:
      typeof fields["skipMultilineEncoding"] === "boolean" ? fields["skipMultilineEncoding"] : undefined,
    metadata: Array.isArray(metadata)
      ? metadata.filter(isObject).map((one) => ({ key: String(one["key"]), value: String(one["value"]) }))
      : undefined,
  };
}

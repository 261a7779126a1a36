import { type InfisicalContext, InfisicalRefusal } from "./access.ts";
import { may } from "./permissions.ts";
import { currentValue, folderAt, folderPath, type Project } from "./state.ts";

/** Where a secret lies. */
export interface Location {
  environment: string;
  path: string;
}

/** The environment and path of a secret. */
export function locationOf(project: Project, secret: { folderId: string }): Location {
  const folder = project.folders.find((one) => one.id === secret.folderId);
  const environment = project.environments.find((one) => one.id === folder?.environmentId)?.slug ?? "";
  return { environment, path: folder ? folderPath(project, folder) : "/" };
}

// A loop of references ends somewhere.
const DEPTH = 10;

/** A value with what its `${...}` refer to in their places; a reference to nothing stays as it is written. */
export function expanded(
  c: InfisicalContext,
  project: Project,
  value: string,
  at: Location,
  depth = 0,
): string {
  if (depth > DEPTH) return value;
  return value.replace(/\$\{([^{}]+)\}/g, (whole, name: string) => {
    const { environment, path, key } = target(name, at);
    const folder = folderAt(project, environment, path);
    const found = project.secrets.find((one) => one.folderId === folder?.id && one.key === key);
    if (!found) return whole;
    if (!may(c, project, "readValue", { environment, path })) {
      throw new InfisicalRefusal(403, "Failed to expand one or more secret references", "PermissionDenied");
    }
    return expanded(c, project, currentValue(found), { environment, path }, depth + 1);
  });
}

// `KEY` is in the same folder; `prod.folder.KEY` starts at the root of that environment.
function target(name: string, at: Location): Location & { key: string } {
  const parts = name.trim().split(".");
  const key = parts.pop() ?? "";
  const [environment, ...folders] = parts;
  return environment === undefined ? { ...at, key } : { environment, path: `/${folders.join("/")}`, key };
}

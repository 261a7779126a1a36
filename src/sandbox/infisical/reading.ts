import { type InfisicalContext, InfisicalRefusal, invalid, projectFor } from "./access.ts";
import { importedInto } from "./imports.ts";
import { may, permit, permitValue } from "./permissions.ts";
import { type Dialect, folderIn, type Place, placeIn } from "./place.ts";
import { expanded, locationOf } from "./references.ts";
import { type SecretView, secretReply, tagsReply } from "./replies.ts";
import { currentValue, type Folder, folderAt, type Project, type VaultSecret } from "./state.ts";
import { findSecret } from "./vault.ts";

type Query = Readonly<Record<string, string>>;

/** Answers one secret by its name, or, where imports are asked for, the one that an import shows under it. */
export function read(c: InfisicalContext, dialect: Dialect): Response {
  const query = c.req.query();
  const type = query["type"] ?? "shared";
  if (type !== "shared" && type !== "personal") {
    const message = `Invalid enum value. Expected 'shared' | 'personal', received '${type}'`;
    throw invalid(c, [
      {
        received: type,
        code: "invalid_enum_value",
        options: ["shared", "personal"],
        path: ["type"],
        message,
      },
    ]);
  }
  const place = placeIn(c, query, dialect);
  permit(c, place.project, "read", place);
  const folder = folderIn(place, "GetSecretByName");
  return c.json({ secret: shown(c, query, place.project, found(c, query, place, folder)) });
}

/** Answers one secret by its id. */
export function readById(c: InfisicalContext): Response {
  const query = c.req.query();
  for (const project of c.env.state.projects) {
    const secret = project.secrets.find((one) => one.id === c.req.param("id"));
    if (!secret) continue;
    projectFor(c, { id: project.id });
    permit(c, project, "read", locationOf(project, secret));
    return c.json({ secret: shown(c, query, project, secret) });
  }
  throw new InfisicalRefusal(404, `Secret with ID '${c.req.param("id")}' not found`, "NotFound");
}

/** Answers the secrets of a folder, and of all below it where that is asked for, as far as the caller may see them. */
export function list(c: InfisicalContext, dialect: Dialect): Response {
  const query = c.req.query();
  const place = placeIn(c, query, dialect);
  const { project } = place;
  const current = c.env.live.generation === "v4";
  const recursive = query["recursive"] === "true";
  // The current build leaves out what may not be seen; the old one refuses the folder itself.
  if (!current) permit(c, project, "read", place);
  const folder = folderAt(project, place.environment, place.path);
  if (!folder) return nothingThere(c, place);
  const inside = project.secrets.filter(
    (one) => one.folderId === folder.id || (recursive && within(project, one.folderId, folder.id)),
  );
  const tags = query["tagSlugs"]?.split(",");
  const secrets = inside
    .filter((one) => visible(c, query, project, one, folder))
    .map((one) => ({ ...shown(c, query, project, one), secretPath: locationOf(project, one).path }))
    .filter((one) => tags === undefined || one.tags.some((tag) => tags.includes(tag.slug)));
  const wanted = asksForImports(query);
  if (!wanted) return c.json(current ? { secrets, imports: [] } : { secrets });
  const imports = importedInto(c, project, folder).map(({ from, secrets: imported }) => {
    const { environment, path } = locationOf(project, { folderId: from.id });
    const rows = imported.map((one) => shown(c, query, project, one));
    return { secretPath: path, environment, folderId: from.id, secrets: rows };
  });
  return c.json({ secrets, imports });
}

// In the old build a wrong path or environment looks like an empty one.
function nothingThere(c: InfisicalContext, { environment, path }: Place): Response {
  if (c.env.live.generation === "v3") return c.json({ secrets: [], imports: [] });
  const message = `Folder with path '${path}' in environment '${environment}' was not found. Please ensure the environment slug and secret path is correct.`;
  throw new InfisicalRefusal(404, message, "SecretPathNotFound");
}

// Below the folder that was asked for, what may not be read is left out without a word; in it, it is refused.
function visible(
  c: InfisicalContext,
  query: Query,
  project: Project,
  secret: VaultSecret,
  asked: Folder,
): boolean {
  const where = locationOf(project, secret);
  if (!may(c, project, "read", where)) return false;
  if (c.env.live.generation === "v3" || query["viewSecretValue"] === "false") return true;
  if (secret.folderId !== asked.id) return may(c, project, "readValue", where);
  permitValue(c, project, where, secret.key);
  return true;
}

function asksForImports(query: Query): boolean {
  return query["include_imports"] === "true" || query["includeImports"] === "true";
}

/** A secret as a read shows it to this caller: the version, the expansion and the hiding that it asked for. */
function shown(c: InfisicalContext, query: Query, project: Project, secret: VaultSecret) {
  const reply = secretReply(c.env.state, project, secret, viewOf(c, query, project, secret));
  return { ...reply, tags: tagsReply(project, secret) };
}

// The old build ignores the number in ?version= and answers the current one.
function viewOf(c: InfisicalContext, query: Query, project: Project, secret: VaultSecret): SecretView {
  const view: SecretView = {};
  const current = c.env.live.generation === "v4";
  const where = locationOf(project, secret);
  const asked = query["version"];
  let value = currentValue(secret);
  if (asked !== undefined && current) {
    const row = secret.versions.find((one) => one.version === Number(asked));
    if (!row) throw new InfisicalRefusal(404, `Secret with name '${secret.key}' not found`, "NotFound");
    view.version = row.version;
    value = row.value;
  }
  if (current && query["viewSecretValue"] === "false") return { ...view, hidden: true };
  if (current) permitValue(c, project, where, secret.key);
  if (query["expandSecretReferences"] === "true") view.value = expanded(c, project, value, where);
  return view;
}

function found(c: InfisicalContext, query: Query, place: Place, folder: Folder): VaultSecret {
  const name = c.req.param("name") ?? "";
  const secret = findSecret(place.project, folder, name);
  if (secret) return secret;
  // The last import goes before the others.
  const imported = asksForImports(query) ? importedInto(c, place.project, folder) : [];
  for (const { secrets } of imported.toReversed()) {
    const one = secrets.find((other) => other.key === name);
    if (one) return one;
  }
  throw new InfisicalRefusal(404, `Secret with name '${name}' not found`, "NotFound");
}

function within(project: Project, id: string, ancestor: string): boolean {
  const parent = project.folders.find((one) => one.id === id)?.parentId;
  return parent === ancestor || (typeof parent === "string" && within(project, parent, ancestor));
}

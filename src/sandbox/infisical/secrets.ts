import type { Hono } from "hono";
import { wrote } from "../world.ts";
import {
  authenticate,
  bodyFields,
  type InfisicalContext,
  type InfisicalEnv,
  InfisicalRefusal,
  invalid,
  limit,
  optionalString,
  permit,
  projectFor,
  stringField,
} from "./access.ts";
import { heldForApproval } from "./approvals.ts";
import { type Dialect, folderIn, type Place, placeIn, secretFields } from "./place.ts";
import { type SecretView, secretReply, tagsReply } from "./replies.ts";
import { type Folder, folderAt, folderPath, normalised, type Project, type VaultSecret } from "./state.ts";
import { createSecret, deleteSecret, findSecret, updateSecret } from "./vault.ts";

/** Adds the reading and writing of single secrets, in one of the two dialects. */
export function secretRoutes(app: Hono<InfisicalEnv>, dialect: Dialect): void {
  const { base } = dialect;
  const guard = (c: InfisicalContext, name: string) => {
    authenticate(c);
    limit(c, "secrets", `${name} ${base}`);
  };
  app.get(base, (c) => {
    guard(c, "list");
    return list(c, dialect);
  });
  app.get(`${base}/id/:id`, (c) => {
    guard(c, "get-id");
    return readById(c);
  });
  app.get(`${base}/:name`, (c) => {
    guard(c, "get");
    return read(c, dialect);
  });
  app.post(`${base}/:name`, (c) => {
    guard(c, "create");
    return create(c, dialect);
  });
  app.patch(`${base}/:name`, (c) => {
    guard(c, "update");
    return update(c, dialect);
  });
  app.delete(`${base}/:name`, (c) => {
    guard(c, "delete");
    return remove(c, dialect);
  });
}

function read(c: InfisicalContext, dialect: Dialect): Response {
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
  const secret = found(c, place, folderIn(place, "GetSecretByName"));
  const view = viewOf(c, place.project, secret);
  const reply = secretReply(c.env.state, place.project, secret, view);
  return c.json({ secret: { ...reply, tags: tagsReply(place.project, secret) } });
}

// The old build ignores the number in ?version= and answers the current one.
function viewOf(c: InfisicalContext, project: Project, secret: VaultSecret): SecretView {
  const view: SecretView = {};
  const asked = c.req.query("version");
  if (asked !== undefined && c.env.live.generation === "v4") {
    const row = secret.versions.find((one) => one.version === Number(asked));
    if (!row) throw new InfisicalRefusal(404, `Secret with name '${secret.key}' not found`, "NotFound");
    view.version = row.version;
  }
  if (c.env.live.generation === "v4" && c.req.query("viewSecretValue") === "false") view.hidden = true;
  if (c.req.query("expandSecretReferences") === "true") view.value = expanded(project, secret, view.version);
  return view;
}

// A reference to nothing stays as it is written.
function expanded(project: Project, secret: VaultSecret, version: number | undefined): string {
  const row =
    version === undefined ? secret.versions.at(-1) : secret.versions.find((one) => one.version === version);
  return (row?.value ?? "").replace(/\$\{(\w+)\}/g, (whole, name: string) => {
    const target = project.secrets.find(
      (one) => one.folderId === secret.folderId && one.key === name && one !== secret,
    );
    return target?.versions.at(-1)?.value ?? whole;
  });
}

function found(c: InfisicalContext, place: Place, folder: Folder): VaultSecret {
  const name = c.req.param("name") ?? "";
  const secret = findSecret(place.project, folder, name);
  if (!secret) throw new InfisicalRefusal(404, `Secret with name '${name}' not found`, "NotFound");
  return secret;
}

function readById(c: InfisicalContext): Response {
  for (const project of c.env.state.projects) {
    const secret = project.secrets.find((one) => one.id === c.req.param("id"));
    const folder = project.folders.find((one) => one.id === secret?.folderId);
    if (!secret || !folder) continue;
    projectFor(c, { id: project.id });
    const environment = project.environments.find((one) => one.id === folder.environmentId)?.slug ?? "";
    permit(c, project, "read", { environment, path: folderPath(project, folder) });
    const reply = secretReply(c.env.state, project, secret, viewOf(c, project, secret));
    return c.json({ secret: { ...reply, tags: tagsReply(project, secret) } });
  }
  throw new InfisicalRefusal(404, `Secret with ID '${c.req.param("id")}' not found`, "NotFound");
}

function list(c: InfisicalContext, dialect: Dialect): Response {
  const query = c.req.query();
  const place = placeIn(c, query, dialect);
  permit(c, place.project, "read", place);
  const folder = folderAt(place.project, place.environment, place.path);
  // A wrong path or environment looks like an empty one.
  if (!folder) return c.json({ secrets: [], imports: [] });
  const inside = (id: string): boolean =>
    id === folder.id || (query["recursive"] === "true" && within(place.project, id, folder.id));
  const tags = query["tagSlugs"]?.split(",");
  const secrets = place.project.secrets
    .filter((one) => inside(one.folderId))
    .map((one) => ({
      ...secretReply(
        c.env.state,
        place.project,
        one,
        query["viewSecretValue"] === "false" && c.env.live.generation === "v4" ? { hidden: true } : {},
      ),
      secretPath: pathOf(place.project, one),
      tags: tagsReply(place.project, one),
    }))
    .filter((one) => tags === undefined || one.tags.some((tag) => tags.includes(tag.slug)));
  const imports =
    query["include_imports"] === "true" ||
    query["includeImports"] === "true" ||
    c.env.live.generation === "v4";
  return c.json(imports ? { secrets, imports: [] } : { secrets });
}

function within(project: Project, id: string, ancestor: string): boolean {
  const parent = project.folders.find((one) => one.id === id)?.parentId;
  return parent === ancestor || (typeof parent === "string" && within(project, parent, ancestor));
}

function pathOf(project: Project, secret: VaultSecret): string {
  const folder = project.folders.find((one) => one.id === secret.folderId);
  return folder ? folderPath(project, folder) : "/";
}

function create(c: InfisicalContext, dialect: Dialect): Response {
  const fields = bodyFields(c);
  const place = placeIn(c, fields, dialect);
  const value = stringField(c, fields, "secretValue");
  const name = c.req.param("name") ?? "";
  permit(c, place.project, "create", place);
  const folder = folderIn(place, "CreateSecret");
  if (place.project.enforceCapitalization && name !== name.toUpperCase()) {
    throw new InfisicalRefusal(
      400,
      "Secret name must be in UPPERCASE per project requirements",
      "BadRequest",
    );
  }
  if (findSecret(place.project, folder, name)) {
    throw new InfisicalRefusal(
      400,
      c.env.live.generation === "v3" ? "Secret already exist" : "Secret already exists",
      "BadRequest",
    );
  }
  const rest = secretFields(c, fields);
  const waiting = heldForApproval(c, place, folder, {
    kind: "create",
    key: name,
    value,
    comment: rest.comment ?? null,
  });
  if (waiting) return waiting;
  const secret = createSecret(
    place.project,
    folder,
    name,
    { ...rest, value },
    c.get("actor").id,
    c.env.world,
  );
  wrote(c.env, name);
  return c.json({ secret: secretReply(c.env.state, place.project, secret) });
}

function update(c: InfisicalContext, dialect: Dialect): Response {
  const fields = bodyFields(c);
  const place = placeIn(c, fields, dialect);
  const value =
    c.env.live.generation === "v3"
      ? stringField(c, fields, "secretValue")
      : optionalString(c, fields, "secretValue");
  const name = c.req.param("name") ?? "";
  permit(c, place.project, "edit", place);
  const folder = folderIn(place, "UpdateSecret");
  const secret = findSecret(place.project, folder, name);
  if (!secret) throw new InfisicalRefusal(404, `Secret with name ${name} not found`, "NotFound");
  const rest = secretFields(c, fields);
  if (secret.isRotated && rest.newKey !== undefined)
    throw new InfisicalRefusal(400, "Cannot update rotated secret name", "BadRequest");
  const waiting = heldForApproval(c, place, folder, {
    kind: "update",
    key: name,
    value: value ?? null,
    comment: rest.comment ?? null,
  });
  if (waiting) return waiting;
  updateSecret(secret, value === undefined ? rest : { ...rest, value }, c.get("actor").id, c.env.world);
  wrote(c.env, name);
  // The reply repeats the request instead of showing the row, so that it proves nothing.
  const echo = { value: value === undefined ? "" : normalised(value), comment: rest.comment ?? "" };
  return c.json({ secret: secretReply(c.env.state, place.project, secret, echo) });
}

function remove(c: InfisicalContext, dialect: Dialect): Response {
  const fields = bodyFields(c);
  const place = placeIn(c, fields, dialect);
  const name = c.req.param("name") ?? "";
  permit(c, place.project, "delete", place);
  const folder = folderIn(place, "DeleteSecret");
  const secret = findSecret(place.project, folder, name);
  if (!secret) throw new InfisicalRefusal(404, `Secret with name '${name}' not found`, "DeleteSecret");
  if (secret.isRotated) throw new InfisicalRefusal(400, "Cannot delete rotated secrets", "BadRequest");
  const waiting = heldForApproval(c, place, folder, {
    kind: "delete",
    key: name,
    value: null,
    comment: null,
  });
  if (waiting) return waiting;
  deleteSecret(place.project, secret);
  wrote(c.env, name);
  return c.json({ secret: secretReply(c.env.state, place.project, secret) });
}

import type { Hono } from "hono";
import { wrote } from "../world.ts";
import {
  authenticate,
  bodyFields,
  type InfisicalContext,
  type InfisicalEnv,
  InfisicalRefusal,
  limit,
  optionalString,
  stringField,
} from "./access.ts";
import { heldForApproval } from "./approvals.ts";
import { permit } from "./permissions.ts";
import { type Dialect, folderIn, placeIn, secretFields } from "./place.ts";
import { list, read, readById } from "./reading.ts";
import { secretReply } from "./replies.ts";
import { normalised, type VaultSecret } from "./state.ts";
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
  const waiting = heldForApproval(c, place, folder, [
    {
      kind: "create",
      key: name,
      value,
      comment: rest.comment ?? null,
    },
  ]);
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
  refuseRotated(c, secret, { renamed: rest.newKey !== undefined, written: value !== undefined });
  const waiting = heldForApproval(c, place, folder, [
    {
      kind: "update",
      key: name,
      value: value ?? null,
      comment: rest.comment ?? null,
    },
  ]);
  if (waiting) return waiting;
  updateSecret(secret, value === undefined ? rest : { ...rest, value }, c.get("actor").id, c.env.world);
  wrote(c.env, name);
  // The reply repeats the request instead of showing the row, so that it proves nothing.
  const echo = { value: value === undefined ? "" : normalised(value), comment: rest.comment ?? "" };
  return c.json({ secret: secretReply(c.env.state, place.project, secret, echo) });
}

/** Refuses to write what the vendor's own rotation writes; the old build refuses the new name only. */
export function refuseRotated(
  c: InfisicalContext,
  secret: VaultSecret,
  change: { renamed: boolean; written: boolean },
): void {
  if (secret.rotationId === null) return;
  if (change.renamed) throw new InfisicalRefusal(400, "Cannot update rotated secret name", "BadRequest");
  if (change.written && c.env.live.generation === "v4")
    throw new InfisicalRefusal(400, "Cannot update rotated secret value", "BadRequest");
}

function remove(c: InfisicalContext, dialect: Dialect): Response {
  const fields = bodyFields(c);
  const place = placeIn(c, fields, dialect);
  const name = c.req.param("name") ?? "";
  permit(c, place.project, "delete", place);
  const folder = folderIn(place, "DeleteSecret");
  const secret = findSecret(place.project, folder, name);
  if (!secret) throw new InfisicalRefusal(404, `Secret with name '${name}' not found`, "DeleteSecret");
  if (secret.rotationId !== null)
    throw new InfisicalRefusal(400, "Cannot delete rotated secrets", "BadRequest");
  const waiting = heldForApproval(c, place, folder, [
    {
      kind: "delete",
      key: name,
      value: null,
      comment: null,
    },
  ]);
  if (waiting) return waiting;
  deleteSecret(place.project, secret);
  wrote(c.env, name);
  return c.json({ secret: secretReply(c.env.state, place.project, secret) });
}

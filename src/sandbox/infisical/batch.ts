import type { Hono } from "hono";
import { isObject, wrote } from "../world.ts";
import {
  authenticate,
  bodyFields,
  type InfisicalContext,
  type InfisicalEnv,
  InfisicalRefusal,
  limit,
  stringField,
} from "./access.ts";
import { heldForApproval } from "./approvals.ts";
import { permit } from "./permissions.ts";
import { type Dialect, folderIn, placeIn, secretFields, V3 } from "./place.ts";
import { secretReply } from "./replies.ts";
import { refuseRotated } from "./secrets.ts";
import { type Change, normalised } from "./state.ts";
import { createSecret, deleteSecret, findSecret, updateSecret } from "./vault.ts";

/** Adds writes of several secrets at once; each is applied as a whole or not at all. */
export function batchRoutes(app: Hono<InfisicalEnv>, dialect: Dialect): void {
  const base = dialect === V3 ? "/api/v3/secrets/batch/raw" : "/api/v4/secrets/batch";
  app.post(base, (c) => createMany(c, dialect));
  app.patch(base, (c) => updateMany(c, dialect));
  app.delete(base, (c) => deleteMany(c, dialect));
}

function prepare(
  c: InfisicalContext,
  dialect: Dialect,
  act: "create" | "edit" | "delete",
  operation: string,
) {
  authenticate(c);
  limit(c, "secrets", `batch-${act}`);
  const fields = bodyFields(c);
  const place = placeIn(c, fields, dialect);
  permit(c, place.project, act, place);
  const secrets = Array.isArray(fields["secrets"]) ? fields["secrets"].filter(isObject) : [];
  const asked = secrets.map((one) => ({
    key: stringField(c, one, "secretKey"),
    value: act === "delete" ? "" : stringField(c, one, "secretValue"),
    rest: secretFields(c, one),
  }));
  const folder = folderIn(place, operation);
  const hold = (kind: (key: string) => Change["kind"]) =>
    heldForApproval(
      c,
      place,
      folder,
      asked.map(({ key, value, rest }) => ({
        kind: kind(key),
        key,
        value: act === "delete" ? null : value,
        comment: rest.comment ?? null,
      })),
    );
  return { project: place.project, folder, asked, mode: fields["mode"], hold };
}

function createMany(c: InfisicalContext, dialect: Dialect): Response {
  const { project, folder, asked, hold } = prepare(c, dialect, "create", "CreateManySecret");
  const taken = asked.find((one) => findSecret(project, folder, one.key));
  if (taken) throw new InfisicalRefusal(400, `Secret already exists: ${taken.key}`, "BadRequest");
  const waiting = hold(() => "create");
  if (waiting) return waiting;
  const actor = c.get("actor").id;
  const made = asked.map(({ key, value, rest }) =>
    createSecret(project, folder, key, { ...rest, value }, actor, c.env.world),
  );
  wrote(c.env, ...asked.map((one) => one.key));
  return c.json({ secrets: made.map((one) => secretReply(c.env.state, project, one)) });
}

function updateMany(c: InfisicalContext, dialect: Dialect): Response {
  const { project, folder, asked, mode, hold } = prepare(c, dialect, "edit", "UpdateManySecret");
  const absent = asked.filter((one) => !findSecret(project, folder, one.key));
  // The old build names the first key of the batch, not the one that is absent.
  const named = c.env.live.generation === "v3" ? asked[0]?.key : absent[0]?.key;
  if (absent.length > 0 && mode !== "upsert") {
    throw new InfisicalRefusal(404, `Secret does not exist: ${named}`, "NotFound");
  }
  for (const { key, rest } of asked) {
    const secret = findSecret(project, folder, key);
    if (secret) refuseRotated(c, secret, { renamed: rest.newKey !== undefined, written: true });
  }
  const waiting = hold((key) => (findSecret(project, folder, key) ? "update" : "create"));
  if (waiting) return waiting;
  const actor = c.get("actor").id;
  const secrets = asked.map(({ key, value, rest }) => {
    const secret = findSecret(project, folder, key);
    if (!secret) {
      return secretReply(
        c.env.state,
        project,
        createSecret(project, folder, key, { ...rest, value }, actor, c.env.world),
      );
    }
    updateSecret(secret, { ...rest, value }, actor, c.env.world);
    const echo = { value: normalised(value), comment: rest.comment ?? "" };
    return secretReply(c.env.state, project, secret, echo);
  });
  wrote(c.env, ...asked.map((one) => one.key));
  return c.json({ secrets });
}

function deleteMany(c: InfisicalContext, dialect: Dialect): Response {
  const { project, folder, asked, hold } = prepare(c, dialect, "delete", "DeleteManySecret");
  const targets = asked.map((one) => findSecret(project, folder, one.key));
  const known = targets.filter((one) => one !== null);
  if (known.length < targets.length) {
    throw new InfisicalRefusal(404, "One or more secrets not found", "NotFound");
  }
  if (known.some((one) => one.rotationId !== null))
    throw new InfisicalRefusal(400, "Cannot delete rotated secrets", "BadRequest");
  const waiting = hold(() => "delete");
  if (waiting) return waiting;
  for (const one of known) deleteSecret(project, one);
  wrote(c.env, ...asked.map((one) => one.key));
  return c.json({ secrets: known.map((one) => secretReply(c.env.state, project, one)) });
}

import type { Hono } from "hono";
import { jsonObject, wrote } from "../world.ts";
import { type GithubContext, type GithubEnv, GithubRefusal, paged, repositoryWith } from "./access.ts";
import { stamp } from "./replies.ts";
import { openSealed } from "./sealing.ts";
import type { ActionsSecret, SecretHolder } from "./state.ts";

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$/;
const BAD_NAME =
  "Secret names can only contain alphanumeric characters ([a-z], [A-Z], [0-9]) or underscores (_). Spaces are not allowed. Must start with a letter ([a-z], [A-Z]) or underscores (_).";

type HolderOf = (c: GithubContext, level: "read" | "write") => SecretHolder;

/** Adds Actions secrets of a repository and of its environments, and the organization's as the repository sees them. */
export function secretRoutes(app: Hono<GithubEnv>): void {
  holderRoutes(app, "/repos/:owner/:repo/actions/secrets", (c, level) => repositoryWith(c, "secrets", level));
  holderRoutes(app, "/repos/:owner/:repo/environments/:environment/secrets", (c, level) => {
    const repository = repositoryWith(c, "environments", level);
    const environment = repository.environments.find((one) => one.name === c.req.param("environment"));
    if (!environment) throw new GithubRefusal(404, "Not Found");
    return environment;
  });
  app.get("/repos/:owner/:repo/actions/organization-secrets", (c) => {
    const repository = repositoryWith(c, "secrets");
    const all = c.env.state.organizations.find((one) => one.login === repository.owner)?.secrets ?? [];
    return list(c, all);
  });
}

function holderRoutes(app: Hono<GithubEnv>, base: string, holder: HolderOf): void {
  app.get(base, (c) => list(c, holder(c, "read").secrets));
  app.get(`${base}/public-key`, (c) => {
    const { key } = holder(c, "read");
    return c.json({ key_id: key.keyId, key: key.publicKey });
  });
  app.get(`${base}/:name`, (c) => {
    const found = holder(c, "read").secrets.find((one) => one.name === nameOf(c));
    if (!found) throw new GithubRefusal(404, "Not Found");
    return c.json(secretReply(found));
  });
  app.put(`${base}/:name`, (c) => put(c, holder(c, "write")));
  app.delete(`${base}/:name`, (c) => {
    const target = holder(c, "write");
    const index = target.secrets.findIndex((one) => one.name === nameOf(c));
    if (index < 0) throw new GithubRefusal(404, "Not Found");
    target.secrets.splice(index, 1);
    wrote(c.env, nameOf(c));
    return c.body(null, 204);
  });
}

function put(c: GithubContext, target: SecretHolder): Response {
  const name = nameOf(c);
  if (!/^[A-Z_][A-Z0-9_]*$/.test(name)) throw new GithubRefusal(422, BAD_NAME);
  if (name.startsWith("GITHUB_")) throw new GithubRefusal(422, "Secret names must not start with GITHUB_.");
  const value = opened(target, c.env.body);
  if (Buffer.byteLength(value) > 48 * 1024)
    throw new GithubRefusal(422, "Secret value is too large: 48 KB at most.");
  // Times carry whole seconds, so two writes in a second look like one.
  const created = setSecret(target, name, value, c.env.world.now());
  wrote(c.env, name);
  return created ? c.json({}, 201) : c.body(null, 204);
}

/** Sets a secret; returns whether it is new. */
export function setSecret(target: SecretHolder, name: string, value: string, now: number): boolean {
  const existing = target.secrets.find((one) => one.name === name);
  if (existing) {
    existing.value = value;
    existing.updatedAt = now;
    return false;
  }
  if (target.secrets.length >= 100) throw new GithubRefusal(422, "Secret limit reached: 100 at most.");
  target.secrets.push({ name, value, createdAt: now, updatedAt: now });
  return true;
}

function opened(target: SecretHolder, body: string): string {
  const fields = jsonObject(body);
  if (fields === null) throw new GithubRefusal(400, "Problems parsing JSON");
  const { encrypted_value: sealed, key_id: keyId } = fields;
  if (keyId === undefined) throw new GithubRefusal(422, 'Invalid request.\n\n"key_id" wasn\'t supplied.');
  if (sealed === undefined)
    throw new GithubRefusal(422, 'Invalid request.\n\n"encrypted_value" wasn\'t supplied.');
  if (typeof sealed !== "string" || !BASE64.test(sealed)) {
    throw new GithubRefusal(422, "Invalid request.\n\nencrypted_value is not base64 encoded.");
  }
  const value = keyId === target.key.keyId ? openSealed(target.key, sealed) : null;
  if (value === null) {
    throw new GithubRefusal(422, "Bad request - validation failed due to an improperly encrypted secret");
  }
  return value;
}

function list(c: GithubContext, all: ActionsSecret[]): Response {
  const { items, headers } = paged(
    c,
    all.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  );
  return c.json({ total_count: all.length, secrets: items.map(secretReply) }, 200, headers);
}

function secretReply(secret: ActionsSecret) {
  return { name: secret.name, created_at: stamp(secret.createdAt), updated_at: stamp(secret.updatedAt) };
}

// Names are case-insensitive and shown in upper case.
function nameOf(c: GithubContext): string {
  return (c.req.param("name") ?? "").toUpperCase();
}

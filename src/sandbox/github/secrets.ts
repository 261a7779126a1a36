import type { Hono } from "hono";
import { jsonObject, wrote } from "../world.ts";
import {
  type GithubContext,
  type GithubEnv,
  GithubRefusal,
  type Level,
  organizationWith,
  paged,
  repositoryWith,
} from "./access.ts";
import { api, stamp } from "./replies.ts";
import { environmentIn } from "./repositories.ts";
import { minimalRepositoryReply } from "./repository-replies.ts";
import { openSealed, publicKeyOf } from "./sealing.ts";
import {
  type Audience,
  organizationOf,
  reaches,
  type SecretHolder,
  type SecretKind,
  type StoredSecret,
} from "./state.ts";

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$/;
const BAD_NAME =
  "Secret names can only contain alphanumeric characters ([a-z], [A-Z], [0-9]) or underscores (_). Spaces are not allowed. Must start with a letter ([a-z], [A-Z]) or underscores (_).";

type HolderOf = (c: GithubContext, level: Level) => SecretHolder;

/** Fine-grained permission for an organization's secrets, by kind. */
const ORGANIZATION: Record<SecretKind, string> = {
  actions: "organization_secrets",
  dependabot: "organization_dependabot_secrets",
  codespaces: "organization_codespaces_secrets",
};

/** Adds every place that holds secrets: repository, environment, organization; Actions, Dependabot, Codespaces. */
export function secretRoutes(app: Hono<GithubEnv>): void {
  const repository = "/repos/:owner/:repo";
  holderRoutes(app, `${repository}/actions/secrets`, (c, level) => repositoryWith(c, "secrets", level));
  holderRoutes(app, `${repository}/environments/:environment/secrets`, (c, level) =>
    environmentIn(repositoryWith(c, "environments", level), c.req.param("environment")),
  );
  holderRoutes(
    app,
    `${repository}/dependabot/secrets`,
    (c, level) => repositoryWith(c, "dependabot_secrets", level).dependabot,
  );
  // Even to look at these a token needs the permission to write them (fine-grained-pat-permissions.json of github/docs).
  holderRoutes(
    app,
    `${repository}/codespaces/secrets`,
    (c) => repositoryWith(c, "codespaces_secrets", "write").codespaces,
  );
  app.get(`${repository}/actions/organization-secrets`, (c) => {
    const found = repositoryWith(c, "secrets");
    const shared = organizationOf(c.env.state, found)?.actions.secrets ?? [];
    return list(
      c,
      shared.filter((one) => reaches(one, found)),
      (secret) => secretReply(secret),
    );
  });
  for (const kind of ["actions", "dependabot", "codespaces"] as const) organizationRoutes(app, kind);
}

function organizationRoutes(app: Hono<GithubEnv>, kind: SecretKind): void {
  const base = `/orgs/:org/${kind}/secrets`;
  const holder: HolderOf = (c, level) => organizationWith(c, ORGANIZATION[kind], level)[kind];
  holderRoutes(app, base, holder, kind);
  const audience = (c: GithubContext, level: Level): Audience => {
    const { secrets } = holder(c, level);
    const found = secrets.find((one) => one.name === nameOf(c))?.audience;
    if (!found) throw new GithubRefusal(404, "Not Found");
    return found;
  };
  app.get(`${base}/:name/repositories`, (c) => {
    const { repositories: ids } = audience(c, "read");
    const chosen = c.env.state.repositories.filter((one) => ids.includes(one.id));
    const { items, headers } = paged(c, chosen);
    const repositories = items.map((one) => minimalRepositoryReply(api(c), one));
    return c.json({ total_count: chosen.length, repositories }, 200, headers);
  });
  app.put(`${base}/:name/repositories`, (c) => {
    const found = audience(c, "write");
    if (found.visibility !== "selected") throw new GithubRefusal(409, "Conflict");
    found.repositories = repositoryIds(jsonObject(c.env.body)?.["selected_repository_ids"]);
    wrote(c.env, "selected_repository_ids");
    return c.body(null, 204);
  });
}

function holderRoutes(app: Hono<GithubEnv>, base: string, holder: HolderOf, shared?: SecretKind): void {
  const reply = (secret: StoredSecret, c: GithubContext) =>
    shared === undefined ? secretReply(secret) : sharedReply(secret, c, shared);
  app.get(base, (c) => list(c, holder(c, "read").secrets, reply));
  app.get(`${base}/public-key`, (c) => {
    const { key } = holder(c, "read");
    return c.json({ key_id: key.keyId, key: publicKeyOf(key) });
  });
  app.get(`${base}/:name`, (c) => {
    const found = holder(c, "read").secrets.find((one) => one.name === nameOf(c));
    if (!found) throw new GithubRefusal(404, "Not Found");
    return c.json(reply(found, c));
  });
  app.put(`${base}/:name`, (c) => put(c, holder(c, "write"), shared !== undefined));
  app.delete(`${base}/:name`, (c) => {
    const target = holder(c, "write");
    const index = target.secrets.findIndex((one) => one.name === nameOf(c));
    if (index < 0) throw new GithubRefusal(404, "Not Found");
    target.secrets.splice(index, 1);
    wrote(c.env, nameOf(c));
    return c.body(null, 204);
  });
}

function put(c: GithubContext, target: SecretHolder, shared: boolean): Response {
  const name = nameOf(c);
  if (!/^[A-Z_][A-Z0-9_]*$/.test(name)) throw new GithubRefusal(422, BAD_NAME);
  if (name.startsWith("GITHUB_")) throw new GithubRefusal(422, "Secret names must not start with GITHUB_.");
  const fields = jsonObject(c.env.body);
  if (fields === null) throw new GithubRefusal(400, "Problems parsing JSON");
  const value = opened(target, fields);
  if (Buffer.byteLength(value) > 48 * 1024)
    throw new GithubRefusal(422, "Secret value is too large: 48 KB at most.");
  const audience = shared ? audienceIn(fields) : null;
  // Times carry whole seconds, so two writes in a second look like one.
  const created = setSecret(target, { name, value, audience }, c.env.world.now());
  wrote(c.env, name);
  return created ? c.json({}, 201) : c.body(null, 204);
}

/** Sets a secret; returns whether it is new. An organization holds 1,000, a repository or environment 100. */
export function setSecret(
  target: SecretHolder,
  secret: Pick<StoredSecret, "name" | "value" | "audience">,
  now: number,
): boolean {
  const existing = target.secrets.find((one) => one.name === secret.name);
  if (existing) {
    Object.assign(existing, secret, { updatedAt: now });
    return false;
  }
  const most = secret.audience === null ? 100 : 1000;
  if (target.secrets.length >= most) throw new GithubRefusal(422, `Secret limit reached: ${most} at most.`);
  target.secrets.push({ ...secret, createdAt: now, updatedAt: now });
  return true;
}

function opened(target: SecretHolder, fields: Record<string, unknown>): string {
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

function audienceIn(fields: Record<string, unknown>): Audience {
  const { visibility, selected_repository_ids: ids } = fields;
  if (visibility === undefined)
    throw new GithubRefusal(422, 'Invalid request.\n\n"visibility" wasn\'t supplied.');
  if (visibility !== "all" && visibility !== "private" && visibility !== "selected")
    throw new GithubRefusal(422, `Invalid request.\n\n${String(visibility)} is not a possible value.`);
  return { visibility, repositories: visibility === "selected" ? repositoryIds(ids) : [] };
}

function repositoryIds(given: unknown): number[] {
  return Array.isArray(given) ? given.map(Number).filter(Number.isInteger) : [];
}

function list(
  c: GithubContext,
  all: StoredSecret[],
  reply: (secret: StoredSecret, c: GithubContext) => object,
): Response {
  const { items, headers } = paged(
    c,
    all.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  );
  return c.json({ total_count: all.length, secrets: items.map((one) => reply(one, c)) }, 200, headers);
}

function secretReply(secret: StoredSecret) {
  return { name: secret.name, created_at: stamp(secret.createdAt), updated_at: stamp(secret.updatedAt) };
}

function sharedReply(secret: StoredSecret, c: GithubContext, kind: SecretKind) {
  const visibility = secret.audience?.visibility;
  const url = `${api(c)}/orgs/${c.req.param("org")}/${kind}/secrets/${secret.name}/repositories`;
  return {
    ...secretReply(secret),
    visibility,
    ...(visibility === "selected" ? { selected_repositories_url: url } : {}),
  };
}

// Names are case-insensitive and shown in upper case.
function nameOf(c: GithubContext): string {
  return (c.req.param("name") ?? "").toUpperCase();
}

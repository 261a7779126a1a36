import type { Hono } from "hono";
import { alphanumeric, uuid } from "../random.ts";
import { jsonObject, type World, wrote } from "../world.ts";
import { type HerokuContext, type HerokuEnv, HerokuRefusal, need, now, SCOPES } from "./access.ts";
import { page } from "./ranges.ts";
import { authorizationReply } from "./replies.ts";
import type { Authorization, HerokuState } from "./state.ts";

const FEDERATED =
  "This account is a federated account. Federated accounts cannot issue OAuth authorizations.";

/** What distinguishes a new authorization. */
export interface AuthorizationPlan {
  description: string;
  scope: string[];
  lifetimeMs?: number | null;
  id?: string;
  createdAt?: number;
}

/** A token in the form of since 2025-04: 65 characters. */
function newToken(random: World["random"]): string {
  return `HRKU-${alphanumeric(random, 60)}`;
}

/** Mints an authorization. */
export function createAuthorization(
  state: HerokuState,
  plan: AuthorizationPlan,
  world: World,
): Authorization {
  const at = plan.createdAt ?? world.now();
  const lifetimeMs = plan.lifetimeMs ?? null;
  const authorization: Authorization = {
    id: plan.id ?? uuid(world.random),
    description: plan.description,
    scope: plan.scope,
    createdAt: at,
    updatedAt: at,
    tokenId: uuid(world.random),
    token: newToken(world.random),
    tokenCreatedAt: at,
    expiresAt: lifetimeMs === null ? null : at + lifetimeMs,
    lifetimeMs,
    isDefault: false,
    sessionId: null,
    deletedAt: null,
    tokenRevokedAt: null,
    formerTokens: [],
  };
  state.authorizations.push(authorization);
  return authorization;
}

/** Gives an authorization a new token in place; the old one ends at once, but for the propagation delay. */
export function regenerate(authorization: Authorization, world: World): void {
  const at = world.now();
  authorization.formerTokens.push({
    tokenId: authorization.tokenId,
    token: authorization.token,
    endedAt: at,
  });
  authorization.tokenId = uuid(world.random);
  authorization.token = newToken(world.random);
  authorization.tokenCreatedAt = at;
  authorization.tokenRevokedAt = null;
  authorization.updatedAt = at;
  authorization.expiresAt = authorization.lifetimeMs === null ? null : at + authorization.lifetimeMs;
}

/** Adds `/oauth/*`. */
export function authorizationRoutes(app: Hono<HerokuEnv>): void {
  app.get("/oauth/authorizations", (c) => {
    need(c, "global");
    const standing = c.env.state.authorizations.filter((one) => one.deletedAt === null);
    const { status, items, headers } = page(standing, c.req.header("range") ?? null, { id: (one) => one.id });
    if (status === 416)
      throw new HerokuRefusal(416, "requested_range_not_satisfiable", "Range not satisfiable.");
    return c.json(
      items.map((one) => reply(c, one, false)),
      status,
      headers,
    );
  });
  app.post("/oauth/authorizations", (c) => {
    need(c, "global");
    return create(c);
  });
  app.get("/oauth/authorizations/:id", (c) => {
    need(c, "global");
    return c.json(reply(c, find(c), false));
  });
  app.patch("/oauth/authorizations/:id", (c) => {
    need(c, "global");
    const authorization = find(c);
    const description = jsonObject(c.env.body)?.["description"];
    if (typeof description !== "string")
      throw new HerokuRefusal(422, "invalid_params", "Invalid description.");
    authorization.description = description;
    authorization.updatedAt = now(c);
    wrote(c.env, "description");
    return c.json(reply(c, authorization, false));
  });
  app.delete("/oauth/authorizations/:id", (c) => {
    const authorization = find(c);
    // A token may always end its own authorization: `heroku logout` does.
    if (authorization.id !== c.get("caller").id) need(c, "global");
    authorization.deletedAt = now(c);
    wrote(c.env, "authorization");
    return c.json(reply(c, authorization, false));
  });
  app.post("/oauth/authorizations/:id/actions/regenerate-tokens", (c) => {
    need(c, "global");
    const authorization = find(c);
    regenerate(authorization, c.env.world);
    wrote(c.env, "access_token");
    return c.json(reply(c, authorization, true));
  });
  tokenRoutes(app);
}

function tokenRoutes(app: Hono<HerokuEnv>): void {
  app.delete("/oauth/tokens/:id", (c) => {
    need(c, "global");
    const owner = c.env.state.authorizations.find(
      (one) => one.tokenId === c.req.param("id") && one.deletedAt === null && one.tokenRevokedAt === null,
    );
    if (!owner) throw new HerokuRefusal(404, "not_found", "Couldn't find that token.", { resource: "token" });
    const before = reply(c, owner, false);
    owner.tokenRevokedAt = now(c);
    wrote(c.env, "access_token");
    return c.json({
      access_token: before.access_token,
      authorization: { id: owner.id },
      client: null,
      created_at: before.created_at,
      id: owner.tokenId,
      updated_at: before.updated_at,
      user: { id: before.user.id },
    });
  });
  app.delete("/oauth/sessions/:id", (c) => {
    const asked = c.req.param("id");
    const caller = c.env.state.authorizations.find((one) => one.id === c.get("caller").id);
    const owner = c.env.state.authorizations.find((one) => one.sessionId === asked && one.deletedAt === null);
    const ended = asked === "~" ? (caller?.sessionId ? caller : undefined) : owner;
    if (!ended)
      throw new HerokuRefusal(404, "not_found", "Couldn't find that session.", { resource: "session" });
    const id = ended.sessionId;
    ended.deletedAt = now(c);
    wrote(c.env, "session");
    return c.json({ id, description: ended.description, expires_in: null });
  });
}

function create(c: HerokuContext): Response {
  const { state, world, body } = c.env;
  if (state.account.federated) throw new HerokuRefusal(403, "forbidden", FEDERATED);
  const fields = jsonObject(body);
  if (fields === null) throw new HerokuRefusal(400, "bad_request", "Unable to parse the JSON request.");
  // The schema calls the scope required, but the CLI sends none unless --scope is given, and that means global.
  const { scope = ["global"], description } = fields;
  if (!Array.isArray(scope)) throw new HerokuRefusal(422, "invalid_params", "Require array: scope.");
  const unknown = scope.filter((one) => !SCOPES.includes(String(one)));
  if (scope.length === 0 || unknown.length > 0)
    throw new HerokuRefusal(422, "invalid_params", "Invalid scope.");
  const seconds = fields["expires_in"] ?? null;
  // The CLI sends the number of seconds as a string.
  if (seconds !== null && !/^\d+$/.test(String(seconds)))
    throw new HerokuRefusal(422, "invalid_params", "Invalid expires_in.");
  const authorization = createAuthorization(
    state,
    {
      description: typeof description === "string" ? description : "Long-lived user authorization",
      scope: scope.map(String),
      lifetimeMs: seconds === null ? null : Number(seconds) * 1000,
    },
    world,
  );
  wrote(c.env, "authorization");
  return c.json(reply(c, authorization, true), 201);
}

function find(c: HerokuContext): Authorization {
  const id = c.req.param("id");
  const found = c.env.state.authorizations.find(
    (one) => one.deletedAt === null && (id === "~" ? one.isDefault : one.id === id),
  );
  if (!found)
    throw new HerokuRefusal(404, "not_found", "Couldn't find that authorization.", {
      resource: "authorization",
    });
  return found;
}

function reply(c: HerokuContext, authorization: Authorization, reveal: boolean) {
  return authorizationReply(c.env.state, authorization, { now: now(c), reveal });
}

import type { Context } from "hono";
import { uuid } from "../random.ts";
import { jsonObject, type VendorEnv } from "../world.ts";
import { readJwt } from "./jwt.ts";
import type { InfisicalState, Project } from "./state.ts";

/** Who makes a request. */
type Actor =
  | { kind: "identity"; id: string; name: string }
  | { kind: "user"; id: string; name: string }
  | { kind: "service"; id: string; name: string };

/** Hono environment of Infisical's handlers. */
export type InfisicalEnv = VendorEnv<InfisicalState> & { Variables: { actor: Actor } };
/** Context of Infisical's handlers. */
export type InfisicalContext = Context<InfisicalEnv>;

/** A refusal, thrown by handlers and answered in one place. */
export class InfisicalRefusal extends Error {
  readonly status: 400 | 401 | 403 | 404 | 422 | 429 | 500;
  readonly error: string;
  readonly detail: unknown;
  constructor(status: InfisicalRefusal["status"], message: string | unknown[], error: string) {
    super(typeof message === "string" ? message : error);
    this.status = status;
    this.error = error;
    this.detail = message;
  }
}

/** A field that is missing or has the wrong type: 401 in the old build, 422 in the current one. */
export function invalid(c: InfisicalContext, issues: Record<string, unknown>[]): InfisicalRefusal {
  return new InfisicalRefusal(c.env.live.generation === "v3" ? 401 : 422, issues, "ValidationFailure");
}

/** The string in a field, or a refusal in the server's words; a missing one may be allowed. */
export function stringField(c: InfisicalContext, fields: Record<string, unknown>, name: string): string {
  const value = fields[name];
  if (typeof value === "string") return value;
  const received =
    value === undefined
      ? "undefined"
      : value === null
        ? "null"
        : Array.isArray(value)
          ? "array"
          : typeof value;
  const message = value === undefined ? "Required" : `Expected string, received ${received}`;
  throw invalid(c, [{ code: "invalid_type", expected: "string", received, path: [name], message }]);
}

/** Like `stringField`, but undefined where the field is absent. */
export function optionalString(
  c: InfisicalContext,
  fields: Record<string, unknown>,
  name: string,
): string | undefined {
  return fields[name] === undefined ? undefined : stringField(c, fields, name);
}

/** The fields of a JSON or form body. */
export function bodyFields(c: InfisicalContext): Record<string, unknown> {
  if (c.req.header("content-type")?.startsWith("application/x-www-form-urlencoded")) {
    return Object.fromEntries(new URLSearchParams(c.env.body));
  }
  const fields = jsonObject(c.env.body);
  if (fields === null) throw new InfisicalRefusal(500, "Something went wrong", "InternalServerError");
  return fields;
}

/** Names the caller from its bearer token. */
export function authenticate(c: InfisicalContext): void {
  const bearer = /^Bearer (.+)$/i.exec(c.req.header("authorization") ?? "")?.[1];
  if (bearer === undefined) throw new InfisicalRefusal(401, "Token missing", "UnauthorizedError");
  const actor = bearer.startsWith("st.") ? serviceActor(c, bearer) : jwtActor(c, bearer);
  c.set("actor", actor);
  c.env.trace.credential = actor.name;
}

function jwtActor(c: InfisicalContext, bearer: string): Actor {
  const { live, world } = c.env;
  const claims = readJwt(live.signingKey, bearer);
  if (claims === "malformed") {
    const message =
      "The provided access token is malformed. Please use a valid token or generate a new one and try again.";
    throw new InfisicalRefusal(403, message, "TokenError");
  }
  if (claims === "bad signature") throw new InfisicalRefusal(403, "invalid signature", "TokenError");
  if (claims.exp !== undefined && world.now() >= claims.exp * 1000) {
    throw new InfisicalRefusal(403, "Your token has expired. Please re-authenticate.", "TokenError");
  }
  if (claims.userId !== undefined) {
    const user = live.users.find((one) => one.id === claims.userId);
    return { kind: "user", id: claims.userId, name: user?.email ?? "user" };
  }
  const token = live.tokens.find((one) => one.id === claims.identityAccessTokenId);
  const identity = live.identities.find((one) => one.id === token?.identityId);
  if (!token || !identity || token.revoked) {
    throw new InfisicalRefusal(401, "No identity access token found", "UnauthorizedError");
  }
  return { kind: "identity", id: identity.id, name: identity.name };
}

function serviceActor(c: InfisicalContext, bearer: string): Actor {
  const [, id, secret] = bearer.split(".");
  const token = c.env.live.serviceTokens.find((one) => one.id === id && one.secret === secret);
  if (!token) throw new InfisicalRefusal(401, "Invalid service token", "UnauthorizedError");
  if (token.expiresAt !== null && c.env.world.now() >= token.expiresAt) {
    throw new InfisicalRefusal(403, "Service token has expired", "UnauthorizedError");
  }
  return { kind: "service", id: token.id, name: `service-token ${token.name}` };
}

/** Refuses machine identities on routes for people. */
export function usersOnly(c: InfisicalContext): void {
  if (c.get("actor").kind === "user") return;
  const url = new URL(c.req.url);
  const error = `Forbidden access to ${url.pathname}${url.search}`;
  throw new InfisicalRefusal(403, "You are not allowed to access this resource", error);
}

/** The project, if it exists and the caller is a member of it. */
export function projectFor(
  c: InfisicalContext,
  reference: { id?: string | undefined; slug?: string | undefined },
): Project {
  const { id, slug } = reference;
  const project = c.env.state.projects.find((one) => (id === undefined ? one.slug === slug : one.id === id));
  if (!project) {
    const message =
      id === undefined
        ? `Project with slug '${slug}' not found`
        : `Project with ID '${id}' not found during bot lookup. Are you sure you are using the correct project ID?`;
    throw new InfisicalRefusal(404, message, "NotFound");
  }
  const actor = c.get("actor");
  if (actor.kind === "identity" && !project.members.some((one) => one.identityId === actor.id)) {
    const error = `Identity is not a member of the specified project with ID '${project.id}'`;
    throw new InfisicalRefusal(403, "You are not allowed to access this resource", error);
  }
  return project;
}

/** Counts the request against the route's budget of this minute and refuses it above that. */
export function limit(c: InfisicalContext, kind: "secrets" | "read" | "write", route: string): void {
  if (!c.env.live.settings.rateLimits) return;
  const max = { secrets: 40, read: 60, write: 200 }[kind];
  const now = c.env.world.now();
  let rate = c.env.live.rate[route];
  if (rate === undefined || rate.resetAt <= now) {
    rate = { count: 0, resetAt: now + 60_000 };
    c.env.live.rate[route] = rate;
  }
  rate.count += 1;
  const seconds = Math.ceil((rate.resetAt - now) / 1000);
  c.header("x-ratelimit-limit", String(max));
  c.header("x-ratelimit-remaining", String(Math.max(0, max - rate.count)));
  c.header("x-ratelimit-reset", String(seconds));
  if (rate.count <= max) return;
  c.header("retry-after", String(seconds));
  const wait = c.env.live.generation === "v3" ? "1 minute" : `${seconds} seconds`;
  throw new InfisicalRefusal(429, `Rate limit exceeded. Please try again in ${wait}`, "RateLimitExceeded");
}

/** Request id that the current build puts into errors. */
export function requestId(c: InfisicalContext): string {
  const id = c.env.trace.requestId ?? uuid(c.env.world.random);
  c.env.trace.requestId = id;
  return id;
}

import type { Context } from "hono";
import type { Call, VendorEnv } from "../world.ts";
import type { Page } from "./ranges.ts";
import { type Authorization, type HerokuApp, type HerokuState, tokenAccepted, tokenOwner } from "./state.ts";

/** Hono environment of Heroku's handlers; the caller is set once its token was accepted. */
export type HerokuEnv = VendorEnv<HerokuState> & { Variables: { caller: Authorization } };
/** Context of Heroku's handlers. */
export type HerokuContext = Context<HerokuEnv>;

/** Reply body and status of a refusal, thrown by handlers and answered in one place. */
export class HerokuRefusal extends Error {
  readonly status: 400 | 401 | 403 | 404 | 406 | 412 | 416 | 422 | 429;
  readonly id: string;
  readonly more: Record<string, string>;
  constructor(
    status: HerokuRefusal["status"],
    id: string,
    message: string,
    more: Record<string, string> = {},
  ) {
    super(message);
    this.status = status;
    this.id = id;
    this.more = more;
  }
}

const GRANTS: Record<string, readonly string[]> = {
  identity: ["identity"],
  read: ["identity", "read"],
  write: ["identity", "read", "write"],
  "read-protected": ["identity", "read", "read-protected"],
  "write-protected": ["identity", "read", "write", "read-protected", "write-protected"],
  global: ["identity", "read", "write", "read-protected", "write-protected", "global"],
};

/** The scopes that an authorization may have. */
export const SCOPES = Object.keys(GRANTS);

/** Refuses the call unless the caller's scope covers this. */
export function need(c: HerokuContext, scope: string): void {
  if (c.get("caller").scope.some((held) => GRANTS[held]?.includes(scope))) return;
  throw new HerokuRefusal(
    403,
    "forbidden",
    "The scope of this OAuth authorization does not allow access to this resource.",
  );
}

/** The token in a Bearer or Basic (`:token`) header. */
function offeredToken(header: string | undefined): string | null {
  const [scheme, rest] = (header ?? "").split(/\s+/, 2);
  if (rest === undefined) return null;
  if (scheme?.toLowerCase() === "bearer") return rest;
  if (scheme?.toLowerCase() !== "basic") return null;
  const decoded = Buffer.from(rest, "base64").toString("utf8");
  return decoded.slice(decoded.indexOf(":") + 1);
}

/** Names the caller, charges the account's pool and refuses dead tokens. */
export function authenticate(c: HerokuContext): void {
  const { live, world, trace } = c.env;
  const token = offeredToken(c.req.header("authorization"));
  const owner = token === null ? null : tokenOwner(live, token);
  // A dead token is named in the journal too: who still uses it is what a test wants to know.
  trace.credential = owner?.authorization.id ?? null;
  if (token === null || owner === null || !tokenAccepted(live, token, world.now())) {
    throw new HerokuRefusal(401, "unauthorized", "Invalid credentials provided.");
  }
  c.set("caller", owner.authorization);
  const remaining = refill(live, world.now());
  if (c.req.path === "/account/rate-limits") return;
  if (remaining < 1) {
    throw new HerokuRefusal(
      429,
      "rate_limit",
      "Your account reached the API rate limit\nPlease wait a few minutes before making new requests",
    );
  }
  live.pool.remaining -= 1;
  if (live.account.suspendedAt !== null)
    throw new HerokuRefusal(403, "suspended", "Your account is suspended.");
}

/** Refills the pool for the time passed and returns what is left, in whole calls. */
export function refill(live: HerokuState, now: number): number {
  const { pool, settings } = live;
  const earned = (Math.max(0, now - pool.at) * settings.poolSize) / 3_600_000;
  pool.remaining = Math.min(settings.poolSize, pool.remaining + earned);
  pool.at = now;
  return Math.floor(pool.remaining);
}

/** The app named or numbered in the path, if the account may see it. */
export function findApp(c: HerokuContext): HerokuApp {
  const identity = c.req.param("app");
  const app = c.env.state.apps.find((one) => one.id === identity || one.name === identity);
  if (!app) throw new HerokuRefusal(404, "not_found", "Couldn't find that app.", { resource: "app" });
  if (app.access.role === "none")
    throw new HerokuRefusal(403, "forbidden", `You do not have access to the app ${app.name}.`);
  return app;
}

/** Answers with a page of a list. */
export function answer<T>(c: HerokuContext, found: Page<T>, reply: (item: T) => unknown): Response {
  if (found.status === 416)
    throw new HerokuRefusal(416, "requested_range_not_satisfiable", "Range not satisfiable.");
  return c.json(found.items.map(reply), found.status, found.headers);
}

/** Scheme and authority that the request came in at, for URLs in replies. */
export function origin(c: HerokuContext): string {
  return new URL(c.req.url).origin;
}

/** Milliseconds since the epoch, by the sandbox's clock. */
export function now(c: { env: Call<HerokuState> }): number {
  return c.env.world.now();
}

import type { Context } from "hono";
import type { Call, VendorEnv } from "../world.ts";
import { type GithubState, type GithubToken, type Organization, type Repository, sameText } from "./state.ts";

/**
 * Hono environment of GitHub's handlers; `caller` is null for a request without a token, `accepted` is the permission
 * that the route asks for.
 */
export type GithubEnv = VendorEnv<GithubState> & {
  Variables: { caller: GithubToken | null; version: string; accepted: string };
};
/** Context of GitHub's handlers. */
export type GithubContext = Context<GithubEnv>;

/** How much of a permission a route asks for. */
export type Level = "read" | "write";

/** The API versions that GitHub serves; the first is used where the request names none. */
const API_VERSIONS = ["2022-11-28", "2026-03-10"] as const;

const DOCS = "https://docs.github.com/rest";

/** A refusal, thrown by handlers and answered in one place. */
export class GithubRefusal extends Error {
  readonly status: 301 | 307 | 400 | 401 | 403 | 404 | 409 | 410 | 422 | 429;
  readonly headers: Record<string, string>;
  readonly errors: unknown[] | null;
  constructor(
    status: GithubRefusal["status"],
    message: string,
    more: { headers?: Record<string, string>; errors?: unknown[] } = {},
  ) {
    super(message);
    this.status = status;
    this.headers = more.headers ?? {};
    this.errors = more.errors ?? null;
  }
}

/** Error body; `status` is a string. */
export function errorBody(status: number, message: string, errors: unknown[] | null = null) {
  return { message, ...(errors ? { errors } : {}), documentation_url: DOCS, status: String(status) };
}

/** Checks the mandatory User-Agent and the API version. */
export function checkProtocol(c: GithubContext): void {
  if (!c.req.header("user-agent")) {
    throw new GithubRefusal(
      403,
      "Request forbidden by administrative rules. Please make sure your request has a User-Agent header (https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required).",
    );
  }
  const version = c.req.header("x-github-api-version") ?? API_VERSIONS[0];
  if (c.env.live.settings.retiredApiVersions.includes(version)) {
    throw new GithubRefusal(410, `API version ${version} is no longer supported.`);
  }
  if (!API_VERSIONS.some((one) => one === version)) {
    throw new GithubRefusal(
      400,
      `"${version}" is not a valid API version. Supported: ${API_VERSIONS.join(", ")}.`,
    );
  }
  c.set("version", version);
}

/** Names the caller; a token that is not valid is refused, no token at all is not. */
export function authenticate(c: GithubContext): void {
  const header = c.req.header("authorization");
  const { live, world, trace } = c.env;
  c.set("caller", null);
  if (header !== undefined) {
    const [scheme, rest = ""] = header.split(/\s+/, 2);
    const basic = scheme?.toLowerCase() === "basic";
    const offered = basic
      ? Buffer.from(rest, "base64")
          .toString("utf8")
          .replace(/^[^:]*:/, "")
      : rest;
    const known = live.tokens.find((one) => one.token === offered && offered !== "");
    trace.credential = known?.name ?? null;
    if (!known || !tokenAlive(known, world.now())) throw new GithubRefusal(401, "Bad credentials");
    c.set("caller", known);
  }
  charge(c);
}

/** Whether a token is neither revoked nor expired. */
export function tokenAlive(token: GithubToken, now: number): boolean {
  return token.revokedAt === null && (token.expiresAt === null || now < token.expiresAt);
}

function charge(c: GithubContext): void {
  const { used, limit } = budget(c.env, c.get("caller"));
  if (c.req.path.endsWith("/rate_limit")) return;
  if (used >= limit) {
    const whom = c.get("caller") === null ? "127.0.0.1" : `user ID ${c.get("caller")?.userId}`;
    throw new GithubRefusal(403, `API rate limit exceeded for ${whom}.`);
  }
  spend(c.env, c.get("caller"), 1);
}

/** What the caller has used of its hourly budget. */
export function budget(
  call: Call<GithubState>,
  caller: GithubToken | null,
): { limit: number; used: number; resetAt: number } {
  const limit = caller === null ? 60 : call.live.settings.requestsPerHour;
  const now = call.world.now();
  const key = caller?.login ?? "anonymous";
  let rate = call.live.rate[key];
  if (rate === undefined || rate.resetAt <= now) {
    rate = { used: 0, resetAt: now + 3_600_000 };
    call.live.rate[key] = rate;
  }
  return { limit, used: rate.used, resetAt: rate.resetAt };
}

/** Charges, or with a negative number gives back, requests of the hourly budget. */
export function spend(call: Call<GithubState>, caller: GithubToken | null, requests: number): void {
  const rate = call.live.rate[caller?.login ?? "anonymous"];
  if (rate) rate.used += requests;
}

/** The caller's rate-limit headers. */
export function rateHeaders(call: Call<GithubState>, caller: GithubToken | null): Record<string, string> {
  const { limit, used, resetAt } = budget(call, caller);
  return {
    "x-ratelimit-limit": String(limit),
    "x-ratelimit-remaining": String(Math.max(0, limit - used)),
    "x-ratelimit-used": String(used),
    "x-ratelimit-reset": String(Math.ceil(resetAt / 1000)),
    "x-ratelimit-resource": "core",
  };
}

/** The repository in the path, or the one named, if the caller may see it and holds this permission on it. */
export function repositoryWith(
  c: GithubContext,
  permission: string,
  level: Level = "read",
  named: { owner?: string | undefined; name?: string | undefined } = {
    owner: c.req.param("owner"),
    name: c.req.param("repo"),
  },
): Repository {
  const called = `${named.owner}/${named.name}`;
  const { repositories } = c.env.state;
  const found = repositories.find((one) => sameText(`${one.owner}/${one.name}`, called));
  const moved = found
    ? undefined
    : repositories.find((one) => one.formerNames.some((former) => sameText(former, called)));
  const repository = found ?? moved;
  if (!repository || !sees(c, repository)) throw new GithubRefusal(404, "Not Found");
  if (moved) throw redirect(c, moved);
  permitted(c, permission, level);
  return repository;
}

/** Whether the caller knows that a repository exists. */
function sees(c: GithubContext, repository: Repository): boolean {
  return !repository.private || c.get("caller")?.repositories.includes(repository.id) === true;
}

/** The organization in the path, if it owns the caller's token and that holds this permission on it. */
export function organizationWith(c: GithubContext, permission: string, level: Level): Organization {
  const caller = c.get("caller");
  if (caller === null) throw new GithubRefusal(401, "Requires authentication");
  const found = c.env.state.organizations.find((one) => sameText(one.login, c.req.param("org")));
  if (!found || !sameText(caller.owner, found.login)) throw new GithubRefusal(404, "Not Found");
  permitted(c, permission, level);
  return found;
}

function permitted(c: GithubContext, permission: string, level: Level): void {
  const caller = c.get("caller");
  c.set("accepted", `${permission}=${level}`);
  const held = caller?.permissions[permission];
  if (permission === "metadata" || held === "write" || held === level) return;
  if (caller === null) throw new GithubRefusal(401, "Requires authentication");
  throw new GithubRefusal(403, "Resource not accessible by personal access token");
}

// The address by id stays the same whatever a repository is called; only a GET is told that it moved for good.
function redirect(c: GithubContext, repository: Repository): GithubRefusal {
  const { origin, pathname, search } = new URL(c.req.url);
  const rest = pathname.split("/").slice(4);
  const location = `${origin}${["/repositories", repository.id, ...rest].join("/")}${search}`;
  const forGood = c.req.method === "GET" || c.req.method === "HEAD";
  return new GithubRefusal(forGood ? 301 : 307, forGood ? "Moved Permanently" : "Temporary Redirect", {
    headers: { location },
  });
}

/** Cuts a list by `per_page` and `page`, and announces the other pages in a Link header. */
export function paged<T>(c: GithubContext, all: T[]): { items: T[]; headers: Record<string, string> } {
  const size = Math.min(100, Math.max(1, Number(c.req.query("per_page") ?? 30) || 30));
  const page = Math.max(1, Number(c.req.query("page") ?? 1) || 1);
  const last = Math.max(1, Math.ceil(all.length / size));
  const link = (number: number, rel: string) => {
    const url = new URL(c.req.url);
    url.searchParams.set("page", String(number));
    return `<${url.href}>; rel="${rel}"`;
  };
  const links = [
    ...(page > 1 ? [link(page - 1, "prev"), link(1, "first")] : []),
    ...(page < last ? [link(page + 1, "next"), link(last, "last")] : []),
  ];
  const headers: Record<string, string> = links.length > 0 ? { link: links.join(", ") } : {};
  return { items: all.slice((page - 1) * size, page * size), headers };
}

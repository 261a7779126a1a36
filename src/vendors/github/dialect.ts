import { after, msOf } from "../../core/time.ts";
import { dateOf, LONGEST_ASKED, numberIn, retryAfterMs } from "../http.ts";
import type { Dialect, RawReply } from "../reply.ts";

/** What GitHub asks for where it names no time (heroku-github.md B3). */
const SECONDARY_WAIT_MS = 60_000;

/** How GitHub's REST API speaks: `x-github-request-id` on every reply, `{message}` in errors (heroku-github.md B1 to B3). */
export const githubDialect: Dialect = {
  vendor: "github",
  label: "GitHub",
  requestId: ({ headers }) => headers.get("x-github-request-id") ?? undefined,
  isOwn: ({ headers, body }) => headers.has("x-github-request-id") && typeof body !== "string",
  error({ headers, body }) {
    if (!headers.has("x-github-request-id") || typeof body !== "object" || body === null) return undefined;
    const text: unknown = Reflect.get(body, "message");
    return typeof text === "string" ? { id: "", text } : undefined;
  },
  refusal(reply, { text }) {
    const { status, headers } = reply;
    if (isLimit(reply, text)) return { as: "limited", afterMs: waitOf(reply) };
    if (status === 401) return { as: "credential" };
    if (status === 403) {
      const needs =
        headers.get("x-accepted-github-permissions") ??
        (headers.has("x-github-sso") ? "SAML sign-on" : undefined);
      return needs === undefined ? { as: "permission" } : { as: "permission", needs };
    }
    // 301, 302, 307: renamed or moved. Following it would write to a place that the plan does not name.
    if (status === 404 || status < 400) return { as: "missing" };
    return { as: "other" };
  },
  limits(reply) {
    const remaining = numberIn(reply.headers, "x-ratelimit-remaining");
    const text: unknown =
      reply.status === 403 && typeof reply.body === "object" && reply.body !== null
        ? Reflect.get(reply.body, "message")
        : "";
    return {
      ...(remaining === undefined ? {} : { remaining }),
      ...(isLimit(reply, typeof text === "string" ? text : "")
        ? { blockedUntil: after(reply.now, waitOf(reply)) }
        : {}),
    };
  },
};

/** Words of a 403 that passes: the limits of today and of older servers, and the lock-out after bad attempts, which meets good tokens too. */
const PASSES = /rate limit|abuse detection|login attempts/i;

/** A 403 is a limit, not a missing right, when any of the three signs says so (heroku-github.md B2). */
function isLimit({ status, headers }: RawReply, text: string): boolean {
  if (status === 429) return true;
  if (status !== 403) return false;
  const spent = numberIn(headers, "x-ratelimit-remaining") === 0;
  return spent || headers.has("retry-after") || PASSES.test(text);
}

function waitOf({ headers, now }: RawReply): number {
  const asked = retryAfterMs(headers, now);
  if (asked !== undefined) return asked;
  const reset = numberIn(headers, "x-ratelimit-reset");
  const spent = numberIn(headers, "x-ratelimit-remaining") === 0;
  if (!spent || reset === undefined) return SECONDARY_WAIT_MS;
  // By the clock that the moment is of: ours may be ahead of it, and asking on while limited may get the account banned.
  return Math.min(Math.max(1_000, reset * 1000 - msOf(dateOf(headers) ?? now)), LONGEST_ASKED);
}

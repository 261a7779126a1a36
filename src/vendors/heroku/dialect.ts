import { after } from "../../core/time.ts";
import { numberIn, retryAfterMs } from "../http.ts";
import type { Dialect, RawReply } from "../reply.ts";

/** The pool refills one call per 0.8 s, and Heroku names no time to wait (heroku-github.md A2). */
const POOL_WAIT_MS = 4_000;

/** How Heroku's Platform API v3 speaks: `Request-Id` on every reply, `{id, message}` in errors (heroku-github.md A1, A3). */
export const herokuDialect: Dialect = {
  vendor: "heroku",
  label: "Heroku",
  requestId: ({ headers }) => headers.get("request-id") ?? undefined,
  isOwn: ({ headers, body }) => headers.has("request-id") && typeof body === "object" && body !== null,
  error({ headers, body }) {
    if (!headers.has("request-id") || typeof body !== "object" || body === null) return undefined;
    const [id, text, resource] = ["id", "message", "resource"].map((name) => Reflect.get(body, name));
    if (typeof id !== "string" || typeof text !== "string") return undefined;
    return typeof resource === "string" ? { id, text, resource } : { id, text };
  },
  refusal(reply, { id }) {
    // Over-limit has been seen as 422 too, so the id decides beside the status (hatchet#45).
    if (reply.status === 429 || id === "rate_limit") return { as: "limited", afterMs: waitOf(reply) };
    if (reply.status === 401 && id === "unauthorized") return { as: "credential" };
    if (reply.status === 403) return { as: "permission" };
    if (reply.status === 404) return { as: "missing" };
    return { as: "other" };
  },
  limits(reply) {
    const remaining = numberIn(reply.headers, "ratelimit-remaining");
    return {
      ...(remaining === undefined ? {} : { remaining }),
      ...(reply.status === 429 ? { blockedUntil: after(reply.now, waitOf(reply)) } : {}),
    };
  },
};

function waitOf({ headers, now }: RawReply): number {
  return retryAfterMs(headers, now) ?? POOL_WAIT_MS;
}

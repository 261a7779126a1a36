import { after } from "../../core/time.ts";
import { numberIn, retryAfterMs } from "../http.ts";
import type { Dialect, RawReply } from "../reply.ts";

/** The limiter counts by the minute (infisical.md 2). */
const LIMIT_WAIT_MS = 60_000;

/** An identity stays locked for so long unless somebody changed that (infisical.md 1). */
const LOCKED_MS = 5 * 60_000;

/**
 * How Infisical speaks: errors are `{statusCode, message, error}` with the reply's own status, the message a string or a
 * list of issues (infisical.md 2). It marks its replies by no header, so a success is known by its structure alone.
 */
export const infisicalDialect: Dialect = {
  vendor: "infisical",
  label: "Infisical",
  requestId: ({ body }) => textField(body, "reqId"),
  isOwn: ({ body }) => typeof body === "object" && body !== null,
  error({ status, body }) {
    if (typeof body !== "object" || body === null || Reflect.get(body, "statusCode") !== status)
      return undefined;
    const id = textField(body, "error");
    const message: unknown = Reflect.get(body, "message");
    if (id === undefined || (typeof message !== "string" && !Array.isArray(message))) return undefined;
    return { id, text: typeof message === "string" ? message : issues(message) };
  },
  refusal(reply, { id, text }) {
    const { status } = reply;
    // Anybody who knows the client id can bring that about: it says nothing about our secret.
    if (status === 401 && /temporarily locked/i.test(text)) return { as: "limited", afterMs: LOCKED_MS };
    if (status === 429) return { as: "limited", afterMs: waitOf(reply) };
    // The old build answers 401 to a field that is missing, which says nothing about the token.
    if (id === "ValidationFailure") return { as: "other" };
    if (status === 401 || (status === 403 && id === "TokenError")) return { as: "credential" };
    if (status === 403) return { as: "permission" };
    if (status === 404) return { as: "missing" };
    return { as: "other" };
  },
  limits(reply) {
    const remaining = numberIn(reply.headers, "x-ratelimit-remaining");
    // The limiter counts each route for itself; only a refusal is worth holding up the whole account for.
    if (reply.status !== 429) return {};
    return {
      ...(remaining === undefined ? {} : { remaining }),
      blockedUntil: after(reply.now, waitOf(reply)),
    };
  },
};

function waitOf({ headers, now }: RawReply): number {
  return retryAfterMs(headers, now) ?? LIMIT_WAIT_MS;
}

function textField(body: unknown, name: string): string | undefined {
  if (typeof body !== "object" || body === null) return undefined;
  const value: unknown = Reflect.get(body, name);
  return typeof value === "string" ? value : undefined;
}

/** Where validation failed; only the paths, because zod's messages quote what was sent. */
function issues(list: readonly unknown[]): string {
  const paths = list.map((issue) => {
    const path: unknown =
      typeof issue === "object" && issue !== null ? Reflect.get(issue, "path") : undefined;
    return Array.isArray(path) ? path.join(".") : "";
  });
  return `not valid: ${paths.filter(Boolean).join(", ") || "the request"}`;
}

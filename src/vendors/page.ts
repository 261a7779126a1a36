import type { ConnectionOptions } from "../core/adapter.ts";
import { after } from "../core/time.ts";
import { createHttp, numberIn, retryAfterMs } from "./http.ts";
import type { Answer, Dialect, RawReply, Reply } from "./reply.ts";

/** Asks a page once: no redirect is followed, and nothing of the URL's query is in what comes of it. */
export function askPage(
  url: string,
  { headers, ...options }: Omit<ConnectionOptions, "credential" | "baseUrl">,
): Promise<Answer<Reply>> {
  const { origin, host, pathname, search, searchParams } = new URL(url);
  const send = createHttp(dialectOf(host), {
    ...options,
    baseUrl: origin,
    headers: {
      "user-agent": "lockstep",
      accept: "application/json, text/plain",
      "cache-control": "no-cache",
      ...headers,
    },
  });
  // What an access proxy is shown is a secret too.
  const hidden = [...searchParams.values(), ...Object.values(headers ?? {})].filter((text) => text !== "");
  return send({
    method: "GET",
    route: pathname,
    effect: "read",
    hidden,
    query: search.slice(1),
  });
}

/** A page for people, without its query. */
export function placeOf(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}

const LIMITED_MS = 10_000;

/** A page has no marks of its own; but what routers, proxies and login pages answer with in its place is HTML, a refusal, or an answer of before. */
function dialectOf(host: string): Dialect {
  return {
    vendor: "web",
    label: host,
    requestId: ({ headers }) => headers.get("x-request-id") ?? undefined,
    isOwn: (reply) => !isHtml(reply) && !isCut(reply) && !isStored(reply),
    error: (reply) =>
      reply.status >= 400 && typeof reply.body === "object" && reply.body !== null
        ? { id: "", text: "" }
        : undefined,
    refusal: (reply) => (reply.status === 429 ? { as: "limited", afterMs: waitOf(reply) } : { as: "other" }),
    limits: (reply) => (reply.status === 429 ? { blockedUntil: after(reply.now, waitOf(reply)) } : {}),
  };
}

/** A document, whatever it is declared as; plain words are none, which many frameworks declare as HTML too. */
function isHtml({ headers, body }: RawReply): boolean {
  if (typeof body !== "string") return false;
  const declared = (headers.get("content-type") ?? "").includes("html");
  return (declared ? /^\s*</ : /^\s*<(!doctype|html|head|body)\b/i).test(body);
}

/** An answer that a cache gave once more: it shows how things stood then (RFC 9111, 5.1). */
function isStored({ headers }: RawReply): boolean {
  return (numberIn(headers, "age") ?? 0) > 0;
}

/** JSON that does not parse. */
function isCut({ headers, body }: RawReply): boolean {
  return (headers.get("content-type") ?? "").includes("json") && typeof body === "string";
}

function waitOf({ headers, now }: RawReply): number {
  return retryAfterMs(headers, now) ?? LIMITED_MS;
}

import { type ErrorCode, troubleOf } from "../core/errors.ts";
import { durationText, type Milliseconds } from "../core/time.ts";
import { cleaned } from "./clean.ts";
import { type Ask, type Dialect, type Failure, type RawReply, type Said, trouble } from "./reply.ts";

/** Codes of connections that ended before a request could be sent: names not found, ports closed, TLS not agreed. */
const NEVER_SENT =
  /^(ECONNREFUSED|ENOTFOUND|EAI_\w+|ENETUNREACH|EHOSTUNREACH|EADDRNOTAVAIL|UND_ERR_CONNECT_TIMEOUT|CERT_\w+|ERR_TLS_CERT_\w+|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w+)$/;

/** What a call without a reply comes to. `thrown` is what fetch threw; its text is never used, it may hold a header. */
export function withoutReply(dialect: Dialect, ask: Ask, thrown: unknown): Failure {
  const code = codeOf(thrown);
  const what = `${ask.method} ${ask.route}`;
  if (code !== undefined && NEVER_SENT.test(code)) {
    return {
      is: "retryable",
      trouble: trouble(
        "VENDOR_UNREACHABLE",
        `${dialect.label} cannot be reached (${code})`,
        `${what} was not sent, so nothing happened`,
        `${again(dialect)}    after you have checked the connection's base URL and the network`,
      ),
    };
  }
  const how = isTimeout(thrown, code) ? "did not answer in time" : "broke the connection";
  return lost(dialect, ask, "VENDOR_UNREACHABLE", `${dialect.label} ${how} on ${what}`);
}

/** Trouble at another vendor that may be over when it is asked again. */
const PASSING: readonly ErrorCode[] = [
  "VENDOR_UNREACHABLE",
  "VENDOR_ERROR",
  "VENDOR_RATE_LIMITED",
  "VENDOR_REPLY_FOREIGN",
];

/** What a call comes to whose access could not be had, as from the vault that holds it: nothing was sent. */
export function withoutAccess(thrown: unknown): Failure {
  const found = troubleOf(thrown);
  return { is: PASSING.includes(found.code) ? "retryable" : "refused", trouble: found };
}

/** What a reply with an error status, or of a foreign shape, comes to; undefined for a success in the vendor's own shape. */
export function failureIn(dialect: Dialect, ask: Ask, reply: RawReply): Failure | undefined {
  const { status } = reply;
  const what = `${ask.method} ${ask.route}`;
  // Whoever says 5xx, the vendor or something before it, a read may simply be made again.
  if (status >= 500 || status === 408)
    return lost(dialect, ask, "VENDOR_ERROR", `${dialect.label} answered ${what} with ${status}`);
  if (isSuccess(dialect, reply)) return dialect.isOwn(reply) ? undefined : foreign(dialect, ask, status);
  const error = errorIn(dialect, reply);
  if (error === undefined) return foreign(dialect, ask, status);
  const text = cleaned(error.text, ask.hidden);
  const id = cleaned(error.id, ask.hidden);
  const requestId = dialect.requestId(reply);
  const said: Said = {
    status,
    id,
    text,
    ...(error.resource === undefined ? {} : { resource: cleaned(error.resource, ask.hidden) }),
    ...(requestId === undefined ? {} : { requestId: cleaned(requestId, ask.hidden) }),
  };
  return { ...refusalFor(dialect, ask, reply, said, error), said };
}

/** Whether a reply bears the vendor's own marks; without them something else may have answered. */
export function isVendors(dialect: Dialect, reply: RawReply): boolean {
  return isSuccess(dialect, reply) ? dialect.isOwn(reply) : errorIn(dialect, reply) !== undefined;
}

function isSuccess(dialect: Dialect, reply: RawReply): boolean {
  return reply.status < 300 && dialect.saysNo?.(reply) !== true;
}

function errorIn(dialect: Dialect, reply: RawReply): ReturnType<Dialect["error"]> {
  return reply.status === 304 ? undefined : dialect.error(reply);
}

/** A reply that is not the vendor's own, or not of the structure that it documents: evidence of nothing. */
export function foreign(dialect: Dialect, ask: Ask, status: number): Failure {
  return {
    is: "unknown",
    trouble: trouble(
      "VENDOR_REPLY_FOREIGN",
      `The reply to ${ask.method} ${ask.route} (${status}) is not ${dialect.label}'s own`,
      "a proxy, a login page or a cut reply answered in its place, so it shows nothing about the credential or the copy",
      `${again(dialect)}    after you have checked what stands before the vendor: base URL, access proxy headers`,
    ),
  };
}

function refusalFor(
  dialect: Dialect,
  ask: Ask,
  reply: RawReply,
  said: Said,
  error: { id: string; text: string },
): Failure {
  const { label } = dialect;
  const answer = [String(said.status), said.id, said.text && `"${said.text}"`].filter(Boolean).join(" ");
  const found = `${label} answered ${ask.method} ${ask.route} with ${answer}`;
  const refusal = dialect.refusal(reply, error);
  switch (refusal.as) {
    case "limited":
      return limited(dialect, found, refusal.afterMs);
    case "credential":
      return {
        is: "refused",
        trouble: trouble(
          "VENDOR_REFUSED_CREDENTIAL",
          found,
          `${label} does not accept the credential that the call was made with`,
          `${again(dialect)}    after you have given the connection a credential that works`,
        ),
      };
    case "permission": {
      const needs = refusal.needs === undefined ? "" : ` (it asks for ${cleaned(refusal.needs, ask.hidden)})`;
      return {
        is: "refused",
        trouble: trouble(
          "VENDOR_PERMISSION",
          `${found}${needs}`,
          "the credential is valid but may not do this",
          `${again(dialect)}    after you have given the connection's credential the right to do this${needs}`,
        ),
      };
    }
    case "missing":
      return {
        is: "refused",
        trouble: trouble(
          "VENDOR_TARGET_MISSING",
          found,
          "it does not exist, or the credential cannot see it",
          `${again(dialect)}    after you have checked the names and ids in the configuration, and the credential's access`,
        ),
      };
    case "unsure":
      return lost(dialect, ask, "VENDOR_ERROR", found);
    case "other":
      return {
        is: "refused",
        trouble: trouble(
          "VENDOR_REFUSED",
          found,
          "the vendor understood the request and will not carry it out",
          `${again(dialect)}    after you have settled at the vendor what its answer names`,
        ),
      };
  }
}

function limited(dialect: Dialect, found: string, afterMs: Milliseconds): Failure {
  return {
    is: "retryable",
    trouble: trouble(
      "VENDOR_RATE_LIMITED",
      found,
      `${dialect.label} refuses calls for now, so nothing happened`,
      `${again(dialect)}    in ${durationText(afterMs)}: the vendor takes no calls for now`,
    ),
    afterMs,
  };
}

function lost(
  dialect: Dialect,
  ask: Ask,
  code: "VENDOR_UNREACHABLE" | "VENDOR_ERROR",
  found: string,
): Failure {
  const next = `${again(dialect)}    once the vendor answers again; its status page may say more`;
  if (ask.effect === "read")
    return { is: "retryable", trouble: trouble(code, found, "nothing was read", next) };
  const because = `whether ${dialect.label} carried it out is not known, so it must be looked up before anything else`;
  return { is: "unknown", trouble: trouble(code, found, because, next) };
}

/** What looks again, and changes nothing. */
function again({ forMessages }: Dialect): string {
  return forMessages ? "lockstep doctor" : "lockstep test <secret>";
}

function codeOf(thrown: unknown): string | undefined {
  // undici wraps the socket's error once, and once more where it tried several addresses.
  for (let error = thrown, depth = 0; error instanceof Error && depth < 4; depth += 1) {
    const code: unknown = Reflect.get(error, "code");
    if (typeof code === "string" && /^[A-Z][A-Z0-9_]{2,60}$/.test(code)) return code;
    error = error.cause;
  }
  return undefined;
}

function isTimeout(thrown: unknown, code: string | undefined): boolean {
  return code === "ETIMEDOUT" || (thrown instanceof Error && /^(TimeoutError|AbortError)$/.test(thrown.name));
}

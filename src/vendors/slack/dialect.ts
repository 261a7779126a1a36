import { after } from "../../core/time.ts";
import { retryAfterMs } from "../http.ts";
import type { Dialect, RawReply } from "../reply.ts";

/** What is waited where Slack names no time; its limits count by the minute. */
const LIMIT_WAIT_MS = 60_000;

const CREDENTIAL =
  /^(not_authed|invalid_auth|account_inactive|token_revoked|token_expired|org_login_required)$/;
const PERMISSION = /^(missing_scope|no_permission|not_allowed_token_type|access_denied|ekm_access_denied)$/;
const MISSING = /^(channel|user|users)_not_found$/;
const LIMITED = /^rate_?limited$/;
/** Slack's own failures, of which nobody knows how far it came. */
const UNSURE = /^(internal_error|fatal_error|service_unavailable|request_timeout)$/;

/**
 * How Slack's Web API speaks: status 200 also for errors, which are `{ok: false, error}`; 429 with `Retry-After`;
 * `x-slack-req-id` on every reply (alpaca-stripe-slack.md 3).
 */
export const slackDialect: Dialect = {
  vendor: "slack",
  label: "Slack",
  forMessages: true,
  requestId: ({ headers }) => headers.get("x-slack-req-id") ?? undefined,
  isOwn: (reply) => isSlacks(reply) && Reflect.get(reply.body as object, "ok") === true,
  saysNo: (reply) => isSlacks(reply) && Reflect.get(reply.body as object, "ok") === false,
  error(reply) {
    if (!isSlacks(reply)) return undefined;
    const id: unknown = Reflect.get(reply.body as object, "error");
    return typeof id === "string" ? { id, text: "" } : undefined;
  },
  refusal(reply, { id }) {
    if (reply.status === 429 || LIMITED.test(id)) return { as: "limited", afterMs: waitOf(reply) };
    if (CREDENTIAL.test(id)) return { as: "credential" };
    if (PERMISSION.test(id)) {
      const needs: unknown = Reflect.get(reply.body as object, "needed");
      return typeof needs === "string" ? { as: "permission", needs } : { as: "permission" };
    }
    if (MISSING.test(id)) return { as: "missing" };
    return UNSURE.test(id) ? { as: "unsure" } : { as: "other" };
  },
  limits: (reply) => (reply.status === 429 ? { blockedUntil: after(reply.now, waitOf(reply)) } : {}),
};

function isSlacks({ headers, body }: RawReply): boolean {
  if (!headers.has("x-slack-req-id") || typeof body !== "object" || body === null) return false;
  return typeof Reflect.get(body, "ok") === "boolean";
}

function waitOf({ headers, now }: RawReply): number {
  return retryAfterMs(headers, now) ?? LIMIT_WAIT_MS;
}

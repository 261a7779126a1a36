import { hex } from "../random.ts";
import type { Call, Vendor } from "../world.ts";
import { callerOf, fieldsOf, type SlackCall, SlackRefusal } from "./access.ts";
import { chatPostMessage, conversationsHistory, conversationsOpen } from "./messages.ts";
import { usersInfo, usersLookupByEmail } from "./people.ts";
import type { SlackState } from "./state.ts";

const METHODS: Readonly<Record<string, (asked: SlackCall) => Record<string, unknown>>> = {
  "api.test": () => ({}),
  "auth.test": authTest,
  "users.info": usersInfo,
  "users.lookupByEmail": usersLookupByEmail,
  "conversations.open": conversationsOpen,
  "conversations.history": conversationsHistory,
  "chat.postMessage": chatPostMessage,
};

/** Methods that do something and are therefore only taken as POST. */
const WRITES = ["conversations.open", "chat.postMessage"];

const REFUSALS: Readonly<Record<number, string>> = {
  401: "invalid_auth",
  403: "missing_scope",
  404: "channel_not_found",
  429: "ratelimited",
  503: "service_unavailable",
};

/** The simulated Slack Web API over this state; methods are reached as `/api/<method>`. */
export function slackVendor(live: SlackState): Vendor<SlackState> {
  return {
    name: "slack",
    live,
    settle: () => {},
    handle(request, call) {
      const requestId = hex(call.world.random, 16);
      call.trace.requestId = requestId;
      const headers = { "content-type": "application/json; charset=utf-8", "x-slack-req-id": requestId };
      try {
        return answer(request, call, headers);
      } catch (error) {
        if (!(error instanceof SlackRefusal)) throw error;
        const body = JSON.stringify({ ok: false, error: error.code, ...error.more });
        if (error.retryAfter === null) return new Response(body, { headers });
        const wait = { ...headers, "retry-after": String(error.retryAfter) };
        return new Response(body, { status: 429, headers: wait });
      }
    },
    refusal: (status, message, world) => ({
      body: { ok: false, error: message ?? REFUSALS[status] ?? "internal_error" },
      headers: {
        "x-slack-req-id": hex(world.random, 16),
        ...(status === 429 ? { "retry-after": "30" } : {}),
      },
    }),
    route: withoutBase,
  };
}

function answer(request: Request, call: Call<SlackState>, headers: Record<string, string>): Response {
  const name = withoutBase(new URL(request.url).pathname).slice(1);
  const method = Object.hasOwn(METHODS, name) ? METHODS[name] : undefined;
  if (!method) throw new SlackRefusal("unknown_method", { req_method: name });
  const fields = fieldsOf(request, call.body);
  if (name === "api.test") return reply({ ok: true, args: fields }, request, headers);
  const bot = callerOf(request, fields, call.live);
  call.trace.credential = bot.name;
  if (WRITES.includes(name) && request.method !== "POST") throw new SlackRefusal("invalid_post_type");
  const done = method({ call, bot, fields });
  return reply({ ok: true, ...done }, request, { ...headers, "x-oauth-scopes": bot.scopes.join(",") });
}

// A JSON body without a charset is taken, with a warning.
function reply(body: Record<string, unknown>, request: Request, headers: Record<string, string>): Response {
  if (request.headers.get("content-type") !== "application/json")
    return new Response(JSON.stringify(body), { headers });
  const warning = "missing_charset";
  const metadata = { ...(body["response_metadata"] ?? {}), warnings: [warning] };
  return new Response(JSON.stringify({ ...body, warning, response_metadata: metadata }), { headers });
}

function authTest({ call, bot }: SlackCall) {
  const { id, name, domain } = call.state.team;
  return {
    url: `https://${domain}.slack.com/`,
    team: name,
    user: bot.name,
    team_id: id,
    user_id: bot.userId,
    bot_id: bot.id,
    is_enterprise_install: false,
  };
}

function withoutBase(path: string): string {
  return path.replace(/^\/api(?=\/)/, "");
}

import { z } from "zod";
import { type ConnectionOptions, defineVendor } from "../../core/adapter.ts";
import { troubleOf } from "../../core/errors.ts";
import type { Instant } from "../../core/time.ts";
import { msOf } from "../../core/time.ts";
import { createHttp } from "../http.ts";
import { type Answer, type Ask, type Reply, trouble } from "../reply.ts";
import { shaped } from "../shaped.ts";
import { slackDialect } from "./dialect.ts";

/** A message that is to be posted. */
interface SlackPost {
  /** Shown where blocks are not: in notifications. Slack's mark-up is escaped. */
  readonly text: string;
  /** The words of the one block, shown as they are. At most 3,000 characters. */
  readonly block: string;
  /** Kept with the message, seen by apps only; found again by {@link SlackClient.events}. */
  readonly event: string;
}

/** Slack's Web API (alpaca-stripe-slack.md 3), one method a call. A conversation's id belongs to the bot that opened it. */
export interface SlackClient {
  /** Whose token it is: the bot's user id. */
  whoAmI(): Promise<Answer<string>>;
  /** The direct conversation with a person, `D…`; the same one every time. Nobody sees that it was opened. */
  open(user: string): Promise<Answer<string>>;
  post(channel: string, message: SlackPost): Promise<Answer<void>>;
  /** The events of our messages in a conversation since that time. */
  events(channel: string, since: Instant): Promise<Answer<readonly string[]>>;
}

/** Slack, for connections that hold a bot's `token`. */
export const slack = defineVendor({
  name: "slack",
  defaultUrl: "https://slack.com",
  // About a message a second (rate limits of chat.postMessage); the others of these methods allow as much.
  rate: { capacity: 60, perMinute: 60 },
  connection: z.strictObject({ token: z.string().min(1) }),
  connect: slackClient,
});

const EVENT_TYPE = "lockstep_notice";
const MOST_PAGES = 10;

/** A client of Slack by this connection. */
export function slackClient(options: ConnectionOptions): SlackClient {
  const call = caller(options);
  const ask = async <T>(part: Part, shape: z.ZodType<T>): Promise<Answer<T>> => {
    const { ask: asked, answer } = await call(part);
    return shaped(slackDialect, asked, answer, shape);
  };
  return {
    whoAmI: () => ask({ method: "POST", route: "/api/auth.test", effect: "read" }, whoShape),
    open: (user) =>
      // Opening twice is opening once, so a lost reply hides nothing.
      ask(
        { method: "POST", route: "/api/conversations.open", body: { users: user }, effect: "read" },
        openShape,
      ),
    post: (channel, { text, block, event }) => {
      const body = {
        channel,
        text: escaped(text),
        blocks: [{ type: "section", text: { type: "plain_text", text: block, emoji: false } }],
        metadata: { event_type: EVENT_TYPE, event_payload: { event } },
        unfurl_links: false,
      };
      return ask({ method: "POST", route: "/api/chat.postMessage", body, effect: "write" }, okShape);
    },
    async events(channel, since) {
      const found: string[] = [];
      let cursor = "";
      for (let page = 0; page < MOST_PAGES; page += 1) {
        const query = {
          channel,
          oldest: String(Math.floor(msOf(since) / 1000)),
          include_all_metadata: "true",
          limit: "100",
          ...(cursor !== "" && { cursor }),
        };
        const part: Part = { method: "GET", route: "/api/conversations.history", query, effect: "read" };
        const answer = await ask(part, historyShape);
        if (answer.is !== "done") return answer;
        found.push(...answer.value.events);
        cursor = answer.value.cursor;
        if (cursor === "") break;
      }
      return { is: "done", value: found };
    },
  };
}

const okShape = z.object({ ok: z.literal(true) }).transform(() => undefined);
const whoShape = z.object({ user_id: z.string() }).transform((one) => one.user_id);
const openShape = z
  .object({ channel: z.object({ id: z.string().regex(/^D[A-Z0-9]+$/) }) })
  .transform((one) => one.channel.id);
const historyShape = z
  .object({
    messages: z.array(z.looseObject({ metadata: z.unknown().optional() })),
    response_metadata: z.object({ next_cursor: z.string().optional() }).optional(),
  })
  .transform(({ messages, response_metadata }) => ({
    cursor: response_metadata?.next_cursor ?? "",
    events: messages.flatMap(({ metadata }) => {
      const ours = metadataShape.safeParse(metadata);
      return ours.success ? [ours.data.event_payload.event] : [];
    }),
  }));
const metadataShape = z.object({
  event_type: z.literal(EVENT_TYPE),
  event_payload: z.object({ event: z.string() }),
});

/** The three characters that Slack's mark-up begins with: vendors' words must not call a whole channel. */
function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

type Part = Omit<Ask, "hidden" | "headers">;

function caller(options: ConnectionOptions) {
  const http = createHttp(slackDialect, options);
  return async (part: Part): Promise<{ ask: Ask; answer: Answer<Reply> }> => {
    const bare: Ask = { ...part, hidden: [] };
    let token: string | undefined;
    try {
      token = (await options.credential())["token"]?.reveal();
    } catch (thrown) {
      return { ask: bare, answer: { is: "refused", trouble: troubleOf(thrown) } };
    }
    if (token === undefined) return { ask: bare, answer: noToken() };
    const headers = { "user-agent": "lockstep", authorization: `Bearer ${token}` };
    const ask: Ask = { ...bare, headers, hidden: [token] };
    return { ask, answer: await http(ask) };
  };
}

function noToken(): Answer<never> {
  return {
    is: "refused",
    trouble: trouble(
      "CREDENTIAL_MISSING",
      "The Slack connection has no field `token`",
      "no call can be made without it",
      "lockstep doctor    after you have said in the configuration where the connection's token comes from",
    ),
  };
}

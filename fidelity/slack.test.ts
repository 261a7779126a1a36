import { ErrorCode, LogLevel, type WebAPICallResult, WebClient } from "@slack/web-api";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { RAXX } from "../src/sandbox/raxx.ts";
import { at } from "../src/sandbox/testing.ts";
import { type Served, serve } from "./clients.ts";

let served: Served;
let client: WebClient;
const METADATA = { event_type: "escalation", event_payload: { run: "heroku-api-key.rotate.1" } };

beforeAll(async () => {
  served = await serve();
});

afterAll(() => served.close());

beforeEach(() => {
  served.sandbox.control.clearFaults();
  served.sandbox.control.journal.clear();
  client = clientFor(served.sandbox.control.estate().slack.bots["lockstep"]?.token ?? "");
});

function clientFor(token: string): WebClient {
  return new WebClient(token, {
    slackApiUrl: `${served.urls.slack}/api/`,
    allowAbsoluteUrls: false,
    rejectRateLimitedCalls: true,
    retryConfig: { retries: 0 },
    logLevel: LogLevel.ERROR,
  });
}

/** The error code that Slack names, or the client's own. */
async function refusal(call: Promise<WebAPICallResult>): Promise<unknown> {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return Object(Object(error).data).error ?? Object(error).code;
}

async function dm(): Promise<string> {
  return (await client.conversations.open({ users: RAXX.operator })).channel?.id ?? "";
}

describe("@slack/web-api", () => {
  it("knows who it is, and what it may", async () => {
    const who = await client.auth.test();
    expect(who).toMatchObject({ ok: true, team_id: "T02RAXXHQ1", bot_id: RAXX.slackBot });
    expect(who.response_metadata?.scopes).toContain("chat:write");
    expect(await refusal(clientFor("xoxb-wrong").auth.test())).toBe("invalid_auth");
  });

  it("finds people by id and by address", async () => {
    const found = await client.users.lookupByEmail({ email: "kris@moosequest.net" });
    expect(found.user?.id).toBe(RAXX.operator);
    const info = await client.users.info({ user: RAXX.operator });
    expect([info.user?.name, info.user?.profile?.email]).toEqual(["kris", "kris@moosequest.net"]);
    expect(await refusal(client.users.info({ user: "U0" }))).toBe("user_not_found");
  });

  it("opens one conversation with a person, and posts text, blocks and metadata", async () => {
    const channel = await dm();
    expect(await dm()).toBe(channel);
    const blocks = [{ type: "section", text: { type: "mrkdwn", text: "*A run is held*" } }];
    const posted = await client.chat.postMessage({
      channel,
      text: "A run is held",
      blocks,
      metadata: METADATA,
    });
    expect([posted.channel, posted.message?.text]).toEqual([channel, "A run is held"]);
    expect(served.sandbox.control.truth().slack.users[0]?.messages).toMatchObject([
      { ts: posted.ts, text: "A run is held", blocks, metadata: METADATA },
    ]);
  });

  it("finds a message again by its metadata, page by page", async () => {
    const channel = await dm();
    for (const text of ["one", "two"]) await client.chat.postMessage({ channel, text, metadata: METADATA });
    const pages = client.paginate("conversations.history", { channel, limit: 1, include_all_metadata: true });
    const found: unknown[] = [];
    for await (const page of pages) found.push(...[at(page, "messages")].flat());
    expect(found.slice(0, 2)).toMatchObject([
      { text: "two", metadata: METADATA },
      { text: "one", metadata: METADATA },
    ]);
  });

  it("is refused another bot's conversation", async () => {
    served.sandbox.control.act({ act: "slack.install-bot", name: "other" });
    const other = clientFor(served.sandbox.control.estate().slack.bots["other"]?.token ?? "");
    expect(await refusal(other.chat.postMessage({ channel: await dm(), text: "x" }))).toBe(
      "channel_not_found",
    );
  });

  it("is limited with a time to wait", async () => {
    served.sandbox.control.addFault({ kind: "status", vendor: "slack", status: 429, retryAfter: 3 });
    await expect(client.auth.test()).rejects.toMatchObject({
      code: ErrorCode.RateLimitedError,
      retryAfter: 3,
    });
  });

  it("does not see a lost reply as an answer", async () => {
    const channel = await dm();
    served.sandbox.control.addFault({ kind: "lost-reply", vendor: "slack", route: "/chat.postMessage" });
    expect(await refusal(client.chat.postMessage({ channel, text: "lost" }))).toBe(ErrorCode.RequestError);
    const history = await client.conversations.history({ channel, limit: 1 });
    expect(history.messages?.[0]?.text).toBe("lost");
  });
});

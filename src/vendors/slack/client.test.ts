import { beforeEach, describe, expect, it } from "vitest";
import { RAXX } from "../../sandbox/raxx.ts";
import { testSandbox } from "../../sandbox/testing.ts";
import { testConnection, watched } from "../testing.ts";
import { type SlackClient, slackClient } from "./client.ts";

const POST = { text: "a <b> & c", block: "a <b> & c", event: "e1" };
let world: Awaited<ReturnType<typeof testSandbox>>;
let token: string;
let client: SlackClient;
let channel: string;

const messages = () => world.sandbox.control.truth().slack.users.flatMap((one) => one.messages);
const started = () => new Date(world.clock.now()).toISOString();

beforeEach(async () => {
  world = await testSandbox();
  token = world.sandbox.control.estate().slack.bots["lockstep"]?.token ?? "";
  client = watched(slackClient(connection()), [token]);
  const opened = await client.open(RAXX.operator);
  channel = opened.is === "done" ? opened.value : "";
});

function connection(fetch?: typeof globalThis.fetch) {
  const send = (request: Request) => world.sandbox.fetch("slack", request);
  return testConnection(send, world.clock, { token }, fetch ? { fetch } : {});
}

/** A client to whom everything is answered with this. */
function told(body: unknown, status = 200, headers: Record<string, string> = { "x-slack-req-id": "x" }) {
  return slackClient(connection(async () => new Response(JSON.stringify(body), { status, headers })));
}

describe("the Slack client", () => {
  it("[AP-07] opens the bot's own conversation with a person, the same one every time", async () => {
    expect(channel).toMatch(/^D/);
    expect(await client.open(RAXX.operator)).toEqual({ is: "done", value: channel });
    expect(await client.whoAmI()).toEqual({ is: "done", value: "U06LOCKBOT" });
    expect(messages()).toEqual([]);
  });

  it("[AP-07] a conversation of another bot is none of ours", async () => {
    world.sandbox.control.act({ act: "slack.install-bot", name: "other" });
    const other = world.sandbox.control.estate().slack.bots["other"]?.token ?? "";
    const send = (request: Request) => world.sandbox.fetch("slack", request);
    const theirs = slackClient(testConnection(send, world.clock, { token: other }));
    expect(await theirs.post(channel, POST)).toMatchObject({
      is: "refused",
      trouble: { code: "VENDOR_TARGET_MISSING", message: expect.stringContaining("channel_not_found") },
    });
  });

  it("posts text, one block and the event, and finds the event again on any page", async () => {
    const since = started();
    for (let n = 0; n < 120; n += 1) {
      await world.clock.advance(1_000);
      const sent = await client.post(channel, { ...POST, event: `e${n}` });
      expect(sent.is).toBe("done");
    }
    const found = await client.events(channel, since);
    expect(found.is === "done" && found.value).toHaveLength(120);
    expect(found.is === "done" && found.value).toContain("e0");
    expect(messages()[0]).toMatchObject({
      text: "a &lt;b&gt; &amp; c",
      blocks: [{ type: "section", text: { type: "plain_text", text: "a <b> & c" } }],
    });
    const later = await client.events(channel, started());
    expect(later.is === "done" && later.value.length).toBeLessThanOrEqual(1);
  });

  it("[X-09] reads refusals out of replies with status 200", async () => {
    world.sandbox.control.act({ act: "slack.set-scopes", bot: "lockstep", scopes: ["im:write"] });
    expect(await client.post(channel, POST)).toMatchObject({
      is: "refused",
      trouble: { code: "VENDOR_PERMISSION", message: expect.stringContaining("chat:write") },
    });
    expect(await client.open("U0NOBODY1")).toMatchObject({ trouble: { code: "VENDOR_TARGET_MISSING" } });
    world.sandbox.control.act({ act: "slack.revoke-token", bot: "lockstep" });
    expect(await client.whoAmI()).toMatchObject({
      is: "refused",
      trouble: { code: "VENDOR_REFUSED_CREDENTIAL" },
    });
  });

  it("[X-09] takes a reply without Slack's mark, or of another structure, for no evidence", async () => {
    const foreign = { is: "unknown", trouble: { code: "VENDOR_REPLY_FOREIGN" } };
    expect(await told({ ok: true, user_id: "U1" }, 200, {}).whoAmI()).toMatchObject(foreign);
    expect(await told({ ok: false, error: "invalid_auth" }, 200, {}).whoAmI()).toMatchObject(foreign);
    expect(await told({ ok: false }).whoAmI()).toMatchObject(foreign);
    expect(await told({ ok: true }).open(RAXX.operator)).toMatchObject(foreign);
    expect(await told({ ok: true, channel: { id: "C0123" } }).open("U1")).toMatchObject(foreign);
  });

  it("says what a lost reply hides: a message may stand there, an opened conversation changes nothing", async () => {
    world.sandbox.control.addFault({ kind: "lost-reply" });
    expect((await client.post(channel, POST)).is).toBe("unknown");
    expect(messages()).toHaveLength(1);
    world.sandbox.control.addFault({ kind: "lost-reply" });
    expect((await client.open(RAXX.operator)).is).toBe("retryable");
    expect((await told({ ok: false, error: "internal_error" }).post(channel, POST)).is).toBe("unknown");
    expect((await told({ ok: false, error: "internal_error" }).whoAmI()).is).toBe("retryable");
  });

  it("follows Retry-After", async () => {
    world.sandbox.control.set({ slack: { postsPerMinute: 1 } });
    await client.post(channel, POST);
    const limited = await client.post(channel, POST);
    expect(limited).toMatchObject({ is: "retryable", trouble: { code: "VENDOR_RATE_LIMITED" } });
    expect(limited.is === "retryable" && limited.afterMs).toBe(60_000);
    expect(messages()).toHaveLength(1);
  });
});

import { existsSync, readFileSync } from "node:fs";
import { Ajv } from "ajv";
import addFormats from "ajv-formats";
import { beforeEach, describe, expect, it } from "vitest";
import { RAXX } from "../raxx.ts";
import { at, type Send, testSandbox } from "../testing.ts";

let world: Awaited<ReturnType<typeof testSandbox>>;
let send: Send;

beforeEach(async () => {
  world = await testSandbox();
  send = world.slackAs("lockstep");
});

const call = (method: string, fields: Record<string, unknown> = {}) => send("POST", `/api/${method}`, fields);
const open = async (user: string = RAXX.operator) =>
  String(at((await call("conversations.open", { users: user })).body, "channel", "id"));
const told = () => world.sandbox.control.truth().slack.users[0]?.messages ?? [];

describe("tokens", () => {
  it("name the bot and its workspace", async () => {
    const { body } = await call("auth.test");
    expect(body).toMatchObject({ ok: true, team_id: "T02RAXXHQ1", bot_id: RAXX.slackBot, user: "lockstep" });
  });

  it("are refused with status 200 when absent, wrong or revoked", async () => {
    const errors = async () => {
      const none = await world.plain("slack")("POST", "/api/auth.test");
      const wrong = await world.plain("slack")("POST", "/api/auth.test", undefined, {
        authorization: "Bearer xoxb-wrong",
      });
      return [none, wrong, await call("auth.test")].map((one) => [one.status, at(one.body, "error")]);
    };
    const refused = [
      [200, "not_authed"],
      [200, "invalid_auth"],
    ];
    expect(await errors()).toEqual([...refused, [200, undefined]]);
    world.sandbox.control.act({ act: "slack.revoke-token", bot: "lockstep" });
    expect(await errors()).toEqual([...refused, [200, "token_revoked"]]);
    world.sandbox.control.act({ act: "slack.reinstall", bot: "lockstep" });
    expect(at((await call("auth.test")).body, "error")).toBe("invalid_auth");
    send = world.slackAs("lockstep");
    expect(at((await call("auth.test")).body, "ok")).toBe(true);
  });

  it("want a scope for each method", async () => {
    world.sandbox.control.act({
      act: "slack.set-scopes",
      bot: "lockstep",
      scopes: ["im:write", "users:read"],
    });
    const { body } = await call("chat.postMessage", { channel: await open(), text: "x" });
    expect(body).toMatchObject({
      error: "missing_scope",
      needed: "chat:write",
      provided: "im:write,users:read",
    });
    const info = await call("users.info", { user: RAXX.operator });
    expect([at(info.body, "user", "name"), at(info.body, "user", "profile", "email")]).toEqual([
      "kris",
      undefined,
    ]);
    expect(at((await call("users.nothing")).body, "error")).toBe("unknown_method");
  });
});

describe("people", () => {
  it("are found by id and by address", async () => {
    const info = await call("users.info", { user: RAXX.operator });
    const email = at(info.body, "user", "profile", "email");
    const found = await send("GET", `/api/users.lookupByEmail?email=${email}`);
    expect([email, at(found.body, "user", "id")]).toEqual(["kris@moosequest.net", RAXX.operator]);
    expect(at((await call("users.info", { user: "U0" })).body, "error")).toBe("user_not_found");
    expect(at((await call("users.lookupByEmail", { email: "x@y.z" })).body, "error")).toBe("users_not_found");
  });
});

describe("[AP-07] a direct message", () => {
  it("[AP-07] goes to a conversation that belongs to one bot", async () => {
    const channel = await open();
    expect([channel[0], await open()]).toEqual(["D", channel]);
    world.sandbox.control.act({ act: "slack.install-bot", name: "other" });
    const other = world.slackAs("other");
    const post = (by: Send, to: string) =>
      by("POST", "/api/chat.postMessage", { channel: to, text: "hello" });
    expect(at((await post(other, channel)).body, "error")).toBe("channel_not_found");
    expect(at((await post(other, RAXX.operator)).body, "channel")).not.toBe(channel);
    expect(at((await post(send, RAXX.operator)).body, "channel")).toBe(channel);
    expect(told().map((one) => one.channel === channel)).toEqual([false, true]);
  });

  it("[AP-07] cannot be opened with a bot, with nobody, or with somebody who has left", async () => {
    const { userId } = world.sandbox.control.estate().slack.bots["lockstep"] ?? { userId: "" };
    const error = async (users?: string) =>
      at((await call("conversations.open", users === undefined ? {} : { users })).body, "error");
    expect([await error(), await error(userId), await error("U0")]).toEqual([
      "users_list_not_supplied",
      "cannot_dm_bot",
      "user_not_found",
    ]);
    world.sandbox.control.act({ act: "slack.set-user", user: "kris", active: false });
    expect(await error(RAXX.operator)).toBe("user_disabled");
  });

  it("[AP-07] is refused where the app takes no messages, with nothing to say, and with broken blocks", async () => {
    const channel = await open();
    const error = async (fields: Record<string, unknown>) =>
      at((await call("chat.postMessage", { channel, ...fields })).body, "error");
    expect(await error({})).toBe("no_text");
    expect(await error({ text: "x".repeat(40_001) })).toBe("msg_too_long");
    expect(await error({ blocks: [{}] })).toBe("invalid_blocks");
    expect(await error({ text: "x", metadata: { event_type: "run" } })).toBe("invalid_metadata_schema");
    world.sandbox.control.set({ slack: { messagesTab: false } });
    expect(await error({ text: "x" })).toBe("messages_tab_disabled");
    expect(told()).toEqual([]);
  });
});

describe("[X-05] what was told", () => {
  const metadata = { event_type: "escalation", event_payload: { run: "heroku-api-key.rotate.1", step: 4 } };

  it("[X-05] is kept for each person, by form as well as by JSON", async () => {
    const channel = await open();
    const blocks = [{ type: "section", text: { type: "mrkdwn", text: "*held*" } }];
    await call("chat.postMessage", { channel, text: "held", blocks, metadata });
    const form = new URLSearchParams({ channel, text: "form", metadata: JSON.stringify(metadata) });
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    await send("POST", "/api/chat.postMessage", form.toString(), headers);
    expect(told()).toMatchObject([
      { text: "held", blocks, metadata },
      { text: "form", blocks: [], metadata },
    ]);
    expect(new Set(told().map((one) => one.ts)).size).toBe(2);
  });

  it("[X-05] is found again in the history, with its metadata where that is asked for", async () => {
    const channel = await open();
    for (const text of ["one", "two", "three"]) await call("chat.postMessage", { channel, text, metadata });
    const page = await call("conversations.history", { channel, limit: 2, include_all_metadata: true });
    expect(at(page.body, "messages", 0)).toMatchObject({ text: "three", metadata });
    expect(at(page.body, "has_more")).toBe(true);
    const cursor = at(page.body, "response_metadata", "next_cursor");
    const rest = await call("conversations.history", { channel, limit: 2, cursor });
    expect([at(rest.body, "messages", 0, "text"), at(rest.body, "messages", 0, "metadata")]).toEqual([
      "one",
      undefined,
    ]);
    const oldest = at(page.body, "messages", 1, "ts");
    const since = async (inclusive: boolean) =>
      at((await call("conversations.history", { channel, oldest, inclusive })).body, "messages", "length");
    expect([await since(false), await since(true)]).toEqual([1, 2]);
  });

  it("[X-05] is there after a lost reply, and found by its metadata", async () => {
    const channel = await open();
    world.sandbox.control.addFault({ kind: "lost-reply", vendor: "slack", route: "/chat.postMessage" });
    await expect(call("chat.postMessage", { channel, text: "x", metadata })).rejects.toThrow("fetch failed");
    const { body } = await call("conversations.history", { channel, include_all_metadata: true });
    expect(at(body, "messages", 0, "metadata")).toEqual(metadata);
    const [lost] = world.sandbox.control.journal.list({ vendor: "slack", effect: "write" }).slice(-1);
    expect(lost).toMatchObject({ path: "/chat.postMessage", status: null, credential: "lockstep" });
  });
});

describe("limits and faults", () => {
  it("limits a channel, in the vendor's words, until its minute is over", async () => {
    const channel = await open();
    world.sandbox.control.set({ slack: { postsPerMinute: 1 } });
    await call("chat.postMessage", { channel, text: "one" });
    await world.clock.advance(20_000);
    const limited = await call("chat.postMessage", { channel, text: "two" });
    expect([limited.status, limited.headers.get("retry-after"), limited.body]).toEqual([
      429,
      "40",
      { ok: false, error: "ratelimited" },
    ]);
    await world.clock.advance(40_000);
    expect((await call("chat.postMessage", { channel, text: "two" })).status).toBe(200);
    expect(told()).toHaveLength(2);
  });

  it("takes an error by name as a fault", async () => {
    world.sandbox.control.addFault({ kind: "status", vendor: "slack", status: 200, message: "fatal_error" });
    expect((await call("auth.test")).body).toEqual({ ok: false, error: "fatal_error" });
    world.sandbox.control.addFault({ kind: "status", vendor: "slack", status: 429, retryAfter: 7 });
    const limited = await call("auth.test");
    expect([limited.status, limited.headers.get("retry-after")]).toEqual([429, "7"]);
  });

  it("refuses what is neither form nor JSON, and warns of JSON without a charset", async () => {
    const text = await send("POST", "/api/auth.test", "x", { "content-type": "text/plain" });
    expect(at(text.body, "error")).toBe("invalid_post_type");
    expect(at((await call("auth.test")).body, "warning")).toBe("missing_charset");
    expect(at((await send("POST", "/api/auth.test", "{")).body, "error")).toBe("invalid_json");
    expect(at((await send("GET", "/api/chat.postMessage?text=x")).body, "error")).toBe("invalid_post_type");
  });
});

const SPEC = new URL("../../../../shared/specs/slack-web.swagger.json", import.meta.url);

it.skipIf(!existsSync(SPEC))(
  "fits Slack's own description (skipped where ../shared/specs is absent)",
  async () => {
    const { paths, definitions } = JSON.parse(readFileSync(SPEC, "utf8"));
    const ajv = new Ajv({ strict: false, allErrors: true });
    addFormats.default(ajv);
    ajv.addSchema({ $id: "slack", definitions });
    const check = (method: string, kind: "200" | "default", body: unknown) => {
      const [operation] = Object.values<{ responses: Record<string, { schema: object }> }>(
        paths[`/${method}`],
      );
      const schema = JSON.stringify(operation?.responses[kind]?.schema).replaceAll("#/", "slack#/");
      const validate = ajv.compile(JSON.parse(schema));
      expect([method, validate(body), validate.errors]).toEqual([method, true, null]);
    };
    const form = async (method: string, fields: Record<string, string> = {}) => {
      const headers = { "content-type": "application/x-www-form-urlencoded" };
      const body = new URLSearchParams(fields).toString();
      return (await send("POST", `/api/${method}`, body, headers)).body;
    };
    check("auth.test", "200", await form("auth.test"));
    check("users.lookupByEmail", "200", await form("users.lookupByEmail", { email: "kris@moosequest.net" }));
    check("users.lookupByEmail", "default", await form("users.lookupByEmail", { email: "nobody" }));
    check("conversations.open", "200", await form("conversations.open", { users: RAXX.operator }));
    check("conversations.open", "default", await form("conversations.open", { users: "U0" }));
    const channel = await open();
    check("chat.postMessage", "default", await form("chat.postMessage", { channel: "D0" }));
    // The description is of 2020; a message has said since then which app it is from.
    const { message, ...posted } = Object(await form("chat.postMessage", { channel, text: "x" }));
    const { app_id, ...older } = message;
    expect(app_id).toMatch(/^A/);
    check("chat.postMessage", "200", { ...posted, message: older });
  },
);

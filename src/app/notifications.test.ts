import { randomBytes } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { LockstepError } from "../core/errors.ts";
import type { Escalation } from "../core/record.ts";
import { Secret } from "../core/secret-value.ts";
import { openDatabase } from "../db/connect.ts";
import type { Database } from "../db/database.ts";
import { fresh, someRun, type TestDatabase, testDatabase } from "../db/harness.ts";
import { progressIn } from "../db/progress.ts";
import { getRun } from "../db/runs.ts";
import { alphanumeric } from "../sandbox/random.ts";
import { RAXX } from "../sandbox/raxx.ts";
import { createSandbox, type Sandbox } from "../sandbox/sandbox.ts";
import { type ServedSandbox, serveSandbox } from "../sandbox/serve.ts";
import { type Config, checkConfig } from "./config.ts";
import type { Operator } from "./define-config.ts";
import { notificationChecks, notificationsOf, recipientsOf } from "./notifications.ts";
import { nextCommand, safeState } from "./run-words.ts";

const PROJECT = "6d0e3b52-8f4c-4f9a-b1d7-2c95e7a04f38";
const KRIS: Operator = { role: "ops", email: "ops@raxx.app", slack: RAXX.operator };
let test: TestDatabase;
let sandbox: Sandbox;
let served: ServedSandbox;
const lines: string[] = [];

beforeAll(async () => {
  test = await testDatabase();
});
afterAll(() => test?.close());
beforeEach(async () => {
  sandbox = await createSandbox();
  served = await serveSandbox(sandbox);
  lines.length = 0;
  await test.db.query("DELETE FROM lockstep.notice");
});
afterEach(() => served.close());

function configOf(change: Record<string, unknown> = {}): Config {
  const placed = {
    kind: "infisical",
    connection: "vault",
    project: PROJECT,
    environment: "prod",
    path: "/a",
  };
  return checkConfig({
    operators: { kris: KRIS },
    notify: {
      slack: { connection: "slack" },
      email: {
        url: served.urls.mail,
        from: "lockstep@raxx.app",
        credential: { user: { env: "SMTP_USER" }, password: { env: "SMTP_PASSWORD" } },
      },
    },
    connections: {
      slack: { vendor: "slack", url: served.urls.slack, credential: { token: { env: "SLACK_BOT_TOKEN" } } },
      heroku: { vendor: "heroku", credential: { secret: "key" } },
      vault: { vendor: "infisical", credential: { clientId: { env: "A" }, clientSecret: { env: "B" } } },
    },
    secrets: {
      key: {
        system: "s",
        owner: "o",
        role: "ops",
        environment: "production",
        cadence: "90d",
        issuer: {
          kind: "heroku-authorization",
          connection: "heroku",
          account: "a@example.com",
          scope: ["global"],
          description: "ci-{YYYY-MM}",
        },
        vault: { ...placed, fields: { token: "KEY" } },
      },
    },
    ...change,
  });
}

function environment(): NodeJS.ProcessEnv {
  const { slack, mail } = sandbox.control.estate();
  const [user = "", password = ""] = Object.entries(mail.accounts)[0] ?? [];
  return {
    SLACK_BOT_TOKEN: slack.bots["lockstep"]?.token,
    SMTP_USER: user,
    SMTP_PASSWORD: password,
  };
}

function homeOf(config = configOf(), database: Database = test.db, env = environment()) {
  return { config, database, env };
}

const log = ({ msg }: { msg: string }) => void lines.push(msg);

/** Longer than any machine takes. */
const PATIENCE_MS = 240_000;

/** A process that tells these events, delivers what is due, and ends. */
async function processThat(events: readonly Escalation[], home = homeOf()): Promise<void> {
  const notifications = notificationsOf(home, log);
  for (const event of events) await notifications.escalate(event);
  notifications.start();
  await notifications.close(PATIENCE_MS);
}

function escalation(more: Partial<Escalation> = {}): Escalation {
  const text = {
    says: "key is held: the vault answered 503",
    state: "both keys work",
    next: "lockstep runs",
  };
  return { event: fresh("event"), kind: "held", secret: "key", ...text, ...more };
}

const direct = () => sandbox.control.truth().slack.users.flatMap((one) => one.messages);
const mail = () => sandbox.control.truth().mail.messages;
/** As if the wait for the next attempt had passed. */
const later = () =>
  test.db.query("UPDATE lockstep.notice SET next_at = clock_timestamp() WHERE ended_at IS NULL");
const endings = async () =>
  (
    await test.db.query<{ channel: string; ending: string | null }>(
      "SELECT channel, ending FROM lockstep.notice ORDER BY channel DESC",
    )
  ).map((one) => [one.channel, one.ending]);

describe("notifications", () => {
  it("[X-05][HK-19] tell an operator by Slack and by mail what happened, what is safe, and the next command", async () => {
    const run = await someRun(test.db, "key");
    const trouble = {
      code: "VENDOR_ERROR",
      message: "the vault answered 503",
      because: "b",
      next: "n",
    } as const;
    await progressIn(test.db).run(run, { status: "held", question: "decision/store/1", trouble });
    await processThat([escalation({ event: `${run}/decision/store/1`, run })]);
    // What `lockstep show` says.
    const text = [
      "key is held: the vault answered 503",
      "",
      `safe  ${safeState(await getRun(test.db, run), [])}`,
      `next  ${nextCommand(await getRun(test.db, run))}`,
      `run   ${run}`,
    ].join("\n");
    expect(text).toContain(`next  lockstep resolve ${run}`);
    expect(direct()).toMatchObject([{ text, blocks: [{ type: "section", text: { text } }] }]);
    expect(mail()).toMatchObject([
      {
        envelope: { to: ["ops@raxx.app"] },
        subject: "[Lockstep] PRODUCTION key: held, a decision is needed",
        text,
        html: null,
      },
    ]);
    expect(lines).toEqual([]);
  });

  it("[X-05] tell it once, whichever processes tell and deliver it, and however often", async () => {
    const other = await openDatabase(test.url);
    const one = escalation();
    await Promise.all([
      processThat([one, one]),
      processThat([one], homeOf(configOf(), other)),
      processThat([one]),
    ]);
    await later();
    await processThat([one], homeOf(configOf(), other));
    expect([direct().length, mail().length]).toEqual([1, 1]);
    await other.close();
  });

  it("[X-05] reach whoever has at least the secret's role, by every way for which there is an address", () => {
    const operators = {
      viewer: { role: "viewer", email: "viewer@raxx.app", slack: "U0VIEWER1" },
      kris: KRIS,
      boss: { role: "superadmin", email: "OPS@raxx.app" },
      quiet: { role: "superadmin" },
    };
    const { notify } = configOf();
    const also = { slack: { ...notify?.slack, also: ["U0ONCALL1", RAXX.operator] } };
    const config = configOf({ operators, notify: { ...notify, ...also } });
    expect(recipientsOf(config, "key")).toEqual([
      { channel: "slack", address: RAXX.operator },
      { channel: "slack", address: "U0ONCALL1" },
      { channel: "email", address: "OPS@raxx.app" },
    ]);
    expect(recipientsOf({ ...config, notify: undefined }, "key")).toEqual([]);
  });

  it("[X-05] carry no value that is in this process's memory", async () => {
    const planted = alphanumeric(randomBytes, 30);
    const kept = Secret.of(planted);
    const forms = [planted, Buffer.from(planted).toString("base64")];
    const says = `the vendor said ${forms.join(" and ")}`;
    await processThat([escalation({ kind: "sev-1", says, state: says, next: says })]);
    expect([direct().length, mail().length]).toEqual([1, 1]);
    const rows = await test.db.query("SELECT notice::text AS all FROM lockstep.notice");
    const all = JSON.stringify([sandbox.slack.messages, sandbox.mail.messages, rows, lines]);
    expect(all).toContain("the vendor said [secret] and [secret]");
    for (const form of forms) expect(all).not.toContain(form);
    const { SLACK_BOT_TOKEN = "", SMTP_PASSWORD = "" } = environment();
    for (const value of [SLACK_BOT_TOKEN, SMTP_PASSWORD]) expect(all).not.toContain(value);
    expect(kept.equals(Secret.of(planted))).toBe(true);
  });

  it("[X-05] after a lost reply Slack is looked at, and a mail goes again under its own id", async () => {
    sandbox.control.addFault({ kind: "lost-reply", vendor: "slack", route: "/chat.postMessage" });
    sandbox.control.addFault({ kind: "lost-reply", vendor: "mail" });
    await processThat([escalation()]);
    expect(await endings()).toEqual([
      ["slack", null],
      ["email", null],
    ]);
    expect([direct().length, mail().length]).toEqual([1, 1]);
    await later();
    await processThat([]);
    expect([direct().length, mail().length]).toEqual([1, 2]);
    expect(new Set(mail().map((one) => one.messageId)).size).toBe(1);
    expect(await endings()).toEqual([
      ["slack", "sent"],
      ["email", "sent"],
    ]);
  });

  it("[X-05] a process that dies before it can note what it sent leaves no second direct message", async () => {
    const outage = new LockstepError({ code: "DATABASE_UNREACHABLE", message: "m", because: "b", next: "n" });
    const query: Database["query"] = (sql, values) =>
      values?.includes("sent") === true ? Promise.reject(outage) : test.db.query(sql, values);
    await processThat([escalation()], homeOf(configOf(), { ...test.db, query }));
    expect([direct().length, mail().length]).toEqual([1, 1]);
    await processThat([]);
    await later();
    await processThat([]);
    expect(direct()).toHaveLength(1);
    // Of the mail nobody can know; both are one message for mail programs.
    expect(new Set(mail().map((one) => one.messageId)).size).toBe(1);
    expect(await endings()).toEqual([
      ["slack", "sent"],
      ["email", "sent"],
    ]);
  });

  it("[X-05] where the bot may not look, a message comes rather twice than not at all", async () => {
    const scopes = ["chat:write", "im:write"];
    sandbox.control.act({ act: "slack.set-scopes", bot: "lockstep", scopes });
    sandbox.control.addFault({ kind: "lost-request", vendor: "slack", route: "/chat.postMessage" });
    await processThat([escalation()]);
    expect(direct()).toHaveLength(0);
    await later();
    await processThat([]);
    expect(direct()).toHaveLength(1);
  });

  it("[X-05] an endpoint that is dead delays its messages, and nothing else", async () => {
    sandbox.control.addFault({ kind: "status", status: 503, vendor: "slack", count: null });
    await processThat([escalation()]);
    expect(mail()).toHaveLength(1);
    expect(lines).toEqual([
      expect.stringContaining("The slack message about key is not delivered: VENDOR_ERROR"),
    ]);
    sandbox.control.clearFaults();
    await processThat([]);
    expect(direct()).toHaveLength(0);
    await later();
    await processThat([]);
    expect(direct()).toHaveLength(1);
  });

  it("[X-05] come back no sooner than Slack allows", async () => {
    sandbox.control.addFault({ kind: "status", status: 429, retryAfter: 3_000, vendor: "slack" });
    await processThat([escalation()]);
    const rows = await test.db.query<{ wait: number }>(
      `SELECT extract(epoch FROM next_at - clock_timestamp())::float8 AS wait
       FROM lockstep.notice WHERE channel = 'slack'`,
    );
    expect(rows[0]?.wait).toBeGreaterThan(2_900);
    // The limit is the account's: it is kept for the next messages too.
    await test.db.query("DELETE FROM lockstep.budget");
  });

  it("fail no run: a fault of ours is only told, an outage of the database repeats the entry", async () => {
    const broken = { ...test.db, query: async () => Promise.reject(new TypeError("ours")) };
    await notificationsOf(homeOf(configOf(), broken), log).escalate(escalation());
    expect(lines).toEqual([expect.stringContaining("Nobody is told of")]);
    const outage = new LockstepError({ code: "DATABASE_UNREACHABLE", message: "m", because: "b", next: "n" });
    const away = { ...test.db, query: () => Promise.reject(outage) };
    await expect(notificationsOf(homeOf(configOf(), away), log).escalate(escalation())).rejects.toMatchObject(
      {
        code: "DATABASE_UNREACHABLE",
      },
    );
  });

  it("use their own words where the run cannot be read", async () => {
    await processThat([escalation({ run: "key.rotate.99" })]);
    expect(direct()[0]?.text).toContain("safe  both keys work");
  });
});

describe("what doctor looks at", () => {
  async function looked(home = homeOf()) {
    return Promise.all(
      notificationChecks(home).map(({ what, look }) =>
        look().then(
          ({ says }) => [what, says],
          (thrown: { code: string }) => [what, thrown.code],
        ),
      ),
    );
  }

  it("[AP-07] opens each conversation and has the mail server greet, and sends nothing", async () => {
    expect(await looked()).toEqual([
      ["slack", "reaches 1 person"],
      ["email", "reaches 1 person"],
      ["messages", "0 wait, none was given up"],
    ]);
    expect([direct().length, mail().length]).toEqual([0, 0]);
    expect(notificationChecks(homeOf({ ...configOf(), notify: undefined }))).toEqual([]);
  });

  it("tells what is wrong: a person who is gone, a dead token, a wrong password, a variable that is not set", async () => {
    sandbox.control.act({ act: "slack.set-user", user: "kris", active: false });
    sandbox.control.act({ act: "mail.reset-password", user: "lockstep@moosequest.net" });
    const old = { ...environment(), SMTP_PASSWORD: "wrong" };
    expect((await looked(homeOf(configOf(), test.db, old))).slice(0, 2)).toEqual([
      ["slack", "VENDOR_REFUSED"],
      ["email", "VENDOR_REFUSED_CREDENTIAL"],
    ]);
    expect((await looked(homeOf(configOf(), test.db, {}))).slice(0, 2)).toEqual([
      ["slack", "CREDENTIAL_MISSING"],
      ["email", "CREDENTIAL_MISSING"],
    ]);
  });

  it("[X-05] tells of messages that were given up", async () => {
    const notifications = notificationsOf(homeOf(), log);
    await notifications.escalate(escalation());
    await test.db.query("UPDATE lockstep.notice SET at = at - interval '8 days'");
    expect((await looked()).at(-1)).toEqual(["messages", "NOTICE_UNDELIVERED"]);
  });
});

describe("the configuration of notifications", () => {
  const wrong = (change: Record<string, unknown>): string => {
    try {
      configOf(change);
    } catch (thrown) {
      return thrown instanceof Error ? thrown.message : "";
    }
    return "";
  };

  it("lists every mistake with its path, and repeats no password of a URL", () => {
    const password = alphanumeric(randomBytes, 6);
    const url = `smtp://u:${password}@h`;
    const message = wrong({
      operators: { kris: { role: "ops" } },
      notify: { slack: { connection: "vault" }, email: { url, from: "lockstep@raxx.app" } },
    });
    expect(message.split("\n").slice(1)).toEqual([
      expect.stringMatching(/^notify\.email\.url: found a URL with a user or password, allowed smtp:\/\//),
      "notify.email.also: found nobody: no operator has an address of this kind, allowed at least one",
      "notify.slack.connection: found a connection of infisical, allowed slack",
      "notify.slack.also: found nobody: no operator has an address of this kind, allowed at least one",
    ]);
    expect(message).not.toContain(password);
    const shapes = wrong({
      notify: { slack: { connection: "slack", also: ["#ops"] }, email: { url: "https://h", from: "me" } },
    });
    for (const path of ["notify.slack.also[0]", "notify.email.url", "notify.email.from"])
      expect(shapes).toContain(`${path}: found`);
  });

  it("takes no managed secret for the messages: they must not depend on the vault of whose outage they tell", () => {
    const { connections } = configOf();
    const managed = { ...connections, slack: { vendor: "slack", credential: { secret: "key" } } };
    expect(wrong({ connections: managed })).toContain("notify.slack.connection: found one whose token");
  });
});

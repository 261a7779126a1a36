import { userInfo } from "node:os";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RAXX } from "../../src/sandbox/raxx.ts";
import { type Called, call, json, openSite, type Site } from "./cli-harness.ts";
import { raxx } from "./raxx-config.ts";

let site: Site;
let home: Called;
beforeAll(async () => {
  site = await openSite();
  const { notify, operators } = raxx();
  const { dir, env } = await site.project((config) => ({
    ...config,
    operators: { [userInfo().username]: operators?.["kris"] },
    notify: { ...notify, email: { ...notify?.email, url: site.urls.mail } },
  }));
  const { slack, mail } = site.sandbox.control.estate();
  const [user = "", password = ""] = Object.entries(mail.accounts)[0] ?? [];
  const token = slack.bots["lockstep"]?.token ?? "";
  home = { dir, env: { ...env, SLACK_BOT_TOKEN: token, SMTP_USER: user, SMTP_PASSWORD: password } };
});
afterAll(() => site?.close());

const told = () => {
  const { slack, mail } = site.sandbox.control.truth();
  const direct = slack.users.find((one) => one.id === RAXX.operator)?.messages ?? [];
  return [direct.map((one) => one.text), mail.messages.map((one) => one.text)];
};

describe("a rotation that needs a person", () => {
  it("[HK-19][X-05] tells by Slack and mail, when the vault write fails with a new key in flight, what show says", async () => {
    site.sandbox.control.addFault({
      kind: "status",
      status: 500,
      vendor: "infisical",
      method: "PATCH",
      count: null,
    });
    const left = await call(home, "rotate", "heroku-api-key", "--yes", "--json");
    expect(left.code).toBe(5);
    const { run } = json<{ run: string }>(left);
    const { state, next } = json<{ state: string; next: string }>(await call(home, "show", run, "--json"));
    expect(next).toContain(`lockstep resolve ${run}`);
    const [direct, mail] = told();
    expect(mail).toEqual(direct);
    expect(direct).toHaveLength(1);
    const lines = direct?.[0]?.split("\n") ?? [];
    expect(lines[0]).toContain("heroku-api-key is held: ");
    expect(lines.slice(1)).toEqual(["", `safe  ${state}`, `next  ${next}`, `run   ${run}`]);
    const values = [
      ...Object.values(site.sandbox.control.estate().heroku.tokens),
      ...Object.values(home.env ?? {}).filter((value) => !value.includes("@")),
    ];
    for (const value of values) expect(JSON.stringify([told(), left])).not.toContain(value);
  });

  it("[HK-19] goes on from there once it can, and says nothing twice", async () => {
    site.sandbox.control.clearFaults();
    const left = await call(home, "rotate", "heroku-api-key", "--yes", "--json");
    expect([left.code, json(left)["status"]]).toEqual([0, "completed"]);
    expect(told().map((one) => one.length)).toEqual([1, 1]);
  });

  it("doctor looks at both ways, and says which one does not work", async () => {
    const fine = await call(home, "doctor");
    expect(fine.out).toMatch(/✓\s+slack\s+reaches 1 person/);
    expect(fine.out).toMatch(/✓\s+email\s+reaches 1 person/);
    site.sandbox.control.act({ act: "slack.revoke-token", bot: "lockstep" });
    const bad = await call(home, "doctor");
    expect(bad.code).toBe(1);
    expect(bad.out).toMatch(/✗\s+slack\s+VENDOR_REFUSED_CREDENTIAL/);
  });
});

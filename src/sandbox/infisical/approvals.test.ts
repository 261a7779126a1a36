import { beforeEach, describe, expect, it } from "vitest";
import { RAXX } from "../raxx.ts";
import { at, type Send, testSandbox } from "../testing.ts";

let world: Awaited<ReturnType<typeof testSandbox>>;
let send: Send;
const PLACE = { projectId: RAXX.projectId, environment: "prod", secretPath: "/MooseQuest/heroku" };
const KEY = "/api/v4/secrets/HEROKU_API_KEY";
const REQUESTS = "/api/v1/secret-approval-requests";

beforeEach(async () => {
  world = await testSandbox();
  world.sandbox.control.set({ infisical: { approvalsShownToIdentities: true } });
  send = await world.login("lockstep");
  const policy = { environment: "prod", path: PLACE.secretPath, on: true, coversIdentities: true };
  world.sandbox.control.act({ act: "set-approval-policy", ...policy });
});

async function ask(value: string): Promise<string> {
  const { body } = await send("PATCH", KEY, { ...PLACE, secretValue: value });
  return String(at(body, "approval", "id"));
}

async function request(id: string, reader = send) {
  const { status, body } = await reader("GET", `${REQUESTS}/${id}`);
  return { status, is: at(body, "approval", "status"), merged: at(body, "approval", "hasMerged"), body };
}

async function stored() {
  const { body } = await send("GET", `${KEY}?${new URLSearchParams(PLACE)}`);
  return { value: at(body, "secret", "secretValue"), version: at(body, "secret", "version") };
}

describe("[HK-19] a change that waits for approval", () => {
  it("[HK-19] is open, and merged late as a new version", async () => {
    const before = await stored();
    const id = await ask("wanted");
    expect(await request(id)).toMatchObject({ status: 200, is: "open", merged: false });
    expect(await stored()).toEqual(before);
    await world.clock.advance(86_400_000);
    send = await world.login("lockstep");
    world.sandbox.control.act({ act: "decide-approval", id, decision: "merge" });
    const after = await request(id);
    expect(after).toMatchObject({ is: "close", merged: true });
    expect(await stored()).toEqual({ value: "wanted", version: 4 });
    expect([at(after.body, "approval", "environment"), at(after.body, "approval", "secretPath")]).toEqual([
      "prod",
      PLACE.secretPath,
    ]);
    expect(at(after.body, "approval", "commits", 0)).toMatchObject({
      op: "update",
      secretKey: "HEROKU_API_KEY",
    });
  });

  it("[HK-19] is closed without being merged", async () => {
    const id = await ask("unwanted");
    world.sandbox.control.act({ act: "decide-approval", id, decision: "reject" });
    expect(await request(id)).toMatchObject({ is: "close", merged: false });
    expect((await stored()).value).not.toBe("unwanted");
    expect(() => world.sandbox.control.act({ act: "decide-approval", id, decision: "merge" })).toThrow(id);
  });

  it("[HK-19] holds a whole batch together", async () => {
    const secrets = [
      { secretKey: "HEROKU_API_KEY", secretValue: "first" },
      { secretKey: "OTHER", secretValue: "second" },
    ];
    const reply = await send("PATCH", "/api/v4/secrets/batch", { ...PLACE, secrets, mode: "upsert" });
    expect([reply.status, at(reply.body, "secrets")]).toEqual([200, undefined]);
    const id = String(at(reply.body, "approval", "id"));
    expect(world.sandbox.control.truth().infisical.projects[0]?.approvals).toMatchObject([
      { id, status: "open", keys: ["HEROKU_API_KEY", "OTHER"] },
    ]);
    world.sandbox.control.act({ act: "decide-approval", id, decision: "merge" });
    expect((await stored()).value).toBe("first");
    expect(
      world.sandbox.control.truth().infisical.projects[0]?.secrets.some((one) => one.key === "OTHER"),
    ).toBe(true);
  });

  it("[HK-19] is listed, and never shows the value", async () => {
    const id = await ask("not-to-be-shown");
    const list = await send("GET", `${REQUESTS}?projectId=${RAXX.projectId}&status=open`);
    expect([at(list.body, "totalCount"), at(list.body, "approvals", 0, "id")]).toEqual([1, id]);
    expect(list.text + JSON.stringify((await request(id)).body)).not.toContain("not-to-be-shown");
    expect((await request("00000000-0000-4000-8000-000000000000")).status).toBe(404);
  });

  it("[HK-19] is shown to people only, unless the server says otherwise", async () => {
    const id = await ask("wanted");
    world.sandbox.control.set({ infisical: { approvalsShownToIdentities: false } });
    expect((await request(id)).status).toBe(403);
    const { userToken } = world.sandbox.control.estate().infisical;
    const plain = world.plain("infisical");
    const person: Send = (method, path) =>
      plain(method, path, undefined, { authorization: `Bearer ${userToken}` });
    expect(await request(id, person)).toMatchObject({ status: 200, is: "open" });
  });
});

describe("[X-09] an access proxy in front", () => {
  it.each([
    ["forbidden", 403],
    ["login", 200],
    ["redirect", 302],
  ] as const)("[X-09] answers every route in HTML, as %s", async (answers, status) => {
    world.sandbox.control.act({ act: "set-access-proxy", on: true, answers });
    for (const path of [KEY, "/api/status", "/nowhere"]) {
      const reply = await send("GET", path);
      expect([reply.status, reply.headers.get("content-type")]).toEqual([status, "text/html; charset=utf-8"]);
      expect(reply.headers.get("location")?.startsWith("/cdn-cgi/access/login") ?? false).toBe(
        status === 302,
      );
    }
    const { headers } = world.sandbox.control.estate().infisical;
    expect(Object.keys(headers)).toHaveLength(2);
    expect((await send("GET", "/api/status", undefined, headers)).status).toBe(200);
    world.sandbox.control.act({ act: "set-access-proxy", on: false });
    expect((await send("GET", "/api/status")).status).toBe(200);
  });
});

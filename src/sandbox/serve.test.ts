import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RAXX } from "./raxx.ts";
import { createSandbox, type Sandbox } from "./sandbox.ts";
import { type ServedSandbox, serveSandbox } from "./serve.ts";
import { at } from "./testing.ts";

let sandbox: Sandbox;
let served: ServedSandbox;
let heroku: Record<string, string>;

beforeAll(async () => {
  sandbox = await createSandbox();
  served = await serveSandbox(sandbox);
  const token = sandbox.control.estate().heroku.tokens[RAXX.currentAuthorization] ?? "";
  heroku = { authorization: `Bearer ${token}`, accept: "application/vnd.heroku+json; version=3" };
});

afterAll(() => served.close());

async function control(method: string, path: string, body?: unknown) {
  const init = body === undefined ? { method } : { method, body: JSON.stringify(body) };
  const response = await fetch(served.urls.control + path, init);
  const text = await response.text();
  return { status: response.status, body: text === "" ? null : JSON.parse(text) };
}

describe("over sockets", () => {
  it("answers each vendor on a port of its own", async () => {
    expect(new Set(Object.values(served.urls)).size).toBe(6);
    expect((await fetch(`${served.urls.heroku}/account`, { headers: heroku })).status).toBe(200);
    expect((await fetch(`${served.urls.github}/user`)).status).toBe(401);
    expect((await fetch(`${served.urls.infisical}/api/status`)).status).toBe(200);
    expect(await (await fetch(`${served.urls.slack}/api/auth.test`)).json()).toMatchObject({
      error: "not_authed",
    });
    expect(served.urls.mail).toMatch(/^smtp:\/\/127\.0\.0\.1:\d+$/);
  });

  it("breaks the connection for a lost reply, and in the middle of a truncated one", async () => {
    const mint = {
      method: "POST",
      headers: heroku,
      body: JSON.stringify({ scope: ["read"], description: "lost" }),
    };
    await control("POST", "/faults", { kind: "lost-reply", vendor: "heroku" });
    await expect(fetch(`${served.urls.heroku}/oauth/authorizations`, mint)).rejects.toThrow("fetch failed");
    expect(sandbox.heroku.authorizations.filter((one) => one.description === "lost")).toHaveLength(1);
    await control("POST", "/faults", { kind: "truncated", abort: true });
    const broken = await fetch(`${served.urls.heroku}/account`, { headers: heroku });
    await expect(broken.text()).rejects.toThrow();
    expect((await fetch(`${served.urls.heroku}/account`, { headers: heroku })).status).toBe(200);
  });
});

describe("doors that close", () => {
  it("let what has begun end first, and take nothing more", async () => {
    const [begun, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const slow = Object.create(sandbox, {
      fetch: {
        value: async () => {
          begun.resolve();
          await goOn.promise;
          return new Response("ended");
        },
      },
    }) as Sandbox;
    const { urls, close } = await serveSandbox(slow, { graceMs: 600_000 });
    const asked = fetch(urls.github);
    await begun.promise;
    const closing = close();
    await expect(fetch(urls.heroku)).rejects.toThrow("fetch failed");
    goOn.resolve();
    expect(await (await asked).text()).toBe("ended");
    await closing;
    const gone = expect.objectContaining({ cause: expect.objectContaining({ code: "ECONNREFUSED" }) });
    await expect(fetch(urls.github)).rejects.toEqual(gone);
  });

  it("do not wait for what never ends", async () => {
    const begun = Promise.withResolvers<void>();
    const never = Object.create(sandbox, {
      fetch: {
        value: () => {
          begun.resolve();
          return new Promise(() => {});
        },
      },
    }) as Sandbox;
    const { urls, close } = await serveSandbox(never);
    const asked = fetch(urls.github).catch((thrown: unknown) => thrown);
    await begun.promise;
    await close();
    expect(await asked).toBeInstanceOf(TypeError);
  });
});

describe("the control API", () => {
  it("tells truth and estate, and takes settings, faults and acts", async () => {
    const truth = await control("GET", "/truth");
    expect(at(truth.body, "heroku", "authorizations", 0, "id")).toBe(RAXX.currentAuthorization);
    expect(
      at((await control("GET", "/estate")).body, "infisical", "identities", "lockstep", "clientId"),
    ).toBeDefined();
    const settings = await control("PATCH", "/settings", { heroku: { federated: true } });
    expect(at(settings.body, "heroku", "federated")).toBe(true);
    const fault = await control("POST", "/faults", { kind: "html", status: 503, count: null });
    expect(at((await control("GET", "/faults")).body, 0, "id")).toBe(at(fault.body, "id"));
    expect((await control("DELETE", `/faults/${at(fault.body, "id")}`)).status).toBe(204);
    const act = await control("POST", "/acts", {
      act: "create-authorization",
      description: "by hand",
      scope: ["read"],
    });
    expect([act.status, typeof at(act.body, "id")]).toEqual([201, "string"]);
    expect((await control("POST", "/acts", { act: "restart-dynos", app: "nope" })).status).toBe(400);
    await control("DELETE", "/journal");
    expect((await control("GET", "/journal?vendor=heroku")).body).toEqual([]);
  });

  it("refuses browsers of other origins", async () => {
    const reply = await fetch(`${served.urls.control}/estate`, {
      headers: { origin: "http://evil.example" },
    });
    expect(reply.status).toBe(403);
  });
});

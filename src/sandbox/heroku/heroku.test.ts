import { beforeEach, describe, expect, it } from "vitest";
import { RAXX } from "../raxx.ts";
import { at, type Send, testSandbox } from "../testing.ts";
import { currentRelease } from "./state.ts";

let world: Awaited<ReturnType<typeof testSandbox>>;
let send: Send;
const CONFIG = "/apps/raxx-api-prod/config-vars";

beforeEach(async () => {
  world = await testSandbox();
  send = world.herokuWith(tokenOf(RAXX.currentAuthorization));
});

function tokenOf(id: string): string {
  return world.sandbox.control.estate().heroku.tokens[id] ?? "";
}

function app(name = "raxx-api-prod") {
  const found = world.sandbox.heroku.apps.find((one) => one.name === name);
  if (!found) throw new Error(name);
  return found;
}

describe("protocol", () => {
  it("wants the version 3 Accept header", async () => {
    const reply = await send("GET", "/account", undefined, { accept: "application/json" });
    expect([reply.status, at(reply.body, "id")]).toEqual([406, "not_acceptable"]);
    const sdk = await send("GET", "/account", undefined, {
      accept: "application/vnd.heroku+json; version=3.sdk",
    });
    expect(sdk.status).toBe(200);
  });

  it("takes Bearer and Basic with an empty user", async () => {
    const basic = Buffer.from(`:${tokenOf(RAXX.currentAuthorization)}`).toString("base64");
    expect((await send("GET", "/account", undefined, { authorization: `Basic ${basic}` })).status).toBe(200);
    const refused = await send("GET", "/account", undefined, { authorization: "Bearer nonsense" });
    expect(refused.status).toBe(401);
    expect(refused.body).toEqual({ id: "unauthorized", message: "Invalid credentials provided." });
  });

  it("echoes a Request-Id and makes one otherwise", async () => {
    expect(
      (await send("GET", "/account", undefined, { "request-id": "mine" })).headers.get("request-id"),
    ).toBe("mine");
    expect((await send("GET", "/account")).headers.get("request-id")).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("answers 304 to a matching If-None-Match, and 412 to a stale If-Match", async () => {
    const etag = (await send("GET", CONFIG)).headers.get("etag") ?? "";
    expect((await send("GET", CONFIG, undefined, { "if-none-match": etag })).status).toBe(304);
    expect((await send("PATCH", CONFIG, { A: "1" }, { "if-match": etag })).status).toBe(200);
    expect((await send("PATCH", CONFIG, { A: "2" }, { "if-match": etag })).status).toBe(412);
    expect(currentRelease(app()).config["A"]).toBe("1");
  });

  it("charges one pool per account, refills it, and leaves /account/rate-limits free", async () => {
    const other = world.herokuWith(tokenOf(RAXX.sessionAuthorization));
    world.sandbox.control.act({ act: "set-pool", remaining: 2 });
    await send("GET", "/account");
    await other("GET", "/account");
    const refused = await send("GET", "/account");
    expect([refused.status, at(refused.body, "id"), refused.headers.get("ratelimit-remaining")]).toEqual([
      429,
      "rate_limit",
      "0",
    ]);
    expect((await send("GET", "/account/rate-limits")).body).toEqual({ remaining: 0 });
    await world.clock.advance(800);
    expect((await send("GET", "/account")).status).toBe(200);
  });

  it("pages by Range until nothing is left", async () => {
    const ids: unknown[] = [];
    let range = "id ..; max=5";
    for (;;) {
      const reply = await send("GET", "/oauth/authorizations", undefined, { range });
      ids.push(...(Array.isArray(reply.body) ? reply.body.map((one) => at(one, "id")) : []));
      const next = reply.headers.get("next-range");
      expect(reply.status).toBe(next === null ? 200 : 206);
      if (next === null) break;
      range = next;
    }
    expect(ids).toEqual(world.sandbox.heroku.authorizations.map((one) => one.id).toSorted());
    const newest = await send("GET", "/apps/raxx-api-prod/releases", undefined, {
      range: "version ..; order=desc,max=1",
    });
    expect(at(newest.body, 0, "version")).toBe(4);
    expect((await send("GET", "/apps", undefined, { range: "color red..; max=1" })).status).toBe(416);
  });
});

describe("authorizations", () => {
  it("shows a token in full only once", async () => {
    const made = await send("POST", "/oauth/authorizations", {
      scope: ["global"],
      description: "run-1",
      expires_in: "60",
    });
    const token = String(at(made.body, "access_token", "token"));
    expect([made.status, token.length, token.startsWith("HRKU-")]).toEqual([201, 65, true]);
    const read = await send("GET", `/oauth/authorizations/${at(made.body, "id")}`);
    expect(at(read.body, "access_token", "token")).toBe(`${token.slice(0, 9)}**********${token.slice(-4)}`);
    expect(at(read.body, "access_token", "expires_in")).toBe(60);
    await world.clock.advance(60_000);
    expect((await world.herokuWith(token)("GET", "/account")).status).toBe(401);
  });

  it("ends a token with its authorization, after the propagation delay", async () => {
    world.sandbox.control.set({ heroku: { revocationDelayMs: 5000 } });
    const old = world.herokuWith(tokenOf(RAXX.sessionAuthorization));
    expect((await send("DELETE", `/oauth/authorizations/${RAXX.sessionAuthorization}`)).status).toBe(200);
    expect((await send("GET", `/oauth/authorizations/${RAXX.sessionAuthorization}`)).status).toBe(404);
    expect((await old("GET", "/account")).status).toBe(200);
    await world.clock.advance(5000);
    expect((await old("GET", "/account")).status).toBe(401);
  });

  it("regenerates in place, ending the old token", async () => {
    const made = await send(
      "POST",
      `/oauth/authorizations/${RAXX.currentAuthorization}/actions/regenerate-tokens`,
    );
    expect(at(made.body, "id")).toBe(RAXX.currentAuthorization);
    expect((await send("GET", "/account")).status).toBe(401);
    expect(
      (await world.herokuWith(String(at(made.body, "access_token", "token")))("GET", "/account")).status,
    ).toBe(200);
  });

  it("mints a global one where no scope is named, as the CLI names none", async () => {
    const made = await send("POST", "/oauth/authorizations", { description: "x" });
    expect([made.status, at(made.body, "scope")]).toEqual([201, ["global"]]);
  });

  it("refuses to mint with a scope that is no list, for a federated account, and under a read scope", async () => {
    const bare = await send("POST", "/oauth/authorizations", { scope: "global" });
    expect([bare.status, at(bare.body, "message")]).toEqual([422, "Require array: scope."]);
    const billing = world.herokuWith(tokenOf(RAXX.billingAuthorization));
    expect((await billing("GET", "/apps")).status).toBe(200);
    expect((await billing("POST", "/oauth/authorizations", { scope: ["global"] })).status).toBe(403);
    expect((await billing("GET", CONFIG)).status).toBe(403);
    expect((await billing("PATCH", CONFIG, { A: "1" })).status).toBe(403);
    world.sandbox.control.set({ heroku: { federated: true } });
    const refused = await send("POST", "/oauth/authorizations", { scope: ["global"] });
    expect([refused.status, at(refused.body, "message")]).toEqual([
      403,
      "This account is a federated account. Federated accounts cannot issue OAuth authorizations.",
    ]);
  });

  it("answers ~ with the account's own key, and lets any token end itself", async () => {
    expect(at((await send("GET", "/oauth/authorizations/~")).body, "description")).toBe("API Key");
    const billing = world.herokuWith(tokenOf(RAXX.billingAuthorization));
    expect((await billing("DELETE", `/oauth/authorizations/${RAXX.billingAuthorization}`)).status).toBe(200);
    expect((await billing("GET", "/account")).status).toBe(401);
    expect(at((await send("DELETE", "/oauth/sessions/~")).body, "resource")).toBe("session");
  });

  it("[HK-04] tells the session that a login's token belongs to", async () => {
    const login = { description: "Heroku CLI login", scope: ["global"], session: true };
    const { id } = world.sandbox.control.act({ act: "create-authorization", ...login });
    const shown = await send("GET", `/oauth/authorizations/${id}`);
    expect(at(shown.body, "session", "id")).toMatch(/^[0-9a-f-]{36}$/);
    const cli = world.herokuWith(tokenOf(id ?? ""));
    expect((await cli("DELETE", "/oauth/sessions/~")).status).toBe(200);
    expect((await cli("GET", "/account")).status).toBe(401);
  });
});

describe("config vars, releases and dynos", () => {
  it("makes one release of a change and restarts the dynos with it", async () => {
    const before = app().dynos.map((one) => one.id);
    const reply = await send("PATCH", CONFIG, { HEROKU_API_KEY: "next", LOG_LEVEL: null });
    expect(reply.body).not.toHaveProperty("LOG_LEVEL");
    expect(currentRelease(app()).description).toBe(
      "Set HEROKU_API_KEY config vars; Remove LOG_LEVEL config vars",
    );
    expect(app().dynos.every((one) => !before.includes(one.id) && one.env["HEROKU_API_KEY"] === "next")).toBe(
      true,
    );
  });

  it("makes no release of a change that changes nothing", async () => {
    const config = (await send("GET", CONFIG)).body;
    expect((await send("PATCH", CONFIG, config)).status).toBe(422); // DATABASE_URL belongs to an add-on
    await send("PATCH", CONFIG, { LOG_LEVEL: "info", ABSENT: null });
    expect(currentRelease(app()).version).toBe(4);
  });

  it("shows old values while the release phase runs, then the new ones", async () => {
    world.sandbox.control.set({
      apps: { "raxx-api-prod": { releaseCommand: "migrate", releasePhaseMs: 3000, dynoStartMs: 500 } },
    });
    const reply = await send("PATCH", CONFIG, { LOG_LEVEL: "debug" });
    expect([at(reply.body, "LOG_LEVEL"), reply.headers.has("x-heroku-warning")]).toEqual(["info", true]);
    const pending = await send("GET", "/apps/raxx-api-prod/releases/5");
    expect([at(pending.body, "status"), at(pending.body, "current")]).toEqual(["pending", false]);
    await world.clock.advance(3000);
    expect(at((await send("GET", CONFIG)).body, "LOG_LEVEL")).toBe("debug");
    expect(at((await send("GET", "/apps/raxx-api-prod/dynos")).body, 0, "state")).toBe("starting");
    await world.clock.advance(500);
    expect(at((await send("GET", "/apps/raxx-api-prod/dynos")).body, 0, "state")).toBe("up");
  });

  it("keeps old values when the release command fails, also under a change queued behind it", async () => {
    const phase = { releaseCommand: "migrate", releasePhaseMs: 1000 };
    world.sandbox.control.set({ apps: { "raxx-api-prod": { ...phase, releaseFails: true } } });
    await send("PATCH", CONFIG, { LOG_LEVEL: "debug" });
    await send("PATCH", CONFIG, { APP_ENV: "other" });
    await world.clock.advance(1000);
    world.sandbox.control.set({ apps: { "raxx-api-prod": { releaseFails: false } } });
    await world.clock.advance(1000);
    expect(
      app()
        .releases.slice(-2)
        .map((one) => one.status),
    ).toEqual(["failed", "succeeded"]);
    expect(currentRelease(app()).config).toMatchObject({ LOG_LEVEL: "info", APP_ENV: "other" });
    expect(app().dynos[0]?.env["LOG_LEVEL"]).toBe("info");
  });

  it("rolls back to the values of an older release, which stay readable", async () => {
    await send("PATCH", CONFIG, { LOG_LEVEL: "debug" });
    const rolled = await send("POST", "/apps/raxx-api-prod/releases", { release: "4" });
    expect([rolled.status, at(rolled.body, "description")]).toEqual([201, "Rollback to v4"]);
    expect(at((await send("GET", CONFIG)).body, "LOG_LEVEL")).toBe("info");
    expect(at((await send("GET", "/apps/raxx-api-prod/releases/5/config-vars")).body, "LOG_LEVEL")).toBe(
      "debug",
    );
  });

  it("restarts dynos on request, all or one, and scales", async () => {
    const [first, second] = app().dynos;
    expect((await send("DELETE", "/apps/raxx-api-prod/dynos/web.1")).status).toBe(202);
    expect(app().dynos[0]?.id).not.toBe(first?.id);
    expect(app().dynos[1]?.id).toBe(second?.id);
    expect((await send("PATCH", "/apps/raxx-api-prod/formation/web", { quantity: 3 })).status).toBe(200);
    expect(app().dynos.map((one) => one.name)).toEqual(["web.1", "web.2", "web.3"]);
    // The CLI sends quantities as strings, changes with a sign.
    for (const [quantity, dynos] of [
      ["5", 5],
      ["+1", 6],
      ["-4", 2],
    ] as const) {
      await send("PATCH", "/apps/raxx-api-prod/formation", { updates: [{ type: "web", quantity }] });
      expect(app().dynos).toHaveLength(dynos);
    }
    const wrong = await send("PATCH", "/apps/raxx-api-prod/formation/web", { quantity: "many" });
    expect([wrong.status, at(wrong.body, "id")]).toEqual([422, "invalid_params"]);
  });

  it("lists the account's apps also where `heroku apps` asks for them", async () => {
    expect((await send("GET", "/users/~/apps")).body).toEqual((await send("GET", "/apps")).body);
    expect((await send("GET", "/users/somebody/apps")).status).toBe(404);
  });

  it("streams an app's log by a URL that needs no token", async () => {
    await send("PATCH", CONFIG, { LOG_LEVEL: "debug" });
    const session = await send("POST", "/apps/raxx-api-prod/log-sessions", { lines: 5 });
    const url = new URL(String(at(session.body, "logplex_url")));
    const log = await world.plain("heroku")("GET", `${url.pathname}${url.search}`);
    expect(log.text).toContain("heroku[web.1]: State changed from starting to up");
    expect(world.sandbox.control.journal.list().at(-1)?.query).not.toContain(url.searchParams.get("srv"));
  });
});

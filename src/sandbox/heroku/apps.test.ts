import { beforeEach, describe, expect, it } from "vitest";
import type { Act } from "../acts.ts";
import { RAXX } from "../raxx.ts";
import { at, type Send, testSandbox } from "../testing.ts";

const APP = "raxx-api-prod";
const CONFIG = `/apps/${APP}/config-vars`;
let world: Awaited<ReturnType<typeof testSandbox>>;
let send: Send;

beforeEach(async () => {
  world = await testSandbox();
  send = world.herokuWith(tokenOf(RAXX.currentAuthorization));
});

function tokenOf(id: string): string {
  return world.sandbox.control.estate().heroku.tokens[id] ?? "";
}

const act = (done: Act) => world.sandbox.control.act(done);

function truthOf(name: string) {
  const app = world.sandbox.control.truth().heroku.apps.find((one) => one.name === name);
  if (!app) throw new Error(name);
  return app;
}

describe("add-on variables", () => {
  it("[HK-21] name the config vars that an add-on owns, which no PATCH may change", async () => {
    const [addon] = [at((await send("GET", `/apps/${APP}/addons`)).body, 0)];
    expect(at(addon, "config_vars")).toEqual(["DATABASE_URL"]);
    const { body } = await send("GET", `/addons/${at(addon, "name")}/config`);
    expect(body).toEqual([{ name: "DATABASE_URL", value: `postgres://sandbox.invalid/${APP}` }]);
    expect(at((await send("GET", `/apps/${APP}/addon-attachments`)).body, 0, "name")).toBe("DATABASE");
    const refused = await send("PATCH", CONFIG, { DATABASE_URL: "x", LOG_LEVEL: "debug" });
    expect([refused.status, refused.body]).toEqual([
      422,
      { id: "invalid_params", message: "Cannot overwrite attachment values DATABASE_URL." },
    ]);
    const destroyed = await send("PATCH", CONFIG, { DATABASE_URL: null });
    expect(at(destroyed.body, "message")).toBe("Cannot destroy attachment values DATABASE_URL.");
    expect(at((await send("GET", CONFIG)).body, "LOG_LEVEL")).toBe("info");
  });

  it("[HK-21] may come to own the key, and let go of it", async () => {
    const variable = "HEROKU_API_KEY";
    act({ act: "heroku.attach-addon", app: APP, service: "key-vendor", variable });
    expect((await send("PATCH", CONFIG, { [variable]: "next" })).status).toBe(422);
    expect(truthOf(APP).config[variable]?.holds).toBe(RAXX.currentAuthorization);
    act({ act: "heroku.detach-addon", app: APP, variable });
    expect((await send("PATCH", CONFIG, { [variable]: "next" })).status).toBe(200);
  });
});

describe("releases by other hands", () => {
  it("[HK-21] are pending for a time, and a change behind them shows old values until then", async () => {
    act({ act: "heroku.release", app: APP, pendingSeconds: 300 });
    const last = async () => {
      const headers = { range: "version ..; order=desc,max=1" };
      return at((await send("GET", `/apps/${APP}/releases`, undefined, headers)).body, 0, "status");
    };
    expect(await last()).toBe("pending");
    const changed = await send("PATCH", CONFIG, { LOG_LEVEL: "debug" });
    expect([changed.status, at(changed.body, "LOG_LEVEL")]).toEqual([200, "info"]);
    expect(changed.headers.get("x-heroku-warning")).toMatch(/^Release command executing: /);
    expect(truthOf(APP).release).toEqual({
      version: 4,
      pending: true,
      latest: { version: 6, status: "pending" },
    });
    await world.clock.advance(300_000);
    expect([await last(), at((await send("GET", CONFIG)).body, "LOG_LEVEL")]).toEqual(["succeeded", "debug"]);
  });

  it("[HK-21] fail, and leave what was in force", async () => {
    act({ act: "heroku.release", app: APP, fails: true });
    expect(truthOf(APP).release).toEqual({
      version: 4,
      pending: false,
      latest: { version: 5, status: "failed" },
    });
  });

  it("go back to old values", async () => {
    act({ act: "set-config-var", app: APP, name: "HEROKU_API_KEY", value: { generated: 40 } });
    expect(truthOf(APP).config["HEROKU_API_KEY"]?.holds).toBe("unknown value");
    act({ act: "heroku.rollback", app: APP, release: 4 });
    expect(truthOf(APP).config["HEROKU_API_KEY"]?.holds).toBe(RAXX.currentAuthorization);
    expect(() => act({ act: "heroku.rollback", app: APP, release: 99 })).toThrow("no release 99");
  });
});

describe("other apps", () => {
  it("[DR-15] may hold the same key under another name", async () => {
    const config = { DEPLOY_TOKEN: { authorization: RAXX.currentAuthorization } };
    const { id } = act({ act: "heroku.create-app", name: "forgotten", config, processes: { worker: 1 } });
    const { body } = await send("GET", "/apps", undefined, { range: "name forgotten..; max=1" });
    expect(at(body, 0, "id")).toBe(id);
    expect(at((await send("GET", "/apps/forgotten/config-vars")).body, "DEPLOY_TOKEN")).toBe(
      tokenOf(RAXX.currentAuthorization),
    );
    expect(truthOf("forgotten").dynos[0]?.env["DEPLOY_TOKEN"]?.holds).toBe(RAXX.currentAuthorization);
    act({ act: "set-config-var", app: "forgotten", name: "DEPLOY_TOKEN", value: null });
    expect(truthOf("forgotten").config).toEqual({});
  });
});

describe("access", () => {
  const own = async () => {
    const rows = (await send("GET", `/apps/${APP}/collaborators`)).body;
    return Array.isArray(rows)
      ? rows.find((row) => at(row, "user", "email") === "kris@moosequest.net")
      : undefined;
  };

  it("[HK-25] shows the owner of a personal app, without permissions", async () => {
    expect(await own()).toMatchObject({ role: "owner" });
    expect(await own()).not.toHaveProperty("permissions");
    expect((await send("GET", `/teams/apps/${APP}/collaborators`)).status).toBe(404);
  });

  it("[HK-25] shows what a team allows, and refuses what it does not", async () => {
    act({ act: "heroku.access", app: APP, team: "raxx", role: "member", permissions: ["view", "deploy"] });
    expect(at((await send("GET", `/apps/${APP}`)).body, "team", "name")).toBe("raxx");
    expect(at(await own(), "permissions", 1, "name")).toBe("deploy");
    expect((await send("PATCH", CONFIG, { A: "1" })).status).toBe(200);
    act({ act: "heroku.access", app: APP, role: "member", permissions: ["view"] });
    expect(at(await own(), "permissions")).toEqual([
      { name: "view", description: "Can view the app and its activity." },
    ]);
    const refused = await send("PATCH", CONFIG, { A: "2" });
    expect([refused.status, at(refused.body, "id")]).toEqual([403, "forbidden"]);
    const reads = [
      CONFIG,
      `/apps/${APP}/addons`,
      `/apps/${APP}/releases/4/config-vars`,
      `/apps/${APP}/dynos`,
    ];
    const statuses = [];
    for (const path of reads) statuses.push((await send("GET", path)).status);
    expect(statuses).toEqual([403, 403, 403, 200]);
    expect(truthOf(APP).config["A"]).toBeDefined();
  });

  it("[HK-25] lets a collaborator of somebody's app change it, and nobody without access see it", async () => {
    act({ act: "heroku.access", app: APP, role: "collaborator" });
    expect(at((await send("GET", `/apps/${APP}`)).body, "owner", "email")).toBe("owner@sandbox.invalid");
    expect((await send("PATCH", CONFIG, { A: "1" })).status).toBe(200);
    act({ act: "heroku.access", app: APP, role: "none" });
    const refused = await send("GET", `/apps/${APP}`);
    expect([refused.status, refused.body]).toEqual([
      403,
      { id: "forbidden", message: `You do not have access to the app ${APP}.` },
    ]);
    expect((await send("GET", "/apps")).text).not.toContain(APP);
  });
});

describe("the end of tokens by other hands", () => {
  it("a password reset ends them all, and the account's own key alone where asked so", async () => {
    act({ act: "heroku.password-reset", kills: "api-key" });
    expect((await send("GET", "/account")).status).toBe(200);
    act({ act: "heroku.password-reset" });
    expect((await send("GET", "/account")).status).toBe(401);
    const { authorizations } = world.sandbox.control.truth().heroku;
    expect(authorizations.filter((one) => one.alive).map((one) => one.description)).toEqual(["API Key"]);
    expect(authorizations.every((one) => one.listed)).toBe(true);
    expect(authorizations.find((one) => one.description === "API Key")?.formerTokensAlive).toBe(0);
  });
});

describe("an app's own health page", () => {
  const health = async (name = APP) => (await world.plain("heroku")("GET", `/_apps/${name}/health`)).status;

  it("[HK-21] answers only while a web dyno is up and its key is accepted", async () => {
    expect([await health(), await health("no-such-app")]).toEqual([200, 404]);
    act({ act: "delete-authorization", id: RAXX.currentAuthorization });
    expect([await health(), truthOf(APP).healthy]).toEqual([503, false]);
    send = world.herokuWith(tokenOf(RAXX.sessionAuthorization));
    await send("PATCH", CONFIG, { HEROKU_API_KEY: tokenOf(RAXX.sessionAuthorization) });
    expect(await health()).toBe(200);
    act({ act: "heroku.crashing", app: APP });
    expect(await health()).toBe(503);
  });

  it("may look at another variable, and fail for reasons of its own", async () => {
    act({ act: "heroku.health", app: APP, variable: "SECRET_KEY" });
    expect(await health()).toBe(503);
    act({ act: "heroku.health", app: APP, variable: "NOT_THERE" });
    expect(await health()).toBe(200);
    act({ act: "heroku.health", app: APP, failing: true });
    expect(await health()).toBe(503);
  });

  it("[HK-21] is answered by the old dynos as long as preboot keeps them", async () => {
    act({ act: "heroku.preboot", app: APP, on: true });
    await send("PATCH", CONFIG, { HEROKU_API_KEY: "wrong" });
    expect(await health()).toBe(200);
    await world.clock.advance(180_000);
    expect(await health()).toBe(503);
  });
});

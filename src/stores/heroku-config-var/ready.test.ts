import { beforeEach, describe, expect, it } from "vitest";
import { RAXX } from "../../sandbox/raxx.ts";
import { APP, type AppWorld, appWorld, type Change } from "./testing.ts";

const HEALTH = `http://127.0.0.1/_apps/${APP}/health`;
const OWN = { "request-id": "x" };
let world: AppWorld;

beforeEach(async () => {
  world = await appWorld();
});

const ready = (change: Change = {}) => world.connect(change).ready();

const unready = (words: string) => ({
  is: "refused",
  trouble: {
    code: "DESTINATION_UNREADY",
    message: expect.stringContaining(words),
    because: expect.any(String),
    next: expect.stringContaining(APP),
  },
});

describe("ready", () => {
  it("[HK-25] is ready with what it holds, and may be written to", async () => {
    world.act({ act: "heroku.run", app: APP, command: "bash", forSeconds: 600 });
    const found = await ready({ health: HEALTH });
    expect(found).toEqual({
      is: "done",
      value: {
        at: expect.any(String),
        present: true,
        targetId: RAXX.apps[APP],
        version: "4",
        fingerprints: { token: expect.any(String) },
        mayWrite: "yes",
        open: [],
      },
    });
    expect(await world.connect().observe()).toMatchObject({
      value: { version: "4", fingerprints: found.is === "done" && found.value.fingerprints },
    });
  });

  it("[P6] refuses an app of another name, and one that is not there", async () => {
    expect(await ready({ app: "raxx-api-old" })).toMatchObject({
      is: "refused",
      trouble: { code: "DESTINATION_UNREADY", next: expect.stringContaining("raxx-api-old") },
    });
    expect(await ready({ appId: "0e0e0e0e-0000-4000-8000-000000000000" })).toMatchObject({
      is: "refused",
      trouble: { code: "VENDOR_TARGET_MISSING", message: expect.stringContaining(APP) },
    });
    // An app whose releases do not name it is asked about itself.
    const answer = (route: string, body: unknown) =>
      world.control.addFault({ kind: "status", status: 200, headers: OWN, body, route });
    answer("/apps/:app/releases", []);
    answer("/apps/:app", { id: RAXX.apps[APP], name: "renamed" });
    expect(await ready()).toMatchObject({
      is: "refused",
      trouble: { code: "DESTINATION_UNREADY", message: expect.stringContaining("renamed") },
    });
  });

  it("[HK-21] refuses while a release is pending, and after one that failed", async () => {
    world.act({ act: "heroku.release", app: APP, pendingSeconds: 60, fails: true });
    expect(await ready()).toMatchObject(unready(`v5 of ${APP} is pending`));
    const underWay = expect.stringContaining(`v5 of ${APP} is pending`);
    expect(await world.connect().observe()).toMatchObject({ value: { version: "4", underWay } });
    await world.clock.advance(60_000);
    expect(await world.connect().observe()).not.toMatchObject({ value: { underWay } });
    expect(await ready()).toMatchObject(unready(`${APP}, v5, failed`));
    world.act({ act: "heroku.release", app: APP });
    expect((await ready()).is).toBe("done");
  });

  it("[HK-21] refuses while a process is crashed", async () => {
    world.act({ act: "heroku.crashing", app: APP, processes: ["web"] });
    await world.clock.advance(1);
    expect(await ready()).toMatchObject(unready(`Crashed on ${APP}: web.1, web.2`));
    world.act({ act: "heroku.crashing", app: APP, processes: ["web"], while: "never" });
    await world.clock.advance(20 * 60_000);
    expect((await ready()).is).toBe("done");
  });

  it("[HK-21] refuses a variable that an add-on owns", async () => {
    expect(await ready({ fields: { token: "DATABASE_URL" } })).toMatchObject(
      unready(`heroku ${APP} DATABASE_URL belongs to the add-on postgresql-`),
    );
    world.act({ act: "heroku.attach-addon", app: APP, service: "keeper", variable: "HEROKU_API_KEY" });
    expect(await ready()).toMatchObject(unready("keeper"));
    world.act({ act: "heroku.detach-addon", app: APP, variable: "HEROKU_API_KEY" });
    expect(await ready()).toMatchObject({ is: "done", value: { present: false } });
  });

  it("[HK-25] refuses an account that may not edit config vars, and serves one that may", async () => {
    const access = (...permissions: ("view" | "deploy" | "operate" | "manage")[]) =>
      world.act({ act: "heroku.access", app: APP, role: "member", team: "raxx", permissions });
    const denied = {
      is: "refused",
      trouble: { code: "VENDOR_PERMISSION", message: expect.stringContaining(APP) },
    };
    access("view", "manage");
    expect(await ready()).toMatchObject(denied);
    world.act({ act: "heroku.access", app: APP, role: "none" });
    expect(await ready()).toMatchObject(denied);
    access("view", "operate");
    expect(await ready()).toMatchObject({ is: "done", value: { mayWrite: "yes" } });
  });

  it("[HK-25] refuses an access whose scope only reads, and says so where the scope cannot be told", async () => {
    const made = world.act({ act: "create-authorization", description: "r", scope: ["read-protected"] });
    const access = made.id ?? "";
    expect(await ready({ access })).toMatchObject({
      is: "done",
      value: { mayWrite: "unknown", open: [expect.stringContaining(APP)] },
    });
    // An account whose list may be read with a narrower key names the scope.
    const body = world.sandbox.heroku.authorizations
      .filter(({ id }) => id === access)
      .map(({ id, scope, token }) => ({
        id,
        scope,
        created_at: "2026-01-01T00:00:00Z",
        access_token: { token: `${token.slice(0, 9)}**********${token.slice(-4)}` },
      }));
    world.control.addFault({
      kind: "status",
      status: 200,
      headers: OWN,
      body,
      route: "/oauth/authorizations",
    });
    expect(await ready({ access })).toMatchObject({
      is: "refused",
      trouble: { code: "VENDOR_PERMISSION", message: expect.stringContaining("scope read-protected") },
    });
    world.control.set({ heroku: { redaction: { prefix: 5, suffix: 3 } } });
    expect(await ready()).toMatchObject({ is: "done", value: { mayWrite: "unknown" } });
  });

  it("[HK-21] refuses where the declared health URL answers badly before anything was changed", async () => {
    world.act({ act: "heroku.health", app: APP, failing: true });
    expect((await ready()).is).toBe("done");
    expect(await ready({ health: `${HEALTH}?key=hidden` })).toMatchObject(unready(`${HEALTH} answered 503`));
    const body = { id: RAXX.apps[APP], name: APP, maintenance: true };
    world.control.addFault({ kind: "status", status: 200, headers: OWN, body, route: "/apps/:app" });
    expect(await ready({ health: HEALTH })).toMatchObject(unready("is in maintenance mode"));
    world.control.addFault({ kind: "lost-reply", route: `/_apps/:app/health` });
    expect(await ready({ health: HEALTH })).toMatchObject({
      is: "retryable",
      trouble: { code: "DESTINATION_UNREADY", message: expect.stringContaining("did not answer") },
    });
  });

  it("[X-09] is not told by a proxy", async () => {
    for (const route of ["releases", "config-vars", "dynos", "addons"]) {
      world.control.addFault({ kind: "html", status: 403, route: `/apps/:app/${route}` });
      expect((await ready()).is).toBe("unknown");
    }
  });
});

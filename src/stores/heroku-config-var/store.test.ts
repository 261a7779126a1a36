import { beforeEach, describe, expect, it } from "vitest";
import type { Store } from "../../core/store.ts";
import { RAXX } from "../../sandbox/raxx.ts";
import { testSandbox } from "../../sandbox/testing.ts";
import { heroku } from "../../vendors/heroku/client.ts";
import { clockOf, secretsOf, testConnection, testFingerprint, watched } from "../../vendors/testing.ts";
import type { HerokuConfigVarConfig } from "./config.ts";
import { herokuConfigVar } from "./store.ts";

const TEXT = "HRKU-new-value-of-the-test";
const NEW = secretsOf({ token: TEXT });
const APP = "raxx-api-prod";
const CONFIG = { app: APP, appId: RAXX.apps[APP], fields: { token: "HEROKU_API_KEY" } };
const OWN = { "request-id": "x" };
let world: Awaited<ReturnType<typeof testSandbox>>;
let store: Store;

function connect(change: Partial<HerokuConfigVarConfig> = {}) {
  const token = world.sandbox.control.estate().heroku.tokens[RAXX.currentAuthorization] ?? "";
  const send = (request: Request) => world.sandbox.fetch("heroku", request);
  const deps = {
    client: heroku.connect(testConnection(send, world.clock, { token })),
    fingerprint: testFingerprint,
    clock: clockOf(world.clock),
    copy: "prod",
  };
  const config = herokuConfigVar.config.parse({ ...CONFIG, ...change });
  const others = Object.values(app().releases.at(-1)?.config ?? {}).filter((text) => text.length > 20);
  store = watched(herokuConfigVar.connect(config, deps), [token, TEXT, ...others]);
}

beforeEach(async () => {
  world = await testSandbox();
  connect();
});

function app() {
  const found = world.sandbox.heroku.apps.find((one) => one.name === APP);
  if (!found) throw new Error("no app");
  return found;
}

async function written() {
  const outcome = await store.write(NEW);
  if (outcome.is !== "done") throw new Error(outcome.trouble.message);
  return outcome.value;
}

const withReleasePhase = (releaseFails = false) =>
  world.sandbox.control.set({
    apps: { [APP]: { releaseCommand: "migrate", releasePhaseMs: 60_000, releaseFails } },
  });

describe("the Heroku config var", () => {
  it("is seen by the app's UUID, with a fingerprint", async () => {
    expect(await store.observe()).toMatchObject({
      is: "done",
      value: { present: true, targetId: RAXX.apps[APP], fingerprints: { token: expect.any(String) } },
    });
    connect({ fields: { token: "ABSENT" } });
    const absent = await store.observe();
    expect(absent).toMatchObject({ is: "done", value: { present: false } });
    expect(absent.is === "done" && absent.value.fingerprints).toBe(undefined);
  });

  it("[HK-07] is written in one release and proved by it and by the value", async () => {
    const before = app().releases.length;
    const receipt = await written();
    expect(receipt).toMatchObject({ copy: "prod", wrote: true, version: String(before + 1) });
    expect(app().releases).toHaveLength(before + 1);
    expect(await store.prove(receipt)).toMatchObject({
      is: "proved",
      says: expect.stringContaining(`v${before + 1}`),
    });
    const observed = await store.observe();
    expect(observed.is === "done" && observed.value.fingerprints).toEqual(receipt.fingerprints);
    expect(await store.write(NEW)).toMatchObject({
      is: "done",
      value: { wrote: false, version: String(before + 1) },
    });
    expect(app().releases).toHaveLength(before + 1);
  });

  it("costs what it declares", async () => {
    const config = herokuConfigVar.config.parse(CONFIG);
    const { costs } = herokuConfigVar;
    const calls = () => world.sandbox.control.journal.list().length;
    await store.observe();
    expect(calls()).toBe(costs.observe(config));
    const receipt = await written();
    expect(calls()).toBe(costs.observe(config) + costs.write(config));
    await store.prove(receipt);
    expect(calls()).toBe(costs.observe(config) + costs.write(config) + costs.prove(config));
    expect(herokuConfigVar.describe(config).target).toBe(`heroku ${APP} HEROKU_API_KEY`);
  });

  it("[HK-21] waits for the release phase, and does not send again what is under way", async () => {
    withReleasePhase();
    const receipt = await written();
    expect(await store.prove(receipt)).toMatchObject({
      is: "unknown",
      trouble: { code: "DESTINATION_UNPROVED" },
    });
    const patches = () => world.sandbox.control.journal.list().filter((one) => one.method === "PATCH").length;
    expect(await store.write(NEW)).toMatchObject({
      is: "done",
      value: { wrote: false, version: receipt.version },
    });
    expect(patches()).toBe(1);
    await world.clock.advance(60_000);
    expect((await store.prove(receipt)).is).toBe("proved");
  });

  it("[HK-21] writes over what somebody else has under way", async () => {
    withReleasePhase();
    const other = {
      act: "set-config-var",
      app: APP,
      name: "HEROKU_API_KEY",
      value: { text: "other" },
    } as const;
    world.sandbox.control.act(other);
    const receipt = await written();
    expect(receipt.wrote).toBe(true);
    await world.clock.advance(120_000);
    expect((await store.prove(receipt)).is).toBe("proved");
  });

  it("[HK-21] names the release that failed", async () => {
    withReleasePhase(true);
    const receipt = await written();
    await world.clock.advance(60_000);
    expect(await store.prove(receipt)).toMatchObject({
      is: "refuted",
      trouble: { code: "DESTINATION_UNPROVED", message: `Release v${receipt.version} of ${APP} failed` },
    });
  });

  it("does not count somebody's failed deploy after our write against it", async () => {
    const receipt = await written();
    withReleasePhase(true);
    world.sandbox.control.act({ act: "set-config-var", app: APP, name: "OTHER", value: { text: "x" } });
    expect((await store.prove(receipt)).is).toBe("unknown");
    await world.clock.advance(60_000);
    expect((await store.prove(receipt)).is).toBe("proved");
    world.sandbox.control.act({
      act: "set-config-var",
      app: APP,
      name: "HEROKU_API_KEY",
      value: { text: "x" },
    });
    await world.clock.advance(60_000);
    expect((await store.prove(receipt)).is).toBe("proved");
    withReleasePhase(false);
    world.sandbox.control.act({
      act: "set-config-var",
      app: APP,
      name: "HEROKU_API_KEY",
      value: { text: "x" },
    });
    await world.clock.advance(60_000);
    expect((await store.prove(receipt)).is).toBe("unknown");
  });

  it("is unknown after a lost reply, and settles by looking again without a second release", async () => {
    const before = app().releases.length;
    for (const kind of ["lost-reply", "truncated", "error-after"] as const) {
      world.sandbox.control.addFault({ kind, method: "PATCH" });
      const outcome = await store.write(secretsOf({ token: `${TEXT}-${kind}` }));
      expect(outcome.is).toBe("unknown");
      expect(await store.write(secretsOf({ token: `${TEXT}-${kind}` }))).toMatchObject({
        value: { wrote: false },
      });
    }
    expect(app().releases).toHaveLength(before + 3);
    world.sandbox.control.addFault({ kind: "no-effect", method: "PATCH" });
    expect(await store.write(NEW)).toMatchObject({
      is: "unknown",
      trouble: { code: "DESTINATION_UNPROVED" },
    });
    world.sandbox.control.addFault({ kind: "lost-request", route: "/apps/:app/releases", skip: 1 });
    expect(await store.write(NEW)).toMatchObject({
      is: "unknown",
      trouble: { code: "DESTINATION_UNPROVED" },
    });
    expect(await store.write(NEW)).toMatchObject({ is: "done", value: { wrote: false } });
  });

  it("waits out reads from before the write", async () => {
    const receipt = await written();
    world.sandbox.control.addFault({ kind: "stale", route: "/apps/:app/releases" });
    expect((await store.prove(receipt)).is).toBe("unknown");
    world.sandbox.control.addFault({ kind: "stale", route: "/apps/:app/config-vars" });
    expect((await store.prove(receipt)).is).toBe("unknown");
    expect((await store.prove(receipt)).is).toBe("proved");
  });

  it("[P6] refuses a renamed app, a missing one, and a variable that is an add-on's", async () => {
    connect({ app: "raxx-api-old" });
    expect(await store.observe()).toMatchObject({ is: "refused", trouble: { code: "DESTINATION_UNREADY" } });
    connect({ appId: "0e0e0e0e-0000-4000-8000-000000000000" });
    expect(await store.observe()).toMatchObject({
      is: "refused",
      trouble: { code: "VENDOR_TARGET_MISSING" },
    });
    connect({ fields: { token: "DATABASE_URL" } });
    expect(await store.write(NEW)).toMatchObject({ is: "refused", trouble: { code: "VENDOR_REFUSED" } });
  });

  it("[X-09] believes no proxy, and waits under a rate limit", async () => {
    world.sandbox.control.addFault({ kind: "html", status: 200, count: 2 });
    expect((await store.observe()).is).toBe("unknown");
    world.sandbox.control.addFault({
      kind: "status",
      status: 429,
      headers: OWN,
      retryAfter: 5,
      method: "PATCH",
    });
    expect(await store.write(NEW)).toMatchObject({ is: "retryable", afterMs: 5_000 });
  });
});

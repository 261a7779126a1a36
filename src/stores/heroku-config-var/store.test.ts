import { beforeEach, describe, expect, it } from "vitest";
import type { Store } from "../../core/store.ts";
import { RAXX } from "../../sandbox/raxx.ts";
import { secretsOf } from "../../vendors/testing.ts";
import { herokuConfigVar } from "./store.ts";
import { APP, type AppWorld, appWorld, TEXT } from "./testing.ts";

const NEW = secretsOf({ token: TEXT });
const OWN = { "request-id": "x" };
let world: AppWorld;
let store: Store;

beforeEach(async () => {
  world = await appWorld();
  store = world.connect();
});

const withReleasePhase = (releaseFails = false) =>
  world.control.set({
    apps: { [APP]: { releaseCommand: "migrate", releasePhaseMs: 60_000, releaseFails } },
  });

describe("the Heroku config var", () => {
  it("is seen by the app's UUID, with a fingerprint", async () => {
    expect(await store.observe()).toMatchObject({
      is: "done",
      value: { present: true, targetId: RAXX.apps[APP], fingerprints: { token: expect.any(String) } },
    });
    store = world.connect({ fields: { token: "ABSENT" } });
    const absent = await store.observe();
    expect(absent).toMatchObject({ is: "done", value: { present: false } });
    expect(absent.is === "done" && absent.value.fingerprints).toBe(undefined);
  });

  it("[HK-07] is written in one release and proved by it and by the value", async () => {
    const before = world.app().releases.length;
    const receipt = await world.written(store);
    expect(receipt).toMatchObject({ copy: "prod", wrote: true, version: String(before + 1) });
    expect(world.app().releases).toHaveLength(before + 1);
    expect(await store.prove(receipt, NEW)).toMatchObject({
      is: "proved",
      says: expect.stringContaining(`v${before + 1}`),
    });
    const observed = await store.observe();
    expect(observed.is === "done" && observed.value.fingerprints).toEqual(receipt.fingerprints);
    expect(await store.write(NEW)).toMatchObject({
      is: "done",
      value: { wrote: false, version: String(before + 1) },
    });
    expect(world.app().releases).toHaveLength(before + 1);
  });

  it("costs what it declares", async () => {
    const { costs } = herokuConfigVar;
    const config = world.config();
    const callsOf = async <T>(body: () => Promise<T>) => {
      const before = world.calls();
      const value = await body();
      return { calls: world.calls() - before, value };
    };
    expect((await callsOf(() => store.ready())).calls).toBe(costs.ready(config));
    expect((await callsOf(() => store.observe())).calls).toBe(costs.observe(config));
    const { calls, value: receipt } = await callsOf(() => world.written(store));
    expect(calls).toBe(costs.write(config));
    const proof = await callsOf(() => store.prove(receipt, NEW));
    expect(proof).toEqual({
      calls: costs.prove(config, 0),
      value: expect.objectContaining({ is: "proved" }),
    });
    expect((await callsOf(() => store.drained(receipt))).calls).toBe(costs.drained(config));
    const apps = Object.keys(RAXX.apps).length;
    expect((await callsOf(() => store.survey())).calls).toBe(costs.survey + (costs.surveyOfEach ?? 1) * apps);
  });

  it("describes itself: places, and what nobody looks at", () => {
    const { describe, capabilities } = herokuConfigVar;
    const two = world.config({ fields: { id: "KEY_ID", token: "HEROKU_API_KEY" } });
    expect(describe(two)).toEqual({
      target: `heroku ${APP} KEY_ID, HEROKU_API_KEY`,
      places: [`heroku ${APP} KEY_ID`, `heroku ${APP} HEROKU_API_KEY`],
      remarks: [expect.stringContaining("no health URL")],
    });
    expect(describe(world.config({ health: "https://a.example/health" })).remarks).toEqual([]);
    expect(capabilities(two)).toMatchObject({ surveys: "access", grade: "value" });
  });

  it("takes a health URL over https, or over http on loopback, without a user in it", () => {
    for (const health of [
      "https://a.example/h",
      "http://127.0.0.1:9000/_apps/x/health",
      "http://localhost/h",
    ])
      expect(world.config({ health }).health).toBe(health);
    for (const health of ["http://a.example/h", "https://me@a.example/h", "ftp://a.example", "/health", ""])
      expect(() => world.config({ health })).toThrow("an https URL");
  });

  it("[HK-21] waits for the release phase, and does not send again what is under way", async () => {
    withReleasePhase();
    const receipt = await world.written(store);
    expect(await store.prove(receipt, NEW)).toMatchObject({
      is: "unknown",
      trouble: { code: "DESTINATION_UNPROVED" },
    });
    const patches = () => world.control.journal.list().filter((one) => one.method === "PATCH").length;
    expect(await store.write(NEW)).toMatchObject({
      is: "done",
      value: { wrote: false, version: receipt.version },
    });
    expect(patches()).toBe(1);
    await world.clock.advance(60_000);
    expect((await store.prove(receipt, NEW)).is).toBe("proved");
  });

  it("[HK-21] writes over what somebody else has under way", async () => {
    withReleasePhase();
    const other = {
      act: "set-config-var",
      app: APP,
      name: "HEROKU_API_KEY",
      value: { text: "other" },
    } as const;
    world.control.act(other);
    const receipt = await world.written(store);
    expect(receipt.wrote).toBe(true);
    await world.clock.advance(120_000);
    expect((await store.prove(receipt, NEW)).is).toBe("proved");
  });

  it("[HK-21] names the release that failed", async () => {
    withReleasePhase(true);
    const receipt = await world.written(store);
    await world.clock.advance(60_000);
    expect(await store.prove(receipt, NEW)).toMatchObject({
      is: "refuted",
      trouble: { code: "DESTINATION_UNPROVED", message: `Release v${receipt.version} of ${APP} failed` },
    });
  });

  it("does not count somebody's failed deploy after our write against it", async () => {
    const receipt = await world.written(store);
    withReleasePhase(true);
    world.control.act({ act: "set-config-var", app: APP, name: "OTHER", value: { text: "x" } });
    expect((await store.prove(receipt, NEW)).is).toBe("unknown");
    await world.clock.advance(60_000);
    expect((await store.prove(receipt, NEW)).is).toBe("proved");
    world.control.act({
      act: "set-config-var",
      app: APP,
      name: "HEROKU_API_KEY",
      value: { text: "x" },
    });
    await world.clock.advance(60_000);
    expect((await store.prove(receipt, NEW)).is).toBe("proved");
    withReleasePhase(false);
    world.control.act({
      act: "set-config-var",
      app: APP,
      name: "HEROKU_API_KEY",
      value: { text: "x" },
    });
    await world.clock.advance(60_000);
    expect((await store.prove(receipt, NEW)).is).toBe("unknown");
  });

  it("is unknown after a lost reply, and settles by looking again without a second release", async () => {
    const before = world.app().releases.length;
    for (const kind of ["lost-reply", "truncated", "error-after"] as const) {
      world.control.addFault({ kind, method: "PATCH" });
      const outcome = await store.write(secretsOf({ token: `${TEXT}-${kind}` }));
      expect(outcome.is).toBe("unknown");
      expect(await store.write(secretsOf({ token: `${TEXT}-${kind}` }))).toMatchObject({
        value: { wrote: false },
      });
    }
    expect(world.app().releases).toHaveLength(before + 3);
    world.control.addFault({ kind: "no-effect", method: "PATCH" });
    expect(await store.write(NEW)).toMatchObject({
      is: "unknown",
      trouble: { code: "DESTINATION_UNPROVED" },
    });
    world.control.addFault({ kind: "lost-request", route: "/apps/:app/releases", skip: 1 });
    expect(await store.write(NEW)).toMatchObject({
      is: "unknown",
      trouble: { code: "DESTINATION_UNPROVED" },
    });
    expect(await store.write(NEW)).toMatchObject({ is: "done", value: { wrote: false } });
  });

  it("waits out reads from before the write", async () => {
    const receipt = await world.written(store);
    world.control.addFault({ kind: "stale", route: "/apps/:app/releases" });
    expect((await store.prove(receipt, NEW)).is).toBe("unknown");
    world.control.addFault({ kind: "stale", route: "/apps/:app/config-vars" });
    expect((await store.prove(receipt, NEW)).is).toBe("unknown");
    expect((await store.prove(receipt, NEW)).is).toBe("proved");
  });

  it("[P6] refuses a renamed app, a missing one, and a variable that is an add-on's", async () => {
    store = world.connect({ app: "raxx-api-old" });
    expect(await store.observe()).toMatchObject({ is: "refused", trouble: { code: "DESTINATION_UNREADY" } });
    store = world.connect({ appId: "0e0e0e0e-0000-4000-8000-000000000000" });
    expect(await store.observe()).toMatchObject({
      is: "refused",
      trouble: { code: "VENDOR_TARGET_MISSING" },
    });
    store = world.connect({ fields: { token: "DATABASE_URL" } });
    expect(await store.write(NEW)).toMatchObject({ is: "refused", trouble: { code: "VENDOR_REFUSED" } });
  });

  it("[X-09] believes no proxy, and waits under a rate limit", async () => {
    world.control.addFault({ kind: "html", status: 200, count: 2 });
    expect((await store.observe()).is).toBe("unknown");
    world.control.addFault({
      kind: "status",
      status: 429,
      headers: OWN,
      retryAfter: 5,
      method: "PATCH",
    });
    expect(await store.write(NEW)).toMatchObject({ is: "retryable", afterMs: 5_000 });
  });
});

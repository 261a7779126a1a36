import { beforeEach, describe, expect, it } from "vitest";
import type { Receipt, Store } from "../../core/store.ts";
import { secretsOf } from "../../vendors/testing.ts";
import { herokuConfigVar } from "./store.ts";
import { APP, type AppWorld, appWorld, type Change, TEXT } from "./testing.ts";

const NEW = secretsOf({ token: TEXT });
const STEADY = 120_000;
const HEALTH = `http://127.0.0.1/_apps/${APP}/health`;
let world: AppWorld;
let store: Store;
let receipt: Receipt;

beforeEach(async () => {
  world = await appWorld();
});

async function write(change: Change = {}) {
  store = world.connect({ steadyMs: STEADY, ...change });
  receipt = await world.written(store);
}

const prove = () => store.prove(receipt, NEW);
const pass = (seconds: number) => world.clock.advance(seconds * 1000);

const unproved = (words: string) => ({
  is: "unknown",
  trouble: { code: "DESTINATION_UNPROVED", message: expect.stringContaining(words) },
});

describe("proof by the app's processes", () => {
  it("[HK-21] waits until all processes are up for the whole time", async () => {
    world.app().dynoStartMs = 10_000;
    await write();
    expect(await prove()).toMatchObject(unproved("not up yet: web.1, web.2"));
    await pass(10);
    expect(await prove()).toMatchObject(unproved("up for less than 2 min: web.1, web.2"));
    await pass(119);
    expect(await prove()).toMatchObject(unproved("up for less than 2 min: web.1, web.2"));
    await pass(1);
    expect(await prove()).toMatchObject({
      is: "proved",
      says: `Release v5 of ${APP} succeeded, heroku ${APP} HEROKU_API_KEY reads back the value, 2 processes are up with it for 2 min or more`,
    });
    // What Heroku starts anew begins again.
    world.act({ act: "restart-dynos", app: APP, dyno: "web.2" });
    expect(await prove()).toMatchObject(unproved("not up yet: web.2"));
  });

  it("[HK-21] says when it is soon enough to ask again, and so costs what it declares", async () => {
    await write();
    const before = world.calls();
    const waits: unknown[] = [];
    for (;;) {
      const proof = await prove();
      if (proof.is !== "unknown") break;
      waits.push(proof.askAgainMs);
      await world.clock.advance(proof.askAgainMs ?? Number.NaN);
    }
    expect(waits).toEqual(Array(8).fill(15_000));
    expect(world.calls() - before).toBe(herokuConfigVar.costs.prove(world.config(), STEADY));
  });

  it("[HK-21] goes by the clock of Heroku's reply", async () => {
    let ahead = 0;
    await write({
      fetch: async (request, send) => {
        const reply = await send(request);
        reply.headers.set("date", new Date(world.clock.now() + ahead).toUTCString());
        return reply;
      },
    });
    await pass(60);
    expect((await prove()).is).toBe("unknown");
    ahead = 60_000;
    expect((await prove()).is).toBe("proved");
  });

  it("[HK-21] waits while a process of an older release is listed, one-off ones not counted", async () => {
    world.act({ act: "heroku.run", app: APP, command: "bash", forSeconds: 6_000 });
    world.act({ act: "heroku.preboot", app: APP, on: true, windowSeconds: 180 });
    world.control.set({ heroku: { prebootListsOld: true } });
    await write();
    await pass(150);
    expect(await prove()).toMatchObject(unproved("still on an older release: web.1"));
    world.control.set({ heroku: { prebootListsOld: false } });
    world.act({ act: "heroku.preboot", app: APP, on: false });
    expect((await prove()).is).toBe("proved");
  });

  it("[HK-21] waits out preboot, whose old processes are not listed", async () => {
    world.act({ act: "heroku.preboot", app: APP, on: true, windowSeconds: 300 });
    await write();
    await pass(299);
    expect(world.app().retiring).toHaveLength(2);
    expect(await prove()).toMatchObject(unproved("Preboot may keep old web processes"));
    await pass(31);
    expect(world.app().retiring).toHaveLength(0);
    expect((await prove()).is).toBe("proved");
  });

  it("[HK-21] takes preboot for on where Heroku will not tell, and for off where there is none", async () => {
    await write();
    await pass(120);
    const route = "/apps/:app/features/preboot";
    const headers = { "request-id": "x" };
    world.control.addFault({ kind: "status", status: 403, headers, route });
    expect(await prove()).toMatchObject(unproved("Preboot may"));
    world.control.addFault({ kind: "html", status: 404, route });
    expect(await prove()).toMatchObject({ is: "unknown", trouble: { code: "VENDOR_REPLY_FOREIGN" } });
    const body = { id: "not_found", message: "Couldn't find that feature.", resource: "feature" };
    world.control.addFault({ kind: "status", status: 404, headers, body, route });
    expect((await prove()).is).toBe("proved");
  });

  it("[HK-21] waits for a process that should be there and is not listed", async () => {
    await write();
    await pass(120);
    const listed = world.app().dynos;
    world.app().dynos = listed.slice(0, 1);
    expect(await prove()).toMatchObject(unproved(`${APP} is to run 2 × web, and 1 is listed`));
    world.app().dynos = listed;
    expect((await prove()).is).toBe("proved");
  });

  it("[HK-21] proves an app without processes by release and value, and says so", async () => {
    const { formation } = world.app();
    for (const one of formation) one.quantity = 0;
    world.app().dynos = [];
    await write();
    expect(await prove()).toMatchObject({
      is: "proved",
      says: expect.stringContaining("no process runs that would have to take it up"),
    });
  });
});

describe("proof against crashes and by the health URL", () => {
  it("[HK-21] refutes a crash loop, and takes the old value back", async () => {
    const before = world.app().releases.at(-1)?.config["HEROKU_API_KEY"] ?? "";
    world.act({ act: "heroku.crashing", app: APP, processes: ["web"], while: "new value" });
    await write();
    await pass(1);
    expect(await prove()).toMatchObject(unproved("about to be started again: web.1, web.2"));
    // Started again after 5 s, crashed at once, left to cool off.
    await pass(10);
    expect((await prove()).is).toBe("unknown");
    await pass(30);
    expect(await prove()).toMatchObject({
      is: "refuted",
      trouble: {
        code: "CONSUMER_CRASHED",
        message: `Release v5 of ${APP} succeeded, but crashed and not started again: web.1, web.2`,
      },
    });
    const back = secretsOf({ token: before });
    const reverted = await store.write(back);
    if (reverted.is !== "done") throw new Error(reverted.trouble.message);
    await pass(120);
    expect((await store.prove(reverted.value, back)).is).toBe("proved");
  });

  it("[HK-21] refutes a process that crashes each time before the time is over", async () => {
    await write();
    world.act({ act: "heroku.crashing", app: APP, afterSeconds: 100 });
    await pass(99);
    expect(await prove()).toMatchObject(unproved("up for less than"));
    await pass(106 + 31);
    expect(await prove()).toMatchObject({ is: "refuted", trouble: { code: "CONSUMER_CRASHED" } });
  });

  it("[HK-21] does not call a single crash that recovers a loop", async () => {
    await write();
    world.act({ act: "heroku.crashing", app: APP, processes: ["web"] });
    await pass(1);
    expect(await prove()).toMatchObject(unproved("about to be started again: web.1, web.2"));
    world.act({ act: "heroku.crashing", app: APP, processes: ["web"], while: "never" });
    await pass(10);
    expect(await prove()).toMatchObject(unproved("up for less than"));
    await pass(120);
    expect((await prove()).is).toBe("proved");
  });

  it("[HK-21] waits until the declared health URL answers with 2xx, and names it", async () => {
    await write({ health: `${HEALTH}?key=hidden`, steadyMs: 0 });
    expect(await prove()).toMatchObject(unproved(`${HEALTH} answered 503`));
    world.act({ act: "heroku.health", app: APP, variable: "NONE" });
    for (const fault of [{ kind: "lost-reply" }, { kind: "status", status: 302 }] as const) {
      world.control.addFault({ ...fault, route: "/_apps/:app/health" });
      expect(await prove()).toMatchObject(unproved(HEALTH));
    }
    expect(await prove()).toMatchObject({
      is: "proved",
      says: expect.stringMatching(new RegExp(`${HEALTH} answered 200$`)),
    });
  });
});

describe("drain", () => {
  const drained = () => store.drained(receipt);
  const unfinished = (words: string) => ({
    is: "unknown",
    trouble: {
      code: "DRAIN_UNFINISHED",
      message: expect.stringContaining(words),
      next: expect.stringContaining(`-a ${APP}`),
    },
  });

  it("[HK-23] waits for a one-off process that was started before the write", async () => {
    world.act({ act: "heroku.run", app: APP, command: "bash", forSeconds: 600 });
    await write();
    const name = world.app().dynos.find(({ type }) => type === "run")?.name ?? "none";
    expect(await drained()).toMatchObject(unfinished(name));
    world.act({ act: "heroku.run", app: APP, command: "bash", forSeconds: 6_000 });
    await pass(600);
    expect(await drained()).toMatchObject({ is: "proved", says: expect.stringContaining(APP) });
  });

  it("[HK-23] waits for a scheduled one, and names five at most", async () => {
    for (let n = 0; n < 7; n += 1)
      world.act({ act: "heroku.run", app: APP, command: "job", type: "scheduler", forSeconds: 60 });
    await write();
    expect(await drained()).toMatchObject(unfinished("and 2 more"));
    await pass(60);
    expect((await drained()).is).toBe("proved");
  });

  it("[HK-23] does not wait for one that was started with the value, whatever release the receipt names", async () => {
    await write();
    world.act({ act: "heroku.run", app: APP, command: "bash", forSeconds: 600 });
    world.act({ act: "heroku.release", app: APP });
    const found = await store.write(NEW);
    if (found.is !== "done") throw new Error(found.trouble.message);
    expect(found.value).toMatchObject({ wrote: false, version: "6" });
    const { version: _version, ...bare } = found.value;
    for (const one of [found.value, bare]) expect((await store.drained(one)).is).toBe("proved");
    const route = "/apps/:app/releases/:release/config-vars";
    world.control.addFault({ kind: "status", status: 404, headers: { "request-id": "x" }, route });
    expect((await store.drained(found.value)).is).toBe("unknown");
  });

  it("[HK-23] waits for one of a later release that had the old value again, while the value is back in force", async () => {
    await write();
    world.act({ act: "heroku.rollback", app: APP, release: 4 });
    world.act({ act: "heroku.run", app: APP, command: "bash", forSeconds: 600 });
    world.act({ act: "heroku.rollback", app: APP, release: 5 });
    const name = world.app().dynos.find(({ type }) => type === "run")?.name ?? "none";
    expect(await store.observe()).toMatchObject({ value: { fingerprints: receipt.fingerprints } });
    expect(await drained()).toMatchObject(unfinished(name));
    await pass(600);
    expect((await drained()).is).toBe("proved");
  });

  it("[HK-23] believes no number of a release that was read beside a value which was there already", async () => {
    await pass(600);
    world.act({ act: "heroku.run", app: APP, command: "bash", forSeconds: 600 });
    await write();
    // As after a crash: the value is found, and the list of releases lags behind it.
    for (let n = 0; n < 2; n += 1) world.control.addFault({ kind: "stale", route: "/apps/:app/releases" });
    const seen = await store.observe();
    if (seen.is !== "done") throw new Error(seen.trouble.message);
    expect(seen.value).toMatchObject({ version: "4", fingerprints: receipt.fingerprints });
    receipt = { ...receipt, wrote: false, version: "4" };
    const again = await store.write(NEW);
    expect(again).toMatchObject({ value: { wrote: false, version: "4" } });
    world.control.addFault({ kind: "stale", route: "/apps/:app/dynos" });
    expect(await prove()).toMatchObject(unproved("without the value: web.1, web.2"));
    await pass(120);
    expect((await prove()).is).toBe("proved");
    const name = world.app().dynos.find(({ type }) => type === "run")?.name ?? "none";
    expect(await drained()).toMatchObject(unfinished(name));
    await pass(600);
    expect((await drained()).is).toBe("proved");
  });

  it("[HK-23] is unknown while Heroku cannot be asked", async () => {
    await write();
    world.control.addFault({ kind: "html", status: 200, route: "/apps/:app/dynos" });
    expect(await drained()).toMatchObject({ is: "unknown", trouble: { code: "VENDOR_REPLY_FOREIGN" } });
  });
});

import { beforeEach, describe, expect, it } from "vitest";
import type { Interlock } from "../../core/interlock.ts";
import { herokuFlag } from "./interlock.ts";
import { APP, FLAG, type FlagWorld, flagWorld } from "./testing.ts";

const HEALTH = `http://127.0.0.1/_apps/${APP}/health`;
let world: FlagWorld;
let flag: Interlock;

beforeEach(async () => {
  world = await flagWorld();
  flag = world.connect();
});

const pass = (seconds: number) => world.clock.advance(seconds * 1000);
const unproved = (words: string) => ({
  is: "unknown",
  trouble: { code: "INTERLOCK_UNPROVED", message: expect.stringContaining(words) },
});

describe("the flag", () => {
  it("is closed by the SOP's value and opened by its other one, one release each", async () => {
    expect(await flag.close()).toMatchObject({
      is: "done",
      value: { found: "open", wrote: true, version: "5" },
    });
    expect(world.app().releases.at(-1)?.config[FLAG]).toBe("1");
    expect(await flag.open()).toMatchObject({ is: "done", value: { found: "closed", version: "6" } });
    expect(world.app().releases.at(-1)?.config[FLAG]).toBe("0");
    expect(world.patches()).toBe(2);
  });

  it("tells since when it is closed, also where somebody else closed it, and not since the last release", async () => {
    world.set("1");
    const closedAt = world.clock.now();
    await pass(3_600);
    world.act({ act: "set-config-var", app: APP, name: "LOG_LEVEL", value: { text: "debug" } });
    await pass(60);
    expect(await flag.observe()).toMatchObject({
      is: "done",
      value: { is: "closed", since: new Date(closedAt).toISOString() },
    });
  });

  it("does not guess since when, where the releases that can be listed go back no further", async () => {
    world.set("1");
    for (let n = 0; n < 25; n += 1)
      world.act({ act: "set-config-var", app: APP, name: "N", value: { text: String(n) } });
    const seen = await flag.observe();
    expect(seen.is === "done" && seen.value).not.toHaveProperty("since");
  });

  it("stands neither way with another text, which is repeated nowhere", async () => {
    world.set("true-or-what-have-you");
    const seen = await flag.observe();
    expect(seen).toMatchObject({ is: "unknown", trouble: { code: "INTERLOCK_UNCLEAR" } });
    expect(JSON.stringify(seen)).not.toContain("what-have-you");
    expect(await flag.prove("closed")).toMatchObject({
      is: "refuted",
      trouble: { code: "INTERLOCK_UNCLEAR" },
    });
    expect(await flag.close()).toMatchObject({ is: "done", value: { found: "unknown", wrote: true } });
  });

  it("is touched in no app that is called otherwise by now", async () => {
    world.app().name = "renamed-since";
    for (const answer of [await flag.observe(), await flag.close()])
      expect(answer).toMatchObject({ is: "refused", trouble: { code: "DESTINATION_UNREADY" } });
    expect(world.patches()).toBe(0);
    expect((await flag.prove("open")).is).toBe("unknown");
  });

  it("[X-15] keeps Heroku's request id of each call, the write among them", async () => {
    await flag.close();
    expect(world.recorded.map(({ method }) => method)).toEqual(["GET", "GET", "PATCH", "GET"]);
    expect(world.recorded.every(({ requestId }) => requestId !== undefined)).toBe(true);
  });

  it("refuses a configuration whose two values are one, or no flag's", () => {
    const base = { app: APP, appId: "b7e4a9d1-3f52-4c86-a0e9-58d21c7f6b34", name: FLAG };
    for (const wrong of [
      { closedValue: "0" },
      { closedValue: "x".repeat(17) },
      { closedValue: "" },
      { name: "NO SUCH" },
    ])
      expect(herokuFlag.config.safeParse({ ...base, ...wrong }).success).toBe(false);
  });
});

describe("its proof", () => {
  it("[P5] waits for what was started before it was closed, one-off processes among them", async () => {
    world.act({ act: "heroku.run", app: APP, command: "python trade.py", forSeconds: 600 });
    await flag.close();
    await pass(60);
    expect(await flag.prove("closed")).toMatchObject(
      unproved(`Started on ${APP} before it was closed: run.`),
    );
    await pass(600);
    expect(await flag.prove("closed")).toMatchObject({
      is: "proved",
      says: `heroku ${APP} ${FLAG} is closed, and all 2 processes were started with it`,
    });
  });

  it("[P5] waits out preboot, whose old processes are not listed", async () => {
    world.act({ act: "heroku.preboot", app: APP, on: true, windowSeconds: 180 });
    await flag.close();
    await pass(60);
    expect(world.app().retiring).toHaveLength(2);
    expect(await flag.prove("closed")).toMatchObject(unproved("Preboot may keep old web processes"));
    await pass(300);
    expect((await flag.prove("closed")).is).toBe("proved");
  });

  it("[P5] is not given by lists of releases and processes that lag behind the config vars", async () => {
    await pass(600);
    await flag.close();
    for (const route of ["/apps/:app/releases", "/apps/:app/dynos"])
      world.control.addFault({ kind: "stale", route });
    expect(await flag.prove("closed")).toMatchObject(
      unproved(`Started on ${APP} before it was closed: web.1, web.2`),
    );
    await pass(60);
    expect((await flag.prove("closed")).is).toBe("proved");
  });

  it("[P5] waits for a process that should be there and is not listed", async () => {
    await flag.close();
    await pass(60);
    const listed = world.app().dynos;
    world.app().dynos = listed.slice(0, 1);
    expect(await flag.prove("closed")).toMatchObject(unproved(`${APP} is to run 2 × web, and 1 is listed`));
    for (const one of world.app().formation) one.quantity = 0;
    world.app().dynos = [];
    expect(await flag.prove("closed")).toMatchObject({
      is: "proved",
      says: `heroku ${APP} ${FLAG} is closed, and no process runs that would have to see it`,
    });
  });

  it("[P5] is not given by a release that failed, and says so", async () => {
    world.control.set({
      apps: { [APP]: { releaseCommand: "x", releasePhaseMs: 5_000, releaseFails: true } },
    });
    await flag.close();
    expect(await flag.prove("closed")).toMatchObject(unproved("Release v5 of raxx-api-prod is pending"));
    await pass(10);
    expect(await flag.prove("closed")).toMatchObject({
      is: "refuted",
      trouble: { because: expect.stringContaining("release v5 failed") },
    });
    expect(await flag.observe()).toMatchObject({ is: "done", value: { is: "open" } });
  });

  it("[P5] is refuted once somebody else has opened it", async () => {
    await flag.close();
    await pass(60);
    world.set("0");
    expect(await flag.prove("closed")).toMatchObject({
      is: "refuted",
      trouble: { message: `heroku ${APP} ${FLAG} is open, not closed` },
    });
  });

  it("wants what is open to run, and not what is closed", async () => {
    world.act({ act: "heroku.crashing", app: APP, while: "always", afterSeconds: 1 });
    await flag.close();
    await pass(30);
    expect((await flag.prove("closed")).is).toBe("proved");
    await flag.open();
    await pass(30);
    expect(await flag.prove("open")).toMatchObject(unproved("crashed"));
  });

  it("asks the declared health URL, whose query is not repeated", async () => {
    flag = world.connect({ health: `${HEALTH}?key=hidden-in-the-query` });
    await flag.close();
    await pass(60);
    expect((await flag.prove("closed")).is).toBe("proved");
    world.act({ act: "heroku.health", app: APP, failing: true });
    const proof = await flag.prove("closed");
    expect(proof).toMatchObject(unproved(`${HEALTH} answered 503`));
    expect(JSON.stringify(proof)).not.toContain("hidden");
  });
});

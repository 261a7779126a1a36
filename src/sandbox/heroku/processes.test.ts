import { beforeEach, describe, expect, it } from "vitest";
import type { Act } from "../acts.ts";
import { RAXX } from "../raxx.ts";
import { at, type Send, testSandbox } from "../testing.ts";

const APP = "raxx-api-prod";
const KEY = "HEROKU_API_KEY";
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

/** Name, state and release of each dyno that the API lists. */
async function listed(): Promise<unknown[]> {
  const { body } = await send("GET", `/apps/${APP}/dynos`);
  return Array.isArray(body)
    ? body.map((one) => `${at(one, "name")} ${at(one, "state")} v${at(one, "release", "version")}`)
    : [];
}

/** Name, release and key of each process that truly runs. */
function running(): string[] {
  const app = world.sandbox.control.truth().heroku.apps.find((one) => one.name === APP);
  const titles = new Map(
    world.sandbox.heroku.authorizations.map((one): [string | null, string] => [one.id, one.description]),
  );
  return (app?.dynos ?? []).map(
    ({ name, version, env }) => `${name} v${version} ${titles.get(env[KEY]?.holds ?? null) ?? "?"}`,
  );
}

async function patchKey(): Promise<void> {
  await send("PATCH", `/apps/${APP}/config-vars`, { [KEY]: tokenOf(RAXX.sessionAuthorization) });
}

const OLD = "raxx-ci-rotation-2026-07";
const NEW = "prod-deploy-key";

describe("dynos of the formation", () => {
  it("[HK-21] tell since when they are up", async () => {
    world.sandbox.control.set({ apps: { [APP]: { dynoStartMs: 7000 } } });
    await patchKey();
    const changed = world.clock.now();
    const first = async () => {
      const { body } = await send("GET", `/apps/${APP}/dynos/web.1`);
      return [at(body, "state"), at(body, "created_at"), at(body, "updated_at")];
    };
    const stamp = (ms: number) => new Date(ms).toISOString().replace(".000Z", "Z");
    expect(await first()).toEqual(["starting", stamp(changed), stamp(changed)]);
    await world.clock.advance(120_000);
    expect(await first()).toEqual(["up", stamp(changed), stamp(changed + 7000)]);
  });

  it("[HK-21] crash under a new value, start again after longer and longer, and recover with the old value", async () => {
    const before = at((await send("GET", `/apps/${APP}/config-vars`)).body, KEY);
    act({ act: "heroku.crashing", app: APP, processes: ["web"], while: "new value" });
    expect(await listed()).toEqual(["web.1 up v4", "web.2 up v4"]);
    await patchKey();
    const seen: string[] = [];
    for (let seconds = 0; seconds < 4000; seconds += 5) {
      const { body } = await send("GET", `/apps/${APP}/dynos/web.1`);
      const mark = `${at(body, "state")} ${at(body, "updated_at")}`;
      if (seen.at(-1) !== mark) seen.push(mark);
      await world.clock.advance(5000);
    }
    const moments = seen.map((mark) => Date.parse(mark.split(" ")[1] ?? ""));
    expect(seen.every((mark) => mark.startsWith("crashed"))).toBe(true);
    expect(moments.slice(1).map((moment, index) => (moment - (moments[index] ?? 0)) / 1000)).toEqual([
      5, 600, 1200,
    ]);
    await send("PATCH", `/apps/${APP}/config-vars`, { [KEY]: before });
    expect(await listed()).toEqual(["web.1 up v6", "web.2 up v6"]);
  });

  it("crash some time after they came up, at once where they run already, and until told otherwise", async () => {
    act({ act: "heroku.crashing", app: APP, afterSeconds: 60 });
    await world.clock.advance(59_000);
    expect(await listed()).toEqual(["web.1 up v4", "web.2 up v4"]);
    await world.clock.advance(1000);
    expect(await listed()).toEqual(["web.1 crashed v4", "web.2 crashed v4"]);
    act({ act: "heroku.crashing", app: APP, while: "never" });
    await world.clock.advance(5000);
    expect(await listed()).toEqual(["web.1 up v4", "web.2 up v4"]);
  });

  it("crash at their start where Heroku refuses the key they start with", async () => {
    act({ act: "heroku.crashing", app: APP, while: "refused" });
    act({ act: "delete-authorization", id: RAXX.currentAuthorization });
    send = world.herokuWith(tokenOf(RAXX.sessionAuthorization));
    expect(await listed()).toEqual(["web.1 up v4", "web.2 up v4"]);
    await send("DELETE", `/apps/${APP}/dynos/web.2`);
    expect(await listed()).toEqual(["web.1 up v4", "web.2 crashed v4"]);
  });
});

describe("one-off dynos", () => {
  const run = (fields: object) => send("POST", `/apps/${APP}/dynos`, { command: "bash", ...fields });

  it("[HK-23] keep the config they started with, and end by themselves", async () => {
    const made = await run({ attach: false, env: { EXTRA: "1" }, time_to_live: 900 });
    const name = String(at(made.body, "name"));
    expect([made.status, at(made.body, "type"), at(made.body, "attach_url")]).toEqual([201, "run", null]);
    expect(name).toMatch(/^run\.\d{4}$/);
    await patchKey();
    await send("DELETE", `/apps/${APP}/dynos`);
    expect(await listed()).toEqual([`${name} up v4`, "web.1 up v5", "web.2 up v5"]);
    expect(running()).toContain(`${name} v4 ${OLD}`);
    await world.clock.advance(899_000);
    expect(await listed()).toHaveLength(3);
    await world.clock.advance(1000);
    expect(await listed()).toEqual(["web.1 up v5", "web.2 up v5"]);
  });

  it("end when stopped by name or type, or deleted; dynos of the formation start again", async () => {
    const names = [];
    for (let count = 0; count < 3; count += 1) names.push(String(at((await run({})).body, "name")));
    expect((await send("POST", `/apps/${APP}/dynos/${names[0]}/actions/stop`)).status).toBe(202);
    expect((await send("DELETE", `/apps/${APP}/dynos/${names[1]}`)).status).toBe(202);
    expect(await listed()).toEqual([`${names[2]} up v4`, "web.1 up v4", "web.2 up v4"]);
    expect((await send("POST", `/apps/${APP}/formations/run/actions/stop`)).status).toBe(202);
    expect((await send("POST", `/apps/${APP}/dynos/web.1/actions/stop`)).status).toBe(202);
    expect(await listed()).toEqual(["web.1 up v4", "web.2 up v4"]);
    expect((await send("POST", `/apps/${APP}/dynos/run.1/actions/stop`)).status).toBe(404);
  });

  it("survive a change of the formation, and are refused without a command or with a wrong time", async () => {
    act({ act: "heroku.run", app: APP, command: "python backfill.py", forSeconds: 60 });
    await send("PATCH", `/apps/${APP}/formation/web`, { quantity: 1 });
    expect(await listed()).toHaveLength(2);
    for (const wrong of [{ command: "" }, { time_to_live: 90_000 }, { time_to_live: "x" }])
      expect((await run(wrong)).status).toBe(422);
  });

  it("come again by a schedule, each time with the config of then", async () => {
    const command = "python nightly.py";
    act({ act: "heroku.schedule", app: APP, command, everySeconds: 600, forSeconds: 120 });
    expect(running()[2]).toMatch(new RegExp(`^scheduler\\.\\d{4} v4 ${OLD}$`));
    await world.clock.advance(60_000);
    await patchKey();
    expect(running()[2]).toMatch(new RegExp(`^scheduler\\.\\d{4} v4 ${OLD}$`));
    await world.clock.advance(60_000);
    expect(running()).toHaveLength(2);
    await world.clock.advance(480_000);
    expect(running()[2]).toMatch(new RegExp(`^scheduler\\.\\d{4} v5 ${NEW}$`));
    act({ act: "heroku.schedule", app: APP, command, everySeconds: null });
    await world.clock.advance(3_600_000);
    expect(running()).toHaveLength(2);
  });
});

describe("preboot", () => {
  beforeEach(async () => {
    expect(at((await send("GET", `/apps/${APP}/features/preboot`)).body, "enabled")).toBe(false);
    expect((await send("PATCH", `/apps/${APP}/features/preboot`, { enabled: true })).status).toBe(200);
  });

  it("[HK-21] keeps old web dynos for 3 minutes, which the list of dynos does not show", async () => {
    expect(at((await send("GET", `/apps/${APP}/features`)).body, 0, "enabled")).toBe(true);
    await patchKey();
    expect(await listed()).toEqual(["web.1 up v5", "web.2 up v5"]);
    const both = [`web.1 v4 ${OLD}`, `web.2 v4 ${OLD}`, `web.1 v5 ${NEW}`, `web.2 v5 ${NEW}`];
    expect(running()).toEqual(both);
    await world.clock.advance(179_000);
    expect(running()).toEqual(both);
    await world.clock.advance(1000);
    expect(running()).toEqual([`web.1 v5 ${NEW}`, `web.2 v5 ${NEW}`]);
  });

  it("shows dynos of two releases where the vendor is set to list them", async () => {
    world.sandbox.control.set({ heroku: { prebootListsOld: true } });
    await patchKey();
    expect((await listed()).toSorted()).toEqual(["web.1 up v4", "web.1 up v5", "web.2 up v4", "web.2 up v5"]);
  });

  it("keeps the old ones longer under a second restart, and does not keep the ones in between", async () => {
    await patchKey();
    await world.clock.advance(100_000);
    await send("PATCH", `/apps/${APP}/config-vars`, { LOG_LEVEL: "debug" });
    await world.clock.advance(100_000);
    expect(running()).toEqual([`web.1 v4 ${OLD}`, `web.2 v4 ${OLD}`, `web.1 v6 ${NEW}`, `web.2 v6 ${NEW}`]);
    await world.clock.advance(80_000);
    expect(running()).toEqual([`web.1 v6 ${NEW}`, `web.2 v6 ${NEW}`]);
  });

  it("is for web dynos of the standard kind only", async () => {
    const app = "raxx-console-prod";
    act({ act: "heroku.preboot", app, on: true });
    act({ act: "restart-dynos", app });
    const dynos = world.sandbox.control.truth().heroku.apps.find((one) => one.name === app)?.dynos;
    expect(dynos?.filter((one) => one.retiring).map((one) => one.type)).toEqual(["web", "web"]);
    for (const one of world.sandbox.heroku.apps.flatMap((other) => other.formation)) one.size = "basic";
    expect((await send("PATCH", `/apps/${APP}/features/preboot`, { enabled: true })).status).toBe(422);
    expect((await send("GET", `/apps/${APP}/features/teleport`)).status).toBe(404);
  });
});

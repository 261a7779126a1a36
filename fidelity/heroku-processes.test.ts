import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RAXX } from "../src/sandbox/raxx.ts";
import { heroku, type Ran, type Served, serve } from "./clients.ts";

const APP = "raxx-api-prod";
let served: Served;
let key: string;

beforeAll(async () => {
  served = await serve();
  key = served.sandbox.control.estate().heroku.tokens[RAXX.currentAuthorization] ?? "";
});

afterAll(() => served.close());

const run = (...args: string[]): Promise<Ran> => heroku(served, key, ...args);

describe("heroku run and ps", () => {
  it("run:detached starts a one-off dyno, ps lists it, ps:stop ends it", async () => {
    const started = await run("run:detached", "-a", APP, "--", "python", "backfill.py");
    expect(started.code).toBe(0);
    const name = /--dyno (run\.\d{4})/.exec(started.stdout)?.[1] ?? "";
    const ps = await run("ps", "-a", APP);
    expect(ps.stdout).toContain("run: one-off processes (1)");
    expect(ps.stdout).toMatch(
      new RegExp(`${name.replace(".", "\\.")} \\(standard-1X\\): up .+: python backfill.py`),
    );
    expect((await run("ps:stop", "-a", APP, "--dyno-name", name)).code).toBe(0);
    expect((await run("ps", "-a", APP)).stdout).not.toContain(name);
  });

  it("ps shows a crash, ps:wait sees every dyno on the latest release", async () => {
    const { control } = served.sandbox;
    control.act({ act: "heroku.crashing", app: APP });
    expect((await run("ps", "-a", APP)).stdout).toMatch(/web\.1: crashed /);
    control.act({ act: "heroku.crashing", app: APP, while: "never" });
    expect((await run("config:set", "LOG_LEVEL=debug", "-a", APP)).code).toBe(0);
    expect((await run("ps:wait", "-a", APP)).code).toBe(0);
  });
});

describe("heroku features, access and addons", () => {
  it("features shows preboot, which enable and disable change", async () => {
    expect((await run("features", "-a", APP)).stdout).toContain("[ ] preboot");
    expect((await run("features:enable", "preboot", "-a", APP)).code).toBe(0);
    expect((await run("features", "-a", APP)).stdout).toContain("[+] preboot");
    expect((await run("features:disable", "preboot", "-a", APP)).code).toBe(0);
  });

  it("access lists the owner, or a team's permissions, without which config is refused", async () => {
    expect((await run("access", "-a", APP)).stdout).toMatch(/kris@moosequest\.net +owner/);
    const { control } = served.sandbox;
    const permissions: ("view" | "deploy")[] = ["view", "deploy"];
    control.act({ act: "heroku.access", app: APP, team: "raxx", role: "member", permissions });
    expect((await run("access", "-a", APP)).stdout).toMatch(/kris@moosequest\.net +member +deploy, view/);
    control.act({ act: "heroku.access", app: APP, role: "member", permissions: ["view"] });
    const refused = await run("config:set", "A=1", "-a", APP);
    expect(refused.code).not.toBe(0);
    expect(refused.stderr).toContain("Error ID: forbidden");
    control.act({ act: "heroku.access", app: APP, team: null, role: "owner" });
  });

  it("addons lists what owns DATABASE_URL", async () => {
    const { code, stdout } = await run("addons", "-a", APP);
    expect([code, stdout.includes("heroku-postgresql")]).toEqual([0, true]);
    expect(stdout).toContain("as DATABASE");
  });
});

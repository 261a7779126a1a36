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

function app() {
  const found = served.sandbox.heroku.apps.find((one) => one.name === APP);
  if (!found) throw new Error("no app");
  return found;
}

const dynos = () => app().dynos.map((one) => one.id);

describe("heroku apps", () => {
  it("lists and describes the apps", async () => {
    const { stdout } = await run("apps");
    expect(stdout.split("\n").filter((line) => line.startsWith("raxx-"))).toEqual(
      Object.keys(RAXX.apps).toSorted(),
    );
    const info = await run("apps:info", "-a", APP);
    expect(info.stdout).toMatch(/Owner: +kris@moosequest.net/);
    expect(info.stdout).toMatch(/Dynos: +web: 2/);
  });

  it("an app that is not there ends with 2", async () => {
    const { code, stderr } = await run("config", "-a", "no-such-app");
    expect(code).toBe(2);
    expect(stderr).toContain("Couldn't find that app. Error ID: not_found");
  });
});

describe("heroku config", () => {
  it("shows every variable in clear, get one of them", async () => {
    const { stdout } = await run("config", "-a", APP);
    for (const name of ["APP_ENV", "DATABASE_URL", "LOG_LEVEL", "SECRET_KEY"])
      expect(stdout).toContain(`${name}:`);
    expect(stdout).toMatch(new RegExp(`HEROKU_API_KEY: +${key}\\n`));
    expect((await run("config:get", "HEROKU_API_KEY", "-a", APP)).stdout).toBe(`${key}\n`);
  });

  it("set makes one release of several variables, which releases shows", async () => {
    const before = dynos();
    served.requests();
    const { code, stderr } = await run("config:set", "FIRST=one two", "SECOND=2", "-a", APP);
    expect([code, stderr]).toEqual([0, `Setting FIRST, SECOND and restarting ${APP}... done, v5`]);
    expect(served.requests()).toEqual([
      `PATCH /apps/${APP}/config-vars 200`,
      `GET /apps/${APP}/releases 206`,
    ]);
    expect((await run("config:get", "FIRST", "-a", APP)).stdout).toBe("one two\n");
    expect(dynos().some((id) => before.includes(id))).toBe(false);
    const releases = await run("releases", "-a", APP);
    expect(releases.stdout).toContain(`${APP} Releases - Current: v5`);
    expect(releases.stdout).toMatch(/v5 +Set FIRST, SECOND config vars +kris@moosequest.net/);
    expect((await run("config:unset", "SECOND", "-a", APP)).stderr).toContain("done, v6");
    expect(served.requests()).toContain(`GET /apps/${APP}/releases 200`);
  });

  it("set refuses what an add-on owns", async () => {
    const { code, stderr } = await run("config:set", "DATABASE_URL=x", "-a", APP);
    expect(code).toBe(2);
    expect(stderr).toContain("Cannot overwrite attachment values DATABASE_URL. Error ID: invalid_params");
  });

  it("set warns while the release command runs, and shows the old value until then", async () => {
    const staging = "raxx-api-staging";
    served.sandbox.control.set({
      apps: { [staging]: { releaseCommand: "migrate", releasePhaseMs: 600_000 } },
    });
    const { code, stderr } = await run("config:set", "LOG_LEVEL=debug", "-a", staging);
    expect(code).toBe(0);
    expect(stderr).toContain("this config change will not be available until the command succeeds");
    expect((await run("config:get", "LOG_LEVEL", "-a", staging)).stdout).toBe("info\n");
  });
});

describe("heroku ps and logs", () => {
  it("ps shows the dynos, restart replaces all or one, scale changes their number", async () => {
    expect((await run("ps", "-a", APP)).stdout).toMatch(/web\.1: up [^\n]+\nweb\.2: up /);
    const [first, second] = dynos();
    expect((await run("ps:restart", "--dyno-name", "web.1", "-a", APP)).code).toBe(0);
    expect(dynos()[0]).not.toBe(first);
    expect(dynos()[1]).toBe(second);
    const { stderr } = await run("ps:restart", "-a", APP);
    expect(stderr).toBe(`Restarting all dynos on ${APP}... done`);
    expect(dynos()[1]).not.toBe(second);
    expect((await run("ps:scale", "web=3", "-a", APP)).stderr).toContain("now running web at 3:standard-1X");
    expect(dynos()).toHaveLength(3);
  });

  it("logs --num prints the last lines and ends", async () => {
    served.sandbox.control.act({ act: "log", app: APP, text: "hello from a worker" });
    const { code, stdout } = await run("logs", "--num", "2", "-a", APP);
    const lines = stdout.trim().split("\n");
    expect([code, lines.length]).toEqual([0, 2]);
    expect(lines[1]).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z app\[web\.1\]: hello from a worker$/);
  });
});

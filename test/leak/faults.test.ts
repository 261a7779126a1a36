import path from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Fault } from "../../src/sandbox/faults.ts";
import { ECHOES, echoFault } from "./hostile.ts";
import { type How, PROGRAM, setStage, type Stage } from "./stage.ts";

const SECRET = "heroku-api-key";
const DEBUG = { LOCKSTEP_DEBUG: "1" };
let stage: Stage;
beforeAll(async () => {
  stage = await setStage();
});
beforeEach(() => stage.sandbox.control.clearFaults());
afterAll(() => stage.close());

const run = (line: string, how?: How) => stage.run([...line.split(" "), "--sandbox"], how);
const fault = (one: Fault) => stage.sandbox.control.addFault(one);
const vaultValue = () => {
  const [project] = stage.sandbox.infisical.projects;
  return project?.secrets.find((one) => one.key === "HEROKU_API_KEY")?.versions.at(-1)?.value ?? "";
};
const githubToken = () => stage.sandbox.control.estate().github.tokens["rotation"] ?? "";
/** All ways of repeating a value, in one text each. */
const saidBack = (value: string) => ECHOES.map(([, echo]) => echo(value));

describe("[HK-12] flows with faults", () => {
  it("[HK-12] refusals that repeat the value, of every vendor and status, leave it nowhere", async () => {
    const value = vaultValue();
    const list: readonly (readonly [string, Fault])[] = [
      ["test", { ...echoFault("heroku", 401, saidBack(value)[0] ?? ""), method: "GET", route: "/account" }],
      ["test", { ...echoFault("heroku", 403, saidBack(value)[1] ?? ""), method: "GET", route: "/account" }],
      ["test", { ...echoFault("heroku", 404, saidBack(value)[4] ?? ""), method: "GET", route: "/apps/:app" }],
      ["test", { ...echoFault("github", 403, saidBack(githubToken())[0] ?? "") }],
      ["test", { kind: "html", status: 403, vendor: "infisical" }],
      ["test", { kind: "truncated", abort: true, vendor: "heroku", route: "/oauth/authorizations" }],
      ["rotate", { ...echoFault("heroku", 422, saidBack(value)[6] ?? ""), method: "POST" }],
    ];
    for (const [flow, one] of list) {
      fault({ ...one, count: null });
      const { exit } = await run(`${flow} ${SECRET}${flow === "rotate" ? " --yes" : ""}`, { env: DEBUG });
      expect([exit, stage.sandbox.control.faults()[0]?.hits ?? 0]).toEqual([1, expect.any(Number)]);
      expect(stage.sandbox.control.faults()[0]?.hits).toBeGreaterThan(0);
      stage.sandbox.control.clearFaults();
    }
    expect(vaultValue()).toBe(value);
    expect(await stage.leaks()).toEqual([]);
  });

  it("[HK-12] a rotation through lost, cut, late and failing replies that repeat values leaves them nowhere", async () => {
    const value = vaultValue();
    fault({ kind: "lost-reply", vendor: "heroku", method: "POST" });
    fault({ ...echoFault("heroku", 500, saidBack(value)[0] ?? ""), route: "/oauth/authorizations", skip: 1, count: 1 });
    fault({ kind: "error-after", vendor: "infisical", method: "PATCH" });
    fault({ kind: "truncated", vendor: "heroku", method: "PATCH" });
    fault({ ...echoFault("heroku", 503, saidBack(value)[7] ?? ""), method: "GET", route: "/account", skip: 2 });
    fault({ kind: "html", status: 502, vendor: "github", method: "GET" });
    const { exit, stdout } = await run(`rotate ${SECRET} --yes --json`, { env: DEBUG });
    expect([exit, JSON.parse(stdout).status]).toEqual([0, "completed"]);
    expect(stage.sandbox.control.faults()).toEqual([]);
    expect(vaultValue()).not.toBe(value);
    expect(await stage.leaks()).toEqual([]);
  });

  it("[HK-12] a held run, looked at, cancelled in vain and gone on with, leaves no value anywhere", async () => {
    // What is sent there is the new value, which nobody knows before: the vendor repeats it from the request itself.
    fault({ kind: "status", vendor: "infisical", status: 403, method: "PATCH", count: null });
    const held = await run(`rotate ${SECRET} --yes`, { env: DEBUG });
    expect(held.exit).toBe(5);
    const id = /heroku-api-key\.rotate\.\d+/.exec(held.stderr)?.[0] ?? "";
    for (const line of [`show ${id}`, `show ${id} --json`, "status --json", `audit ${id}`]) await run(line);
    expect((await run(`cancel ${id}`, { env: DEBUG })).exit).toBe(1);
    stage.sandbox.control.clearFaults();
    expect((await run(`rotate ${SECRET}`)).exit).toBe(0);
    expect(await stage.leaks()).toEqual([]);
  });

  it("[P7] a cancelled run that is walked back leaves no value anywhere, in the files neither", async () => {
    const value = vaultValue();
    fault({ kind: "lost-reply", vendor: "heroku", method: "POST" });
    fault({
      ...echoFault("heroku", 403, saidBack(value)[2] ?? ""),
      method: "GET",
      route: "/oauth/authorizations",
      skip: 1,
      count: null,
    });
    const held = await run(`rotate ${SECRET} --yes`, { env: DEBUG });
    expect(held.exit).toBe(5);
    const id = /heroku-api-key\.rotate\.\d+/.exec(held.stderr)?.[0] ?? "";
    await run(`show ${id} --json`);
    stage.sandbox.control.clearFaults();
    expect((await run(`cancel ${id} --json`)).exit).toBe(0);
    expect(vaultValue()).toBe(value);
    const sinks = await stage.sinks();
    expect(sinks.find((one) => one.name === "table lockstep.sealed")?.bytes.toString()).toBe("");
    expect(await stage.leaks()).toEqual([]);
  });

  it("[P7] errors of the platform that quote what they were given are not printed, not with LOCKSTEP_DEBUG either", async () => {
    const preload = path.join(import.meta.dirname, "quoting-platform.ts");
    const node = ["--import", preload, PROGRAM];
    for (const what of ["fetch", "hmac", "seal"]) {
      const { exit, stderr } = await run(`rotate ${SECRET} --yes`, { node, env: { ...DEBUG, QUOTING: what } });
      expect(exit, stderr).toBeGreaterThan(0);
      expect(stderr).toContain("quoting platform");
    }
    expect(await stage.leaks()).toEqual([]);
  });
});

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Fault } from "../../src/sandbox/faults.ts";
import { ECHOES, echoFault } from "./hostile.ts";
import { type How, PROGRAM, type Repeater, type Stage, setStage } from "./stage.ts";

const SECRET = "heroku-api-key";
const DEBUG = { LOCKSTEP_DEBUG: "1" };
let stage: Stage;
beforeAll(async () => {
  stage = await setStage();
});
beforeEach(() => {
  stage.sandbox.control.clearFaults();
  stage.repeat(undefined);
});
afterAll(() => stage.close());

const run = (line: string, how?: How) => stage.run([...line.split(" "), "--sandbox"], how);
const fault = (one: Fault) => stage.sandbox.control.addFault(one);
const vaultValue = () => {
  const [project] = stage.sandbox.infisical.projects;
  return project?.secrets.find((one) => one.key === "HEROKU_API_KEY")?.versions.at(-1)?.value ?? "";
};
/** All ways of repeating a value, in one text each. */
const saidBack = (value: string) => ECHOES.map(([, echo]) => echo(value));

/** How often a rotation lists the authorizations before it creates one: as often as the last one did, from its login on. */
function listsBeforeMint(): number {
  const requests = stage.sandbox.control.journal.list();
  const mint = requests.findLastIndex((one) => one.method === "POST" && one.path === "/oauth/authorizations");
  const login = requests.findLastIndex((one, at) => at < mint && one.path.includes("/auth/"));
  const before = requests.slice(login, mint);
  return before.filter((one) => one.method === "GET" && one.path === "/oauth/authorizations").length;
}

describe("[HK-12] flows with faults", () => {
  it("[HK-12] refusals that repeat what was sent, of every vendor, leave it nowhere", async () => {
    const refusals: readonly (Repeater & { readonly says: RegExp })[] = [
      { vendor: "heroku", method: "GET", path: /config-vars$/, status: 404, says: /with 404/ },
      { vendor: "github", method: "GET", path: /^/, status: 403, says: /with 403/ },
      { vendor: "infisical", method: "POST", path: /login$/, status: 401, says: /with 401/ },
    ];
    for (const { says, ...one } of refusals) {
      stage.repeat(one);
      const { exit, stdout } = await run(`test ${SECRET}`, { env: DEBUG });
      expect([exit, stdout]).toEqual([1, expect.stringMatching(says)]);
    }
    stage.repeat({ vendor: "heroku", method: "POST", path: /authorizations$/, status: 422 });
    expect((await run(`rotate ${SECRET} --yes --json`, { env: DEBUG })).exit).toBe(1);
    expect(await stage.leaks()).toEqual([]);
  });

  it("[HK-12] a rotation through lost, cut, foreign and failing replies leaves no value anywhere", async () => {
    const value = vaultValue();
    const echo = (status: number, n: number) => echoFault("heroku", status, saidBack(value)[n] ?? "");
    fault({ kind: "lost-reply", vendor: "heroku", method: "POST" });
    fault({ ...echo(500, 0), route: "/oauth/authorizations", skip: 1, count: 1 });
    fault({ kind: "error-after", vendor: "infisical", method: "PATCH" });
    fault({ kind: "truncated", vendor: "heroku", method: "PATCH" });
    fault({ ...echo(503, 7), method: "GET", route: "/apps/:app/config-vars" });
    const { exit, stdout } = await run(`rotate ${SECRET} --yes --json`, { env: DEBUG });
    expect([exit, JSON.parse(stdout).status]).toEqual([0, "completed"]);
    expect(stage.sandbox.control.faults()).toEqual([]);
    expect(vaultValue()).not.toBe(value);
    expect(await stage.leaks()).toEqual([]);
  });

  it("[HK-12] a held run, looked at, cancelled in vain and gone on with, leaves no value anywhere", async () => {
    // The vault is sent the new value here, and says it back.
    stage.repeat({ vendor: "infisical", method: "PATCH", path: /secrets/, status: 403 });
    const held = await run(`rotate ${SECRET} --yes`, { env: DEBUG });
    expect([held.exit, held.stdout]).toEqual([5, expect.stringContaining("with 403")]);
    const id = /heroku-api-key\.rotate\.\d+/.exec(held.stderr)?.[0] ?? "";
    await Promise.all([run(`show ${id}`), run(`show ${id} --json`)]);
    await Promise.all([run("status --json"), run(`audit ${id} --json`)]);
    expect((await run(`cancel ${id}`, { env: DEBUG })).exit).toBe(1);
    stage.repeat({ vendor: "heroku", method: "PATCH", path: /config-vars$/, status: 422 });
    expect((await run(`rotate ${SECRET}`, { env: DEBUG })).exit).toBe(5);
    stage.repeat(undefined);
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
      skip: listsBeforeMint(),
      count: null,
    });
    const held = await run(`rotate ${SECRET} --yes`, { env: DEBUG });
    expect(held.exit).toBe(5);
    const id = /heroku-api-key\.rotate\.\d+/.exec(held.stderr)?.[0] ?? "";
    await run(`show ${id} --json`);
    stage.sandbox.control.clearFaults();
    const cancelled = await run(`cancel ${id} --json`);
    expect([cancelled.exit, JSON.parse(cancelled.stdout).status]).toEqual([0, "cancelled"]);
    expect(vaultValue()).toBe(value);
    const sinks = await stage.sinks();
    expect(sinks.find((one) => one.name === "table lockstep.sealed")?.bytes.toString()).toBe("");
    expect(await stage.leaks()).toEqual([]);
  });

  it("[P7] errors of the platform that quote what they were given are not printed, not with LOCKSTEP_DEBUG either", async () => {
    const preload = new URL("./quoting-platform.ts", import.meta.url).href;
    const node = ["--import", preload, PROGRAM];
    for (const what of ["fetch", "hmac", "seal", "ring"]) {
      const { exit, stderr } = await run(`rotate ${SECRET} --yes`, {
        node,
        env: { ...DEBUG, QUOTING: what },
      });
      expect(exit, what).toBeGreaterThan(0);
      expect(stderr).toContain("quoting platform");
    }
    expect(await stage.leaks()).toEqual([]);
  });
});

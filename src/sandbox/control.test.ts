import { mkdtempSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { routeMatches } from "./faults.ts";
import { RAXX } from "./raxx.ts";
import { at, clients, type Send, testSandbox } from "./testing.ts";

const CONFIG = "/apps/raxx-api-prod/config-vars";
const AUTHORIZATIONS = "/oauth/authorizations";
const MINT = { scope: ["global"], description: "run-7" };

let world: Awaited<ReturnType<typeof testSandbox>>;
let send: Send;

beforeEach(async () => {
  world = await testSandbox();
  send = world.herokuWith(world.sandbox.control.estate().heroku.tokens[RAXX.currentAuthorization] ?? "");
});

function minted() {
  return world.sandbox.heroku.authorizations.filter((one) => one.description === "run-7").length;
}

describe("faults", () => {
  it("answers a status in the vendor's own words, as often as asked, after a skip", async () => {
    const { control } = world.sandbox;
    control.addFault({ kind: "status", status: 429, retryAfter: 9, vendor: "heroku", count: 2, skip: 1 });
    const statuses = [];
    for (let calls = 0; calls < 4; calls += 1) statuses.push((await send("GET", "/account")).status);
    expect(statuses).toEqual([200, 429, 429, 200]);
    control.addFault({ kind: "status", status: 403, vendor: "github", route: "/repos/*" });
    const github = world.githubWith("rotation");
    expect((await github("GET", "/user")).status).toBe(200);
    const refused = await github("GET", "/api/v3/repos/raxx-app/TradeMasterAPI");
    expect([refused.status, at(refused.body, "status")]).toEqual([403, "403"]);
  });

  it.each([
    ["status", { kind: "status", status: 500 } as const, 0],
    ["html", { kind: "html", status: 502 } as const, 0],
    ["no-effect", { kind: "no-effect" } as const, 0],
    ["lost-request", { kind: "lost-request" } as const, 0],
    ["error-after", { kind: "error-after" } as const, 1],
    ["truncated", { kind: "truncated" } as const, 1],
    ["lost-reply", { kind: "lost-reply" } as const, 1],
  ])("%s mints %i-fold", async (_name, fault, effects) => {
    world.sandbox.control.addFault(fault);
    const reply = await send("POST", AUTHORIZATIONS, MINT).catch((error: unknown) => error);
    if (fault.kind.startsWith("lost"))
      expect(reply).toMatchObject({ name: "TypeError", message: "fetch failed" });
    if (fault.kind === "no-effect") expect(at(reply, "status")).toBe(201);
    if (fault.kind === "truncated") expect(typeof at(reply, "body")).toBe("string");
    expect(minted()).toBe(effects);
    const entry = world.sandbox.control.journal.list().at(-1);
    expect([entry?.fault, entry?.effect]).toEqual([fault.kind, effects > 0 ? "write" : "none"]);
  });

  it("lets the effect of a late request happen after its connection broke", async () => {
    world.sandbox.control.addFault({ kind: "late", ms: 4000 });
    await expect(send("POST", AUTHORIZATIONS, MINT)).rejects.toThrow("fetch failed");
    await world.clock.advance(3999);
    expect(minted()).toBe(0);
    await world.clock.advance(1);
    await world.sandbox.control.idle();
    expect(minted()).toBe(1);
  });

  it("hangs for a timeout, and delays by latency", async () => {
    world.sandbox.control.addFault({ kind: "timeout", ms: 30_000 });
    const hung = send("GET", "/account").catch((error: unknown) => error);
    await world.clock.advance(30_000);
    expect(await hung).toMatchObject({ cause: { code: "ETIMEDOUT" } });
    world.sandbox.control.set({ latencyMs: { heroku: 250 } });
    const slow = send("GET", "/account");
    const started = world.clock.now();
    await new Promise((resolve) => setImmediate(resolve));
    await world.clock.advance(250);
    await slow;
    expect(world.sandbox.control.journal.list().at(-1)?.at).toBe(started + 250);
  });

  it("goes on working for a client that gave up", async () => {
    const { sandbox } = world;
    const token = sandbox.control.estate().heroku.tokens[RAXX.currentAuthorization] ?? "";
    sandbox.control.set({ latencyMs: 1000 });
    const client = new AbortController();
    const headers = { authorization: `Bearer ${token}`, accept: "application/vnd.heroku+json; version=3" };
    const init = { method: "POST", headers, body: JSON.stringify(MINT), signal: client.signal };
    const reply = sandbox.fetch("heroku", new Request("http://heroku.sandbox/oauth/authorizations", init));
    await new Promise((resolve) => setImmediate(resolve));
    client.abort();
    await expect(reply).rejects.toMatchObject({ name: "AbortError" });
    await world.clock.advance(1000);
    await sandbox.control.idle();
    expect(minted()).toBe(1);
  });

  it("answers reads from before the last write, or as of some time ago", async () => {
    await send("PATCH", CONFIG, { LOG_LEVEL: "debug" });
    await send("PATCH", "/apps/raxx-api-staging/config-vars", { LOG_LEVEL: "warn" });
    world.sandbox.control.addFault({ kind: "stale", vendor: "heroku" });
    expect(at((await send("GET", CONFIG)).body, "LOG_LEVEL")).toBe("info");
    expect(at((await send("GET", CONFIG)).body, "LOG_LEVEL")).toBe("debug");
    world.sandbox.control.addFault({ kind: "stale", lagMs: 5000, count: null, forMs: 8000 });
    await world.clock.advance(1000);
    expect(at((await send("GET", CONFIG)).body, "LOG_LEVEL")).toBe("info");
    await world.clock.advance(5000);
    expect(at((await send("GET", CONFIG)).body, "LOG_LEVEL")).toBe("debug");
  });

  it("matches routes by segment", () => {
    expect(routeMatches("/apps/:app/config-vars", CONFIG)).toBe(true);
    expect(routeMatches("/apps/:app", CONFIG)).toBe(false);
    expect(routeMatches("/api/*/secrets/raw/HEROKU.KEY", "/api/v3/secrets/raw/HEROKU_KEY")).toBe(false);
  });
});

describe("journal and truth", () => {
  it("names the credential and the fields of every request, and no value", async () => {
    await send("PATCH", CONFIG, { LOG_LEVEL: "a-very-secret-value" });
    await (await world.login("lockstep"))("GET", "/api/status");
    const entries = world.sandbox.control.journal.list({ vendor: "heroku", effect: "write" });
    expect(entries).toMatchObject([
      {
        method: "PATCH",
        path: CONFIG,
        credential: RAXX.currentAuthorization,
        fields: ["LOG_LEVEL"],
        status: 200,
      },
    ]);
    const everything = JSON.stringify([world.sandbox.control.journal.list(), world.sandbox.control.truth()]);
    const { heroku, github, infisical } = world.sandbox.control.estate();
    const identities = Object.values(infisical.identities).map((one) => one.clientSecret);
    for (const value of [
      ...Object.values(heroku.tokens),
      ...Object.values(github.tokens),
      ...identities,
      "a-very-secret-value",
    ]) {
      expect(everything).not.toContain(value);
    }
  });

  it("says which authorization every copy holds, and whether it works", async () => {
    const current = { holds: RAXX.currentAuthorization, works: true, former: false };
    const truth = world.sandbox.control.truth();
    expect(truth.heroku.apps.map((one) => one.config["HEROKU_API_KEY"])).toEqual(Array(4).fill(current));
    expect(truth.heroku.apps[0]?.dynos[0]?.env["HEROKU_API_KEY"]).toEqual(current);
    expect(truth.github.repositories[0]?.secrets["HEROKU_API_KEY"]).toEqual(current);
    expect(truth.infisical.projects[0]?.secrets[0]).toMatchObject({
      key: "HEROKU_API_KEY",
      path: "/MooseQuest/heroku",
      ...current,
    });
    world.sandbox.control.act({ act: "regenerate-authorization", id: RAXX.currentAuthorization });
    const after = world.sandbox.control.truth().heroku.apps[0]?.config["HEROKU_API_KEY"];
    expect(after).toEqual({ holds: RAXX.currentAuthorization, works: false, former: true });
  });

  it("lets other hands change any store", async () => {
    const { control } = world.sandbox;
    const value = { authorization: RAXX.sessionAuthorization };
    control.act({ act: "set-config-var", app: "raxx-api-prod", name: "HEROKU_API_KEY", value });
    control.act({
      act: "set-github-secret",
      repository: "raxx-app/TradeMasterAPI",
      name: "HEROKU_API_KEY",
      value,
    });
    control.act({
      act: "set-vault-secret",
      environment: "prod",
      path: "/MooseQuest/heroku",
      key: "HEROKU_API_KEY",
      value,
    });
    const truth = control.truth();
    const holders = [
      truth.heroku.apps[0]?.config["HEROKU_API_KEY"],
      truth.github.repositories[0]?.secrets["HEROKU_API_KEY"],
      truth.infisical.projects[0]?.secrets[0],
    ];
    expect(holders.map((one) => one?.holds)).toEqual(Array(3).fill(RAXX.sessionAuthorization));
    expect(() => control.act({ act: "delete-authorization", id: "nope" })).toThrow("there is no nope");
  });
});

describe("repeatability", () => {
  it("gives the same replies for the same seed and clock", async () => {
    const again = await testSandbox();
    const other = clients(again.sandbox).herokuWith(
      again.sandbox.control.estate().heroku.tokens[RAXX.currentAuthorization] ?? "",
    );
    const [mine, theirs] = await Promise.all([send, other].map((one) => one("POST", AUTHORIZATIONS, MINT)));
    expect(mine?.text).toBe(theirs?.text);
  });

  it("goes on from its state file, which only its owner may read", async () => {
    const stateFile = join(mkdtempSync(join(tmpdir(), "sandbox-")), "state.json");
    const first = await testSandbox({ stateFile });
    const token = first.sandbox.control.estate().heroku.tokens[RAXX.currentAuthorization] ?? "";
    await first.herokuWith(token)("PATCH", CONFIG, { LOG_LEVEL: "debug" });
    expect(statSync(stateFile).mode & 0o777).toBe(0o600);
    const second = await testSandbox({ stateFile });
    expect(at((await second.herokuWith(token)("GET", CONFIG)).body, "LOG_LEVEL")).toBe("debug");
    expect(second.sandbox.control.estate().github).toEqual(first.sandbox.control.estate().github);
  });

  it("keeps every one of many concurrent writes", async () => {
    const vault = await world.login("lockstep");
    const place = { projectId: RAXX.projectId, environment: "prod", secretPath: "/MooseQuest/heroku" };
    const writes = Array.from({ length: 8 }, (_, index) =>
      vault("PATCH", "/api/v4/secrets/HEROKU_API_KEY", { ...place, secretValue: `v${index}` }),
    );
    const versions = (await Promise.all(writes)).map((one) => at(one.body, "secret", "version"));
    expect(versions.toSorted()).toEqual([10, 11, 4, 5, 6, 7, 8, 9]);
  });
});

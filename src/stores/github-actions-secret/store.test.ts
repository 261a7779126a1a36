import { beforeEach, describe, expect, it } from "vitest";
import type { Store } from "../../core/store.ts";
import { RAXX } from "../../sandbox/raxx.ts";
import { testSandbox } from "../../sandbox/testing.ts";
import { github } from "../../vendors/github/client.ts";
import { clockOf, secretsOf, testConnection, testFingerprint, watched } from "../../vendors/testing.ts";
import type { GithubActionsSecretConfig } from "./config.ts";
import { githubActionsSecret } from "./store.ts";

const TEXT = "HRKU-new-value-of-the-test";
const NEW = secretsOf({ token: TEXT });
const NAME = "HEROKU_API_KEY";
const REPOSITORY = "raxx-app/TradeMasterAPI";
const OWN = { "x-github-request-id": "AB12" };
const CONFIG = { repository: REPOSITORY, repositoryId: RAXX.repositoryId, fields: { token: NAME } };
let world: Awaited<ReturnType<typeof testSandbox>>;
let store: Store;

function connect(change: Partial<GithubActionsSecretConfig> = {}, name = "rotation", date?: () => Date) {
  const token = world.sandbox.control.estate().github.tokens[name] ?? "";
  const connection = testConnection(
    async (request) => {
      const response = await world.sandbox.fetch("github", request);
      if (date !== undefined) response.headers.set("date", date().toUTCString());
      return response;
    },
    world.clock,
    { token },
  );
  const deps = {
    client: github.connect(connection),
    fingerprint: testFingerprint,
    clock: clockOf(world.clock),
    copy: "github",
  };
  const config = githubActionsSecret.config.parse({ ...CONFIG, ...change });
  store = watched(githubActionsSecret.connect(config, deps), [token, TEXT]);
}

beforeEach(async () => {
  world = await testSandbox();
  connect();
});

async function written() {
  const outcome = await store.write(NEW);
  if (outcome.is !== "done") throw new Error(outcome.trouble.message);
  return outcome.value;
}

function held() {
  return world.sandbox.github.repositories[0]?.secrets.find((one) => one.name === NAME)?.value;
}

describe("the GitHub Actions secret", () => {
  it("is seen without its value, by the repository's number", async () => {
    expect(await store.observe()).toMatchObject({
      is: "done",
      value: { present: true, targetId: String(RAXX.repositoryId), changedAt: "2026-07-01T14:05:40.000Z" },
    });
    connect({ fields: { token: "ABSENT" } });
    expect(await store.observe()).toMatchObject({ is: "done", value: { present: false } });
  });

  it("[HK-07] is written, and proved by our accepted and uncontested write", async () => {
    const receipt = await written();
    expect(held()).toBe(TEXT);
    expect(receipt).toMatchObject({ copy: "github", wrote: true, fingerprints: testFingerprint(NEW) });
    const observed = await store.observe();
    expect(observed.is === "done" && observed.value.changedAt).toBe(receipt.changedAt);
    expect(await store.prove(receipt)).toMatchObject({ is: "proved" });
    await world.clock.advance(1_000);
    world.sandbox.control.act({
      act: "set-github-secret",
      repository: REPOSITORY,
      name: NAME,
      value: { text: "x" },
    });
    expect(await store.prove(receipt)).toMatchObject({
      is: "refuted",
      trouble: { code: "DESTINATION_UNPROVED" },
    });
    world.sandbox.control.act({ act: "set-github-secret", repository: REPOSITORY, name: NAME, value: null });
    expect(await store.prove(receipt)).toMatchObject({ is: "refuted" });
  });

  it("costs what it declares", async () => {
    const config = githubActionsSecret.config.parse(CONFIG);
    const calls = () => world.sandbox.control.journal.list().length;
    await store.observe();
    expect(calls()).toBe(githubActionsSecret.costs.observe(config));
    const receipt = await written();
    const soFar = githubActionsSecret.costs.observe(config) + githubActionsSecret.costs.write(config);
    expect(calls()).toBe(soFar);
    await store.prove(receipt);
    expect(calls()).toBe(soFar + githubActionsSecret.costs.prove(config));
    expect(githubActionsSecret.describe(config).target).toBe(`github ${REPOSITORY} ${NAME}`);
  });

  it("fetches a replaced key again, once, and not for another refusal", async () => {
    const puts = () => world.sandbox.control.journal.list().filter((one) => one.method === "PUT").length;
    const fetch = world.sandbox.fetch;
    let turned = false;
    world.sandbox.fetch = async (vendor, request) => {
      if (request.method === "PUT" && !turned) {
        turned = true;
        world.sandbox.control.act({ act: "rotate-github-key", repository: REPOSITORY });
      }
      return fetch(vendor, request);
    };
    await written();
    expect([puts(), held()]).toEqual([2, TEXT]);
    world.sandbox.control.addFault({ kind: "status", status: 422, headers: OWN, method: "PUT", count: 5 });
    expect(await store.write(NEW)).toMatchObject({ is: "refused", trouble: { code: "VENDOR_REFUSED" } });
    expect(puts()).toBe(3);
  });

  it("is unknown after a lost reply, and as after a write that GitHub only claims", async () => {
    for (const fault of [
      { kind: "lost-reply" },
      { kind: "error-after" },
      { kind: "html", status: 204 + 1 },
    ] as const) {
      world.sandbox.control.addFault({ ...fault, method: "PUT" });
      expect((await store.write(NEW)).is).toBe("unknown");
    }
    await world.clock.advance(60_000);
    world.sandbox.control.addFault({ kind: "no-effect", method: "PUT" });
    expect(await store.write(NEW)).toMatchObject({
      is: "unknown",
      trouble: { code: "DESTINATION_UNPROVED" },
    });
    world.sandbox.control.addFault({
      kind: "lost-reply",
      route: "/repos/:o/:r/actions/secrets/HEROKU_API_KEY",
      skip: 1,
    });
    expect(await store.write(NEW)).toMatchObject({
      is: "unknown",
      trouble: { code: "DESTINATION_UNPROVED" },
    });
    expect((await store.write(NEW)).is).toBe("done");
  });

  it("is unknown when somebody wrote between our write and our look", async () => {
    connect({}, "rotation", () => new Date(world.clock.now()));
    const receipt = await written();
    expect(receipt.wrote).toBe(true);
    connect({}, "rotation", () => new Date(world.clock.now() - 10_000));
    expect(await store.write(NEW)).toMatchObject({
      is: "unknown",
      trouble: { message: expect.stringContaining("changed again after our write") },
    });
  });

  it("waits out a read from before the write", async () => {
    const receipt = await written();
    await world.clock.advance(60_000);
    const later = await written();
    world.sandbox.control.addFault({ kind: "stale", route: "*/HEROKU_API_KEY" });
    expect((await store.prove(later)).is).toBe("unknown");
    expect((await store.prove(later)).is).toBe("proved");
    expect((await store.prove(receipt)).is).toBe("refuted");
  });

  it("[P6] refuses another repository under the name, a renamed one, and one that it cannot see or write", async () => {
    connect({ repositoryId: 1 });
    expect(await store.write(NEW)).toMatchObject({ is: "refused", trouble: { code: "DESTINATION_UNREADY" } });
    connect();
    const renamed = { id: RAXX.repositoryId, full_name: "raxx-app/Other" };
    world.sandbox.control.addFault({ kind: "status", status: 200, headers: OWN, body: renamed });
    expect(await store.observe()).toMatchObject({ is: "refused", trouble: { code: "DESTINATION_UNREADY" } });
    const archived = { ...renamed, full_name: REPOSITORY, archived: true };
    world.sandbox.control.addFault({ kind: "status", status: 200, headers: OWN, body: archived });
    expect(await store.observe()).toMatchObject({ is: "refused", trouble: { code: "DESTINATION_UNREADY" } });
    connect({}, "outsider");
    expect(await store.observe()).toMatchObject({
      is: "refused",
      trouble: { code: "VENDOR_TARGET_MISSING" },
    });
    connect({}, "read-only");
    expect(await store.write(NEW)).toMatchObject({
      is: "refused",
      trouble: { code: "VENDOR_PERMISSION", next: expect.stringContaining("secrets=write") },
    });
    expect(held()).not.toBe(TEXT);
  });

  it("writes several fields, and is unknown when only some were accepted", async () => {
    connect({ fields: { id: "KEY_ID", secret: "KEY_SECRET" } });
    const pair = secretsOf({ id: "id-of-the-pair", secret: TEXT });
    const done = await store.write(pair);
    if (done.is !== "done") throw new Error(done.trouble.message);
    expect((await store.prove(done.value)).is).toBe("proved");
    world.sandbox.control.addFault({ kind: "status", status: 403, headers: OWN, method: "PUT", skip: 1 });
    expect((await store.write(pair)).is).toBe("unknown");
    await world.clock.advance(60_000);
    world.sandbox.control.addFault({ kind: "no-effect", method: "PUT", skip: 1 });
    expect((await store.write(pair)).is).toBe("unknown");
  });

  it("checks its configuration", () => {
    const valid = (change: object) => githubActionsSecret.config.safeParse({ ...CONFIG, ...change }).success;
    expect(valid({})).toBe(true);
    for (const repository of ["name", "../..", "a/..", "a/b/c", "a b/c"])
      expect(valid({ repository })).toBe(false);
    for (const name of ["GITHUB_X", "lower", "1X", "A B"])
      expect(valid({ fields: { token: name } })).toBe(false);
    expect(valid({ fields: { a: "X", b: "X" } })).toBe(false);
    expect(valid({ fields: {} })).toBe(false);
  });
});

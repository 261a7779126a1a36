import { beforeEach, describe, expect, it } from "vitest";
import type { Store } from "../../core/store.ts";
import { RAXX } from "../../sandbox/raxx.ts";
import { secretsOf, testFingerprint } from "../../vendors/testing.ts";
import { bench, CONFIG, NAME, NEW, OWN, PROOF, REPOSITORY, TEXT, written } from "./harness.ts";
import { githubActionsSecret } from "./store.ts";

let world: Awaited<ReturnType<typeof bench>>;
let store: Store;

beforeEach(async () => {
  world = await bench();
  store = world.connect();
});

describe("the GitHub Actions secret", () => {
  it("is seen without its value, by the repository's number", async () => {
    expect(await store.observe()).toMatchObject({
      is: "done",
      value: { present: true, targetId: String(RAXX.repositoryId), changedAt: "2026-07-01T14:05:40.000Z" },
    });
    store = world.connect({ fields: { token: "ABSENT" } });
    expect(await store.observe()).toMatchObject({ is: "done", value: { present: false } });
  });

  it("[HK-07] is written, and proved by our accepted and uncontested write", async () => {
    const receipt = await written(store);
    expect(world.held()).toBe(TEXT);
    expect(receipt).toMatchObject({ copy: "github", wrote: true, fingerprints: testFingerprint(NEW) });
    const observed = await store.observe();
    expect(observed.is === "done" && observed.value.changedAt).toBe(receipt.changedAt);
    expect(await store.prove(receipt, NEW)).toMatchObject({ is: "proved" });
    await world.clock.advance(1_000);
    world.put({}, "x");
    expect(await store.prove(receipt, NEW)).toMatchObject({
      is: "refuted",
      trouble: { code: "DESTINATION_UNPROVED" },
    });
    world.put({}, null);
    expect(await store.prove(receipt, NEW)).toMatchObject({ is: "refuted" });
  });

  it.each([{}, { proof: PROOF }])("costs what it declares, with %j", async (change) => {
    store = world.connect(change, { token: "rotation-wide" });
    const config = githubActionsSecret.config.parse({ ...CONFIG, ...change });
    const { costs } = githubActionsSecret;
    const took = async (body: () => Promise<unknown>) => {
      const before = world.calls();
      await body();
      return world.calls() - before;
    };
    const environments = world.sandbox.github.repositories[0]?.environments.length ?? 0;
    expect(environments).toBe(1);
    expect(await took(() => store.ready())).toBe(costs.ready(config));
    expect(await took(() => store.observe())).toBe(costs.observe(config));
    expect(await took(() => store.write(NEW))).toBe(costs.write(config));
    await world.clock.advance(60_000);
    const receipt = await written(store);
    const proving = await took(async () => {
      if ("proof" in change) await store.prove(receipt, NEW);
      await world.clock.advance(10_000);
      expect((await store.prove(receipt, NEW)).is).toBe("proved");
    });
    expect(proving).toBe(costs.prove(config, 0));
    expect(await took(() => store.drained(receipt))).toBe(costs.drained(config));
    expect(await took(() => store.survey())).toBe(costs.survey);
  });

  it("[DR-13] says where it is, which grade it gets, and how a person writes it", async () => {
    const parsed = (change: object) => githubActionsSecret.config.parse({ ...CONFIG, ...change });
    const place = `github ${REPOSITORY} ${NAME}`;
    const plain = githubActionsSecret.describe(parsed({}));
    expect(plain).toMatchObject({ target: place, places: [place] });
    expect(plain.byHand).toBeUndefined();
    expect(githubActionsSecret.capabilities(parsed({})).grade).toBe("receipt");
    expect(githubActionsSecret.capabilities(parsed({ proof: PROOF })).grade).toBe("behaviour");
    expect(githubActionsSecret.describe(parsed({ proof: PROOF })).remarks?.join()).toContain(
      "lockstep-proof",
    );
    const { byHand } = githubActionsSecret.describe(parsed({ byHand: true }));
    expect(byHand?.command).toEqual(["gh", "secret", "set", NAME, "--repo", REPOSITORY]);
    expect(byHand?.lines.join()).toContain(`https://github.com/${REPOSITORY}/settings/secrets/actions`);
    expect(await store.survey()).toEqual({ is: "done", value: [] });
  });

  it("[DR-13] sends nothing where a person writes, and proves that write by its time", async () => {
    store = world.connect({ byHand: true }, { token: "read-only" });
    expect(await store.write(NEW)).toMatchObject({ is: "refused", trouble: { code: "VENDOR_PERMISSION" } });
    expect(world.calls()).toBe(0);
    world.put({}, TEXT);
    const seen = await store.observe();
    const changedAt = seen.is === "done" ? seen.value.changedAt : undefined;
    if (changedAt === undefined) throw new Error("not seen");
    const receipt = {
      copy: "github",
      at: changedAt,
      changedAt,
      wrote: true,
      fingerprints: testFingerprint(NEW),
    };
    expect((await store.prove(receipt, NEW)).is).toBe("proved");
    await world.clock.advance(2_000);
    world.put({}, TEXT);
    expect((await store.prove(receipt, NEW)).is).toBe("refuted");
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
    await written(store);
    expect([puts(), world.held()]).toEqual([2, TEXT]);
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
    store = world.connect({}, { date: () => new Date(world.clock.now()) });
    const receipt = await written(store);
    expect(receipt.wrote).toBe(true);
    store = world.connect({}, { date: () => new Date(world.clock.now() - 10_000) });
    expect(await store.write(NEW)).toMatchObject({
      is: "unknown",
      trouble: { message: expect.stringContaining("changed again after our write") },
    });
  });

  it("waits out a read from before the write", async () => {
    const receipt = await written(store);
    await world.clock.advance(60_000);
    const later = await written(store);
    world.sandbox.control.addFault({ kind: "stale", route: "*/HEROKU_API_KEY" });
    expect((await store.prove(later, NEW)).is).toBe("unknown");
    expect((await store.prove(later, NEW)).is).toBe("proved");
    expect((await store.prove(receipt, NEW)).is).toBe("refuted");
  });

  it("[P6] refuses another repository under the name, a renamed one, and one that it cannot see or write", async () => {
    store = world.connect({ repositoryId: 1 });
    expect(await store.write(NEW)).toMatchObject({ is: "refused", trouble: { code: "DESTINATION_UNREADY" } });
    store = world.connect();
    const renamed = { id: RAXX.repositoryId, full_name: "raxx-app/Other" };
    world.sandbox.control.addFault({ kind: "status", status: 200, headers: OWN, body: renamed });
    expect(await store.observe()).toMatchObject({ is: "refused", trouble: { code: "DESTINATION_UNREADY" } });
    const archived = { ...renamed, full_name: REPOSITORY, archived: true };
    world.sandbox.control.addFault({ kind: "status", status: 200, headers: OWN, body: archived });
    expect(await store.observe()).toMatchObject({ is: "refused", trouble: { code: "DESTINATION_UNREADY" } });
    store = world.connect({}, { token: "outsider" });
    expect(await store.observe()).toMatchObject({
      is: "refused",
      trouble: { code: "VENDOR_TARGET_MISSING" },
    });
    store = world.connect({}, { token: "read-only" });
    expect(await store.write(NEW)).toMatchObject({
      is: "refused",
      trouble: { code: "VENDOR_PERMISSION", next: expect.stringContaining("byHand: true") },
    });
    expect(world.held()).not.toBe(TEXT);
  });

  it("writes several fields, and is unknown when only some were accepted", async () => {
    store = world.connect({ fields: { id: "KEY_ID", secret: "KEY_SECRET" } });
    const pair = secretsOf({ id: "id-of-the-pair", secret: TEXT });
    const done = await store.write(pair);
    if (done.is !== "done") throw new Error(done.trouble.message);
    expect((await store.prove(done.value, pair)).is).toBe("proved");
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
    expect(valid({ proof: PROOF })).toBe(true);
    for (const proof of [{ ...PROOF, workflow: "../x.yml" }, { ...PROOF, ref: "-x" }, { workflow: "x.yml" }])
      expect(valid({ proof })).toBe(false);
    expect(valid({ shadows: ["environment a b", "organization codespaces", "dependabot"] })).toBe(true);
    for (const shadow of ["production", "environment ", "organization actions"])
      expect(valid({ shadows: [shadow] })).toBe(false);
    expect(valid({ byHand: true })).toBe(true);
    expect(valid({ byHand: true, fields: { a: "X", b: "Y" } })).toBe(false);
  });
});

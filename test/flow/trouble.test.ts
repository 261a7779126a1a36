import { describe, expect, it } from "vitest";
import { safeState } from "../../src/app/run-words.ts";
import type { FaultKind } from "../../src/sandbox/faults.ts";
import { RAXX } from "../../src/sandbox/raxx.ts";
import { viewOf } from "../failures/truth.ts";
import {
  expectKeptPromises,
  expectRotated,
  expectWalkedBack,
  held,
  isAlive,
  livingOf,
  MINT,
  OLD,
  placeOf,
  STORES,
  storeWrites,
  VAULT_WRITE,
} from "./expectations.ts";
import { LOST } from "./faults.ts";
import { nowText } from "./life.ts";
import { ACTOR, type Run, type World, world } from "./world.ts";

const CONVENTION = "raxx-ci-rotation-2026-11";
const LIMITED: FaultKind = { kind: "status", status: 429, retryAfter: 20 };

describe("[HK-13][P3] mint", () => {
  it.each(Object.entries(LOST))(
    "when %s: one living key at the end, proved by the list",
    async (_name, fault) => {
      const w = await world();
      w.sandbox.control.addFault({ ...MINT, ...fault, count: 1 });
      const run = w.run();
      expect(await run.go()).toEqual({ status: "completed" });
      const fresh = expectRotated(w, run);
      const made = w.sandbox.heroku.authorizations.filter((one) => one.description.endsWith(run.tag));
      const ends = w.writes().filter((one) => one.method === "DELETE" && !one.path.endsWith(OLD));
      // What a lost reply left behind was ended by its exact id, before the next one was made.
      expect(ends.map((one) => one.path.split("/").at(-1))).toEqual(
        made.map(({ id }) => id).filter((id) => id !== fresh),
      );
    },
  );

  it("when the request lands late: its key is ended before the run ends", async () => {
    const w = await world();
    w.sandbox.control.addFault({ ...MINT, kind: "late", ms: 300_000, count: 1 });
    const run = w.run();
    expect(await run.go()).toEqual({ status: "completed" });
    await w.sandbox.control.idle();
    const fresh = expectRotated(w, run);
    const made = w.sandbox.heroku.authorizations.filter((one) => one.description.endsWith(run.tag));
    expect(made).toHaveLength(2);
    const late = made.find(({ id }) => id !== fresh);
    expect(late?.deletedAt).not.toBeNull();
    expect(w.memory.rotations[0]?.notes).toContain(late?.id);
  });

  it("when every reply is lost: held or walked back, and no key of this run lives unseen", async () => {
    const w = await world();
    w.sandbox.control.addFault({ ...MINT, kind: "lost-reply", count: null });
    const run = w.run();
    const stand = await run.go();
    expect(stand.status).toBe("held");
    expectKeptPromises(w, run);
    w.sandbox.control.clearFaults();
    run.say({ choice: "cancel" });
    expect(await run.go()).toMatchObject({ status: "cancelled" });
    expectWalkedBack(w, run);
  });

  it("waits as long as Retry-After says, and sends again what certainly did not happen", async () => {
    const w = await world();
    w.sandbox.control.addFault({ ...MINT, ...LIMITED, count: 2 });
    const before = w.clock.now();
    const run = w.run();
    expect(await run.go()).toEqual({ status: "completed" });
    expectRotated(w, run);
    const minted = w.writes().find((one) => placeOf(one) === "mint");
    expect((minted?.at ?? 0) - before).toBeGreaterThanOrEqual(40_000);
  });

  it("gives up on a rate limit that does not end, a bounded number of times, with nothing minted", async () => {
    const w = await world();
    w.sandbox.control.addFault({ ...MINT, ...LIMITED, count: null });
    const run = w.run();
    expect(await run.go()).toMatchObject({ status: "failed", trouble: { code: "VENDOR_RATE_LIMITED" } });
    expectWalkedBack(w, run);
    const sent = w.sandbox.control.journal
      .list()
      .filter((one) => one.method === "POST" && one.status === 429);
    expect(sent).toHaveLength(5);
  });

  it.each([
    ["of the convention, without a tag", CONVENTION],
    ["of another run, this month", `${CONVENTION} ls-aaaaaaaaaaaa`],
    ["of another run, another month", "raxx-ci-rotation-2026-10 ls-bbbbbbbbbbbb"],
  ])("[HK-13] is not begun beside a key %s that is younger than 24 h", async (_name, description) => {
    const w = await world();
    const { id = "" } = w.sandbox.control.act({
      act: "create-authorization",
      description,
      scope: ["global"],
    });
    const run = w.run();
    expect(await run.go()).toMatchObject({ status: "failed", trouble: { code: "DUPLICATE_UNCLEAR" } });
    expect(w.writes()).toEqual([]);
    await w.clock.pass(24 * 3_600_000 + 1_000);
    const later = w.run();
    expect(await later.go()).toEqual({ status: "completed" });
    // Older than a day it is a finding and no more: the month in a description selects nothing.
    expect(isAlive(w, id)).toBe(true);
  });
});

describe("[HK-20] a secret that is managed with another one's key", () => {
  const READ = { vendor: "infisical", method: "GET", route: "/api/v4/secrets/HEROKU_API_KEY" } as const;

  it("[HK-19] comes to no harm where that key cannot be read for once, wherever in the run", async () => {
    for (let skip = 0; ; skip += 1) {
      const w = await world({ unguarded: true });
      w.sandbox.control.addFault({ ...READ, kind: "status", status: 503, count: 1, skip });
      const run = w.run({ secret: "heroku-billing-api-key" });
      expect([skip, await run.go()]).toEqual([skip, { status: "completed" }]);
      if (w.sandbox.control.faults().some(({ hits }) => hits === 0)) break;
      expect(skip).toBeLessThan(20);
    }
  });

  it("goes on with the one that takes its place, also in the middle of a long wait", async () => {
    const app = "raxx-api-staging";
    const w = await world({
      unguarded: true,
      change: (config) => {
        const one = config.secrets["heroku-billing-api-key"];
        const fields = { token: "HEROKU_BILLING_API_KEY" };
        const at = { connection: "heroku", app, appId: RAXX.apps[app] };
        const place = { kind: "heroku-config-var", ...at, fields } as const;
        if (one) one.destinations = [[place]];
        return config;
      },
    });
    const { act, set } = w.sandbox.control;
    set({ apps: { [app]: { releaseCommand: "migrate", releasePhaseMs: 40 * 60_000 } } });
    let changedAt = Number.NaN;
    const answered = () => {
      const last = w.sandbox.control.journal.list().at(-1);
      if (last?.path !== `/apps/${RAXX.apps[app]}/dynos`) return;
      if (Number.isNaN(changedAt)) {
        changedAt = w.clock.now();
        const { id = "" } = act({ act: "create-authorization", description: "next", scope: ["global"] });
        const place = { key: "HEROKU_API_KEY", environment: "prod", path: "/MooseQuest/heroku" };
        act({ act: "set-vault-secret", ...place, value: { authorization: id } });
      }
      const due = w.clock.now() - changedAt > 10 * 60_000 && isAlive(w, OLD);
      if (due) act({ act: "delete-authorization", id: OLD });
    };
    const run = w.run({ secret: "heroku-billing-api-key" });
    expect(await run.go({ answered })).toEqual({ status: "completed" });
    expect(isAlive(w, OLD)).toBe(false);
  });

  it("is not begun where that key may not be read at all", async () => {
    const w = await world({ unguarded: true });
    w.sandbox.control.addFault({ ...READ, kind: "status", status: 403, count: null });
    expect(await w.run({ secret: "heroku-billing-api-key" }).go()).toMatchObject({ status: "failed" });
    expect(w.writes()).toEqual([]);
  });
});

describe("[X-15] [X-12] where the glass is broken before the vault is written, show says what the vault holds", () => {
  const stateOf = (w: World, run: Run) => {
    const view = viewOf(w, run);
    return safeState(view.run, view.steps).replaceAll(/(old|new) key [0-9a-f]{6}/g, "$1 key");
  };
  const ENDED = "the old key was ended at once, and what still holds it is refused.";

  it("the write was begun", async () => {
    const w = await world({ unguarded: true });
    const run = w.run({ reason: "compromise" });
    w.sandbox.control.addFault({ ...VAULT_WRITE, kind: "status", status: 422, count: null });
    expect(await run.go()).toMatchObject({ status: "held" });
    run.say({ choice: "break-glass" });
    expect(await run.go()).toMatchObject({ status: "held" });
    expect([isAlive(w, OLD), held(w)["vault"]]).toEqual([false, OLD]);
    expect(stateOf(w, run)).toBe(`The vault holds the old key or the new key; ${ENDED}`);
  });

  it("the write was not begun", async () => {
    const w = await world({ unguarded: true });
    const run = w.run({ reason: "compromise" });
    const recorded = (key: string) => {
      if (key === "validate/act/1")
        w.memory.frozen = { code: "FROZEN", message: "frozen", because: "somebody did", next: "wait" };
    };
    expect(await run.go({ recorded })).toMatchObject({ status: "held", trouble: { code: "FROZEN" } });
    expect(stateOf(w, run)).not.toContain("ended");
    w.memory.frozen = undefined;
    run.say({ choice: "break-glass" });
    expect(await run.go()).toMatchObject({ status: "held" });
    expect(stateOf(w, run)).toBe(`The vault holds the old key; ${ENDED}`);
  });
});

describe("[HK-07] a store that fails", () => {
  const later = (name: string) => {
    const order = ["vault", "github", "staging", "prod"];
    const rank = (place: string) => order.findIndex((one) => place.endsWith(one));
    return STORES.filter((one) => rank(one.name) > rank(name)).map((one) => one.name);
  };
  it.each(STORES)(
    "$name: refused, those after it are not written, the run is held, both keys live",
    async (store) => {
      const w = await world();
      const status = store.write.vendor === "github" ? 403 : 422;
      w.sandbox.control.addFault({ ...store.write, kind: "status", status, count: null });
      const run = w.run();
      const stand = await run.go();
      expect(stand.status).toBe("held");
      expect(stand.trouble).toMatchObject({ because: expect.any(String), next: expect.any(String) });
      const touched = storeWrites(w).map(placeOf);
      for (const place of later(store.name)) expect(touched).not.toContain(place);
      expect(isAlive(w, OLD)).toBe(true);
      expect(livingOf(w, run)).toHaveLength(1);
      expectKeptPromises(w, run);
      w.sandbox.control.clearFaults();
      run.say({ choice: "retry" });
      expect(await run.go()).toEqual({ status: "completed" });
      expectRotated(w, run);
    },
  );

  it("an app whose release fails: held, the old key lives, the apps after it are untouched", async () => {
    const w = await world();
    w.sandbox.control.set({
      apps: { "raxx-api-staging": { releaseCommand: "migrate", releasePhaseMs: 5_000, releaseFails: true } },
    });
    const run = w.run();
    expect(await run.go()).toMatchObject({ status: "held", trouble: { code: "DESTINATION_UNPROVED" } });
    expect(held(w)).toMatchObject({
      "raxx-api-staging": OLD,
      "raxx-api-prod": OLD,
      "raxx-console-prod": OLD,
    });
    expect(isAlive(w, OLD)).toBe(true);
    w.sandbox.control.set({ apps: { "raxx-api-staging": { releaseFails: false } } });
    run.say({ choice: "retry" });
    expect(await run.go()).toEqual({ status: "completed" });
    expectRotated(w, run);
  });
});

describe("a store whose answer is lost", () => {
  // One app of a wave stands for the other.
  const places = STORES.filter(({ name }) => !name.startsWith("raxx-console"));
  const cases = places.flatMap((store) =>
    Object.entries(LOST).map(([name, fault]) => ({ ...store, why: name, fault })),
  );
  it.each(cases)("$name, $why: settled by looking, completed", async ({ write, fault }) => {
    const w = await world();
    w.sandbox.control.addFault({ ...write, ...fault, count: 1 });
    const run = w.run();
    expect(await run.go()).toEqual({ status: "completed" });
    expectRotated(w, run);
  });

  it.each(places)("$name: sent again after a 429, as late as it says", async ({ write }) => {
    const w = await world();
    w.sandbox.control.addFault({ ...write, ...LIMITED, count: 1 });
    const run = w.run();
    expect(await run.go()).toEqual({ status: "completed" });
    expectRotated(w, run);
  });
});

describe("[HK-08] the vault read again", () => {
  it("differs because the write had no effect: held, no other store written, the old key lives", async () => {
    const w = await world();
    w.sandbox.control.addFault({ ...VAULT_WRITE, kind: "no-effect", count: 1 });
    const run = w.run();
    expect(await run.go()).toMatchObject({ status: "held", trouble: { code: "VAULT_DIFFERS" } });
    expect(
      storeWrites(w)
        .map(placeOf)
        .filter((place) => place !== "vault"),
    ).toEqual([]);
    expect(new Set(Object.values(held(w)))).toEqual(new Set([OLD]));
    expect(isAlive(w, OLD)).toBe(true);
    run.say({ choice: "retry" });
    expect(await run.go()).toEqual({ status: "completed" });
    expectRotated(w, run);
  });

  it("holds what somebody else wrote at that moment: aborted, no other store written", async () => {
    const w = await world();
    const run = w.run();
    let done = false;
    const stand = await run.go({
      answered: () => {
        if (done || !w.writes().some((one) => placeOf(one) === "vault")) return;
        done = true;
        setVault(w, RAXX.sessionAuthorization);
      },
    });
    expect(stand).toMatchObject({ status: "held", trouble: { code: "VAULT_DIFFERS" } });
    expect(storeWrites(w).map(placeOf)).toEqual(["vault"]);
    expect(isAlive(w, OLD)).toBe(true);
    expect(livingOf(w, run)).toHaveLength(1);
  });

  it("is stale for a while: read until it is not", async () => {
    const w = await world();
    w.sandbox.control.addFault({ vendor: "infisical", method: "GET", kind: "stale", skip: 2, count: 4 });
    const run = w.run();
    expect(await run.go()).toEqual({ status: "completed" });
    expectRotated(w, run);
  });

  it("waits for an approval: held, nothing else written, and the request is not sent twice", async () => {
    const w = await world();
    w.sandbox.control.set({ infisical: { approvalsCoverIdentities: true } });
    w.sandbox.control.act({
      act: "set-approval-policy",
      environment: "prod",
      path: "/MooseQuest/heroku",
      on: true,
    });
    const run = w.run();
    expect(await run.go()).toMatchObject({ status: "held", trouble: { code: "VAULT_APPROVAL_PENDING" } });
    expect(storeWrites(w).map(placeOf)).toEqual(["vault"]);
    const [approval] = w.sandbox.control.truth().infisical.projects[0]?.approvals ?? [];
    w.sandbox.control.act({ act: "decide-approval", id: approval?.id ?? "", decision: "merge" });
    run.say({ choice: "retry" });
    // What merged it may be one of several requests, and only people are shown them: a person is asked before the end.
    expect(await run.go()).toMatchObject({ status: "waiting" });
    expect(isAlive(w, OLD)).toBe(true);
    run.say({ is: "done", by: ACTOR, at: nowText() });
    expect(await run.go()).toEqual({ status: "completed" });
    expectRotated(w, run);
  });
});

function setVault(w: World, authorization: string): void {
  w.sandbox.control.act({
    act: "set-vault-secret",
    environment: "prod",
    path: "/MooseQuest/heroku",
    key: "HEROKU_API_KEY",
    value: { authorization },
  });
}

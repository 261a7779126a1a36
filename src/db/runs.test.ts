import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { CallRecord } from "../core/calls.ts";
import { Secret } from "../core/secret-value.ts";
import { openDatabase } from "./connect.ts";
import { fresh, request, SOMEBODY, someRun, type TestDatabase, testDatabase } from "./harness.ts";
import { progressIn } from "./progress.ts";
import {
  activeRun,
  cancelRequested,
  getRun,
  getSteps,
  listRuns,
  requestCancel,
  reserveRun,
  runTag,
} from "./runs.ts";

let test: TestDatabase;
beforeAll(async () => {
  test = await testDatabase();
});
afterAll(() => test?.close());

const TROUBLE = { code: "VENDOR_ERROR", message: "m", because: "b", next: "n" } as const;
function call(ms: number, requestId?: string): CallRecord {
  const seen = { vendor: "heroku", method: "GET", route: "/account", status: 200, ms };
  return requestId === undefined ? seen : { ...seen, requestId };
}

describe("reserveRun", () => {
  it("gives the first run number 1, a plan that can be read back, and a tag", async () => {
    const secret = fresh();
    const { run, attached } = await reserveRun(test.db, request(secret));
    expect(attached).toBe(false);
    expect(run).toMatchObject({
      id: `${secret}.rotate.1`,
      status: "queued",
      reason: "scheduled",
      actor: SOMEBODY,
    });
    expect(run.tag).toBe(runTag(test.db.installation, run.id));
    expect(await getRun(test.db, run.id)).toEqual({ ...run, plan: { steps: ["mint"] } });
  });

  it("makes one run of two requests at once, also over several connections and processes' pools", async () => {
    const secret = fresh();
    const other = await openDatabase(test.url);
    const flows = ["rotate", "revoke", "recover", "rotate"] as const;
    const all = await Promise.all(
      flows.flatMap((flow) => [test.db, other].map((db) => reserveRun(db, request(secret, flow)))),
    );
    expect(new Set(all.map(({ run }) => run.id)).size).toBe(1);
    expect(all.filter(({ attached }) => !attached)).toHaveLength(1);
    await other.close();
  });

  it("counts on once the run has ended, each flow for itself, and lets a test run beside it", async () => {
    const secret = fresh();
    // Of two flows in one millisecond it is not told which began first.
    const passes = () => test.db.query("SELECT pg_sleep(0.002)");
    const first = await someRun(test.db, secret);
    await passes();
    expect((await reserveRun(test.db, request(secret, "test"))).run.id).toBe(`${secret}.test.1`);
    expect((await reserveRun(test.db, request(secret, "test"))).run.id).toBe(`${secret}.test.2`);
    await progressIn(test.db).run(first, { status: "cancelled" });
    expect(await activeRun(test.db, secret)).toBeUndefined();
    await passes();
    expect((await reserveRun(test.db, request(secret))).run.id).toBe(`${secret}.rotate.2`);
    expect((await listRuns(test.db, { secret })).map(({ id }) => id)).toEqual([
      `${secret}.rotate.2`,
      `${secret}.test.2`,
      `${secret}.test.1`,
      `${secret}.rotate.1`,
    ]);
    expect((await listRuns(test.db, { secret, active: true, flow: "rotate" })).map(({ id }) => id)).toEqual([
      `${secret}.rotate.2`,
    ]);
  });

  it("[P8] is backed by an index: a second active run cannot even be written", async () => {
    const secret = fresh();
    await someRun(test.db, secret);
    const second = test.db.query(
      `INSERT INTO lockstep.run (id, secret, flow, n, runbook, plan_hash, plan, reason, actor, tag)
       SELECT id || 'x', secret, 'revoke', n, runbook, plan_hash, plan, reason, actor, tag || 'x'
       FROM lockstep.run WHERE secret = $1`,
      [secret],
    );
    await expect(second).rejects.toMatchObject({ code: "23505" });
  });

  it("[P10] keeps every word of a plan, also one that is a value in this process's memory", async () => {
    const word = Secret.of("production");
    const plan = { snapshot: { environment: "production" } };
    const { run } = await reserveRun(test.db, { ...request(fresh()), plan });
    expect((await getRun(test.db, run.id)).plan).toEqual(plan);
    word.wipe();
  });

  it("[P7] refuses a plan that hides a value", async () => {
    const plan = { steps: [{ with: Secret.of(crypto.randomUUID()) }] };
    await expect(reserveRun(test.db, { ...request(fresh()), plan })).rejects.toMatchObject({
      code: "INTERNAL",
    });
  });
});

describe("runTag", () => {
  it("is short, stable, and another in another installation or run", () => {
    const [here, there] = [crypto.randomUUID(), crypto.randomUUID()];
    expect(runTag(here, "a.rotate.1")).toMatch(/^ls-[a-z2-7]{12}$/);
    expect(runTag(here, "a.rotate.1")).toBe(runTag(here, "a.rotate.1"));
    expect(
      new Set([here, there].flatMap((i) => ["a.rotate.1", "a.rotate.2"].map((r) => runTag(i, r)))).size,
    ).toBe(4);
  });
});

describe("progress", () => {
  it("changes only what is given, and adds calls once however often the entry is replayed", async () => {
    const run = await someRun(test.db);
    const progress = progressIn(test.db);
    const at = "2026-11-21T08:30:00.000Z";
    await progress.step(run, "mint", { state: "acting", attempts: 1, startedAt: at, calls: [call(3, "r1")] });
    for (let replay = 0; replay < 3; replay++) {
      await progress.step(run, "mint", { state: "proving", calls: [call(4, "r2"), call(5)] });
    }
    await progress.step(run, "mint", { trouble: TROUBLE });
    expect(await getSteps(test.db, run)).toEqual([
      {
        id: "mint",
        state: "proving",
        attempts: 1,
        startedAt: at,
        trouble: TROUBLE,
        calls: [call(3, "r1"), call(4, "r2"), call(5)],
      },
    ]);
    await progress.step(run, "mint", { state: "done", says: "it\u0000 is there", endedAt: at });
    const [step] = await getSteps(test.db, run);
    expect(step).toMatchObject({ state: "done", says: "it is there", endedAt: at });
    expect(step).not.toHaveProperty("trouble");
  });

  it("keeps the steps in the order in which they began", async () => {
    const run = await someRun(test.db);
    for (const id of ["z", "a", "m", "z"]) await progressIn(test.db).step(run, id, { state: "acting" });
    expect((await getSteps(test.db, run)).map(({ id }) => id)).toEqual(["z", "a", "m"]);
  });

  it("holds a run with its trouble, and loses the trouble when it runs again", async () => {
    const run = await someRun(test.db);
    const progress = progressIn(test.db);
    await progress.run(run, { status: "held", trouble: TROUBLE, old: { id: "o", label: "abc123" } });
    expect(await getRun(test.db, run)).toMatchObject({ status: "held", trouble: TROUBLE, old: { id: "o" } });
    await progress.run(run, { status: "running" });
    expect(await getRun(test.db, run)).not.toHaveProperty("trouble");
  });

  it("does not open a run again that has ended, as a replay would beside its successor", async () => {
    const secret = fresh();
    const run = await someRun(test.db, secret);
    await progressIn(test.db).run(run, { status: "completed" });
    const ended = await getRun(test.db, run);
    expect(ended.endedAt).toBeDefined();
    await someRun(test.db, secret);
    await progressIn(test.db).run(run, { status: "running" });
    await progressIn(test.db).run(run, { status: "completed", endedAt: ended.endedAt ?? "" });
    expect(await getRun(test.db, run)).toEqual(ended);
  });
});

describe("cancel", () => {
  it("notes the first who asked, once", async () => {
    const run = await someRun(test.db);
    expect(await cancelRequested(test.db, run)).toBeUndefined();
    expect(await requestCancel(test.db, run, SOMEBODY)).toBe(true);
    expect(await requestCancel(test.db, run, { name: "else", assurance: "authenticated" })).toBe(true);
    expect(await cancelRequested(test.db, run)).toEqual({ by: SOMEBODY, at: expect.stringMatching(/Z$/) });
  });

  it("is too late for a run that has ended, and knows when there is none", async () => {
    const run = await someRun(test.db);
    await progressIn(test.db).run(run, { status: "failed", trouble: TROUBLE });
    expect(await requestCancel(test.db, run, SOMEBODY)).toBe(false);
    await expect(requestCancel(test.db, fresh(), SOMEBODY)).rejects.toMatchObject({ code: "RUN_UNKNOWN" });
    await expect(cancelRequested(test.db, fresh())).rejects.toMatchObject({ code: "RUN_UNKNOWN" });
    await expect(getRun(test.db, fresh())).rejects.toMatchObject({ code: "RUN_UNKNOWN" });
  });
});

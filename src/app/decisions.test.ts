import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Decision } from "../core/circumstances.ts";
import type { Actor, RunRecord } from "../core/record.ts";
import { listAudit } from "../db/audit-log.ts";
import { fresh, SOMEBODY, type TestDatabase, testDatabase } from "../db/harness.ts";
import { progressIn } from "../db/progress.ts";
import { reserveRun } from "../db/runs.ts";
import { answeredTask, answerTask, claimTask, openTask, openTasks } from "../db/tasks.ts";
import type { Requests } from "../engine/requests.ts";
import { decide } from "./decisions.ts";
import { viewRun } from "./runs.ts";

let test: TestDatabase;
beforeAll(async () => {
  test = await testDatabase();
});
afterAll(() => test?.close());

const KRIS: Actor = { ...SOMEBODY, role: "superadmin" };
const ROBIN: Actor = { name: "robin", assurance: "local user", role: "superadmin" };
const TROUBLE = { code: "VENDOR_ERROR", message: "m", because: "b", next: "n" } as const;
const QUESTION = "decision/store/1/1";

/** A run that is held, and what it was told. */
async function heldRun() {
  const home = { database: test.db };
  const { run } = await reserveRun(test.db, {
    secret: fresh(),
    flow: "rotate",
    runbook: "overlap@1",
    planHash: "9c1f3a7d",
    plan: { steps: [], snapshot: { role: "ops" } },
    reason: "scheduled",
    actor: KRIS,
  });
  await progressIn(test.db).run(run.id, { status: "held", trouble: TROUBLE, question: QUESTION });
  const told: unknown[] = [];
  let dead = false;
  const requests = {
    tell: async (...message: unknown[]) => {
      if (dead) throw new Error("it died before it told the run");
      told.push(message);
    },
  } as unknown as Requests;
  const held = (await viewRun(home, run.id)).run;
  return {
    held,
    told,
    die: (is: boolean) => {
      dead = is;
    },
    decides: (by: Actor, choice: Decision["choice"], on: RunRecord = held) =>
      decide(home, requests, on, { choice }, by),
    view: () => viewRun(home, run.id),
  };
}

describe("two decisions on one question", () => {
  it("[X-08] the first stands: another one is refused, says whose it is, and never reaches the run", async () => {
    const { held, told, decides, view } = await heldRun();
    await decides(KRIS, "retry");
    await expect(decides(ROBIN, "rollback")).rejects.toMatchObject({
      code: "TASK_TAKEN",
      message: expect.stringMatching(/^kris decided on .+ already, at .+Z: retry$/),
      next: `lockstep show ${held.id}`,
    });
    expect(told).toEqual([[held.id, QUESTION, { choice: "retry", by: KRIS }]]);
    expect((await view()).decided).toMatchObject({ choice: "retry", by: { name: "kris" } });
    const entries = await listAudit(test.db, { run: held.id });
    expect(entries.map((one) => one.context)).toEqual([{ choice: "retry" }]);
  });

  it("[X-08] made at the same moment, exactly one is told to the run", async () => {
    const { told, decides } = await heldRun();
    const ends = await Promise.allSettled([decides(KRIS, "retry"), decides(ROBIN, "rollback")]);
    expect(ends.map((one) => one.status).toSorted()).toEqual(["fulfilled", "rejected"]);
    expect(told).toHaveLength(1);
  });

  it("[P11] the same one again reaches a run that was not told, because whoever decided died", async () => {
    const { told, decides, die } = await heldRun();
    die(true);
    await expect(decides(KRIS, "rollback")).rejects.toThrow("it died");
    die(false);
    await decides(ROBIN, "rollback");
    expect(told).toMatchObject([[expect.any(String), QUESTION, { choice: "rollback" }]]);
  });

  it("the next question is open again", async () => {
    const { held, told, decides, view } = await heldRun();
    await decides(KRIS, "retry");
    const question = "decision/store/2/1";
    await progressIn(test.db).run(held.id, { status: "held", trouble: TROUBLE, question });
    const next = await view();
    expect(next.decided).toBeUndefined();
    await decides(ROBIN, "rollback", next.run);
    expect(told).toHaveLength(2);
  });
});

describe("a decision on a run that waits for a task", () => {
  it("[X-08][X-14] is refused where it would go on without the task, and taken where it leads elsewhere", async () => {
    for (const taken of ["cancel", "rollback", "break-glass"] as const) {
      const { held, told, decides, view } = await heldRun();
      await progressIn(test.db).run(held.id, { status: "waiting", question: "task/supply/1" });
      const { run } = await view();
      for (const choice of ["retry", "settle"] as const)
        await expect(decides(KRIS, choice, run)).rejects.toMatchObject({
          code: "RUN_NOT_WAITING",
          next: expect.stringContaining(`lockstep answer ${held.id} `),
        });
      expect([told, (await view()).decided]).toEqual([[], undefined]);
      await decides(KRIS, taken, run);
      expect(told).toMatchObject([[held.id, "task/supply/1", { choice: taken }]]);
    }
  });

  it("[X-08] comes too late once the task is answered, but for the wish to cancel", async () => {
    const { told, decides, view, open } = await waitingRun();
    await claimTask(test.db, open, KRIS, false);
    await answerTask(test.db, open, { is: "done", by: KRIS, at: "2026-11-21T08:00:00.000Z" });
    const { run } = await view();
    await expect(decides(ROBIN, "rollback", run)).rejects.toMatchObject({
      code: "TASK_TAKEN",
      message: expect.stringContaining("answered already"),
    });
    expect(told).toEqual([]);
    await decides(ROBIN, "cancel", run);
    expect(told).toHaveLength(1);
  });
});

/** A run that waits for a task which somebody may take. */
async function waitingRun() {
  const of = await heldRun();
  const run = of.held.id;
  const question = "task/supply/1";
  const task = { kind: "confirm", title: "t", lines: [] } as const;
  await openTask(test.db, { run, question, step: "supply", task });
  await progressIn(test.db).run(run, { status: "waiting", question });
  const [open] = await openTasks(test.db, run);
  if (!open) throw new Error("no task is open");
  return { ...of, question, open };
}

describe("an answer to a task", () => {
  it("[X-08][P11] is kept until the run takes it up, so that it can be sent again", async () => {
    const { held, question, open } = await waitingRun();
    expect(await answeredTask(test.db, held.id)).toBeUndefined();
    const answer = { is: "done", by: KRIS, at: "2026-11-21T08:00:00.000Z" } as const;
    await expect(answerTask(test.db, open, answer)).rejects.toMatchObject({ code: "TASK_TAKEN" });
    await claimTask(test.db, open, KRIS, false);
    await expect(claimTask(test.db, open, ROBIN, false)).rejects.toMatchObject({
      code: "TASK_TAKEN",
      message: "kris has the task",
      next: `lockstep answer ${held.id} --take`,
    });
    await answerTask(test.db, open, answer);
    expect(await openTasks(test.db, held.id)).toEqual([]);
    expect(await answeredTask(test.db, held.id)).toMatchObject({ question, answer });
    await progressIn(test.db).run(held.id, { status: "running" });
    expect(await answeredTask(test.db, held.id)).toBeUndefined();
  });
});

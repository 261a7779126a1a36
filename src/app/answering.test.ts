import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Answer } from "../core/circumstances.ts";
import type { Actor } from "../core/record.ts";
import { fresh, SOMEBODY, type TestDatabase, testDatabase } from "../db/harness.ts";
import { progressIn } from "../db/progress.ts";
import { reserveRun } from "../db/runs.ts";
import { openTask } from "../db/tasks.ts";
import type { Requests } from "../engine/requests.ts";
import { handOver } from "../sealing/hand-over.ts";
import { type KeyRing, newKeyRing } from "../sealing/key-ring.ts";
import { sealedValues } from "../sealing/sealed-values.ts";
import { answer, claim, taskOf } from "./answering.ts";
import type { Home } from "./home.ts";

let test: TestDatabase;
let ring: KeyRing;
beforeAll(async () => {
  test = await testDatabase();
  ring = await newKeyRing();
});
afterAll(() => test?.close());

const KRIS: Actor = { ...SOMEBODY, role: "superadmin" };
const ROBIN: Actor = { name: "robin", assurance: "local user", role: "superadmin" };

describe("[X-08] a value that a person pastes", () => {
  it("is the one that the run gets, also where another person lost the task with theirs", async () => {
    const home = { database: test.db, ring } as Home;
    const question = "task/supply/1";
    const { run } = await reserveRun(test.db, {
      secret: fresh(),
      flow: "rotate",
      runbook: "supplied@1",
      planHash: "9c1f3a7d",
      plan: { steps: [], snapshot: { role: "ops" } },
      reason: "scheduled",
      actor: KRIS,
    });
    const fields = [{ name: "token", label: "Token" }];
    const task = { kind: "value", title: "t", lines: [], fields } as const;
    await openTask(test.db, { run: run.id, question, step: "supply", task });
    await progressIn(test.db).run(run.id, { status: "waiting", question });
    const told: Answer[] = [];
    const requests = {
      tell: async (_run: string, _key: string, message: Answer) => void told.push(message),
    } as unknown as Requests;
    const open = await taskOf(home, run.id);
    const paste = (by: Actor, token: string) =>
      answer(home, requests, open, by, { is: "done", fields: { token } });
    const [theirs, ours] = [fresh("key"), fresh("key")];

    await claim(home, open, KRIS, false);
    await claim(home, open, ROBIN, true);
    await expect(paste(KRIS, theirs)).rejects.toMatchObject({ code: "TASK_TAKEN" });
    await paste(ROBIN, ours);

    const sealed = sealedValues(test.db, ring, run.id, run.secret);
    const given: string[] = [];
    handOver(await sealed.open(told[0]?.sealed ?? ""), (_field, text) => void given.push(text));
    expect([told.length, given]).toEqual([1, [ours]]);
    // What nobody will judge is not kept.
    const kept = await test.db.query("SELECT FROM lockstep.sealed WHERE run = $1", [run.id]);
    expect(kept).toHaveLength(1);
  });
});

import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { estateOf, writesSince } from "./estate.ts";
import { type Ground, makeProject, openGround } from "./ground.ts";
import type { Order } from "./hook.ts";
import { expectOutlived, expectPromises } from "./promises.ts";

const project = await makeProject();

let ground: Ground;
beforeAll(async () => {
  ground = await openGround(project, 2);
});
afterAll(() => ground?.close());

describe("[P11] a frozen process is taken over, and changes nothing when it wakes", () => {
  test.for([
    ["mint/act", "before"],
    ["mint/act", "sending"],
    ["mint/act", "inside"],
    ["store/act", "inside"],
    ["revoke/act", "sending"],
  ] as const)("[P11] frozen at %s, %s", ([entry, when]) =>
    freezes({ entry, when, write: true, signal: "SIGSTOP" }),
  );
});

/** Freezes a worker there, lets another one finish the run, wakes it, and looks what it does. */
async function freezes(order: Order): Promise<void> {
  const before = estateOf(ground.sandbox);
  const run = await ground.start(order);
  const view = await ground.end(run);
  const [hit] = ground.hits(run);
  if (!hit) throw new Error("nobody was frozen");
  expect(ground.crew.gone(hit.pid)).toBe(false);
  const finished = estateOf(ground.sandbox);
  ground.crew.signal(hit.pid, "SIGCONT");
  await sleep(1_000);
  expect(writesSince(ground.sandbox, finished), "the woken process wrote nothing").toEqual([]);
  const twice = order.entry === "mint/act" && order.when === "inside";
  await expectPromises(ground, before, view, twice ? { minted: 2, sealed: 1 } : {});
}

describe("[P11] the database is killed: the workers live, and the run goes on when it is back", () => {
  test.for([
    ["mint/act", "returned"],
    ["store/act", "after"],
  ] as const)("[P11] database killed at %s, %s", (at) => expectOutlived(ground, at));
});

test("[P1] [HK-11] at no moment did the vault, a copy or a running process hold a dead key", () => {
  expect(ground.watch.looks()).toBeGreaterThan(40);
  expect(ground.watch.dark).toEqual([]);
});

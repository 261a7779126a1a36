// The embedded database is killed under the workers that use it; and the latest moment at which a frozen process is stopped.
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { estateOf } from "./estate.ts";
import { type Ground, makeProject, openGround } from "./ground.ts";
import { expectOutlived, expectPromises } from "./promises.ts";

let ground: Ground;
beforeEach(async () => {
  ground = await openGround(await makeProject(), 2);
});
afterEach(() => ground?.close());

describe("[P11] the database is killed inside an entry and comes back", () => {
  test.for([
    ["store/act", "inside"],
    ["store/prove", "before"],
  ] as const)("[P11] [P3] at %s, %s", (at) => expectOutlived(ground, at));
});

test("[P11] a killed embedded database is started again by the workers that use it", async () => {
  const before = estateOf(ground.sandbox);
  const victim = ground.postmaster;
  const run = await ground.start({
    entry: "store/act",
    when: "after",
    write: true,
    signal: "SIGKILL",
    victim,
  });
  await ground.struck(run, 1);
  // Nobody else starts it: this process only asks.
  while ((await ground.home.database.query("SELECT 1").catch(() => [])).length === 0) await sleep(50);
  await expectPromises(ground, before, await ground.end(run));
});

test("[P1] [HK-11] a process frozen before it writes the vault, woken a rotation later, writes nothing", async () => {
  const run = await ground.start({ entry: "store/act", when: "sending", write: true, signal: "SIGSTOP" });
  await ground.end(run);
  await ground.end(await ground.start());
  ground.crew.signal(ground.hits(run)[0]?.pid ?? 0, "SIGCONT");
  await sleep(1_500);
  expect(ground.watch.dark).toEqual([]);
});

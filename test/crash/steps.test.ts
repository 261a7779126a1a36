import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { overlap } from "../../src/runbooks/overlap.ts";
import { estateOf } from "./estate.ts";
import { type Ground, openGround } from "./ground.ts";
import type { Order } from "./hook.ts";
import { expectPromises } from "./promises.ts";

let ground: Ground;
beforeAll(async () => {
  ground = await openGround(2);
});
afterAll(() => ground?.close());

test("plain", async () => {
  for (let i = 0; i < 3; i++) {
  const before = estateOf(ground.sandbox);
  const t = performance.now();
  const view = await ground.end(await ground.start());
  console.log(Math.round(performance.now() - t), "ms", ground.sandbox.control.journal.list({since: before.seq}).length, "calls");
  await expectPromises(ground, before, view);
  }
  for (const w of ["before", "inside", "after"] as const) {
  const before = estateOf(ground.sandbox);
  const t = performance.now();
  const run = await ground.start({entry: "store/act", when: w, write: true, signal: "SIGKILL"});
  const view = await ground.end(run);
  console.log(w, Math.round(performance.now() - t), "ms", ground.hit(run));
  await ground.crew.full();
  console.log(Math.round(performance.now() - t), "ms full");
  await expectPromises(ground, before, view);
  }
});

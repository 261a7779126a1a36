import { readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openEmbedded } from "../../src/engine/embedded/server.ts";
import { estateOf, writesSince } from "./estate.ts";
import { type Ground, makeProject, openGround } from "./ground.ts";
import type { Order } from "./hook.ts";
import { expectPromises } from "./promises.ts";

const project = await makeProject();

let ground: Ground;
beforeAll(async () => {
  ground = await openGround(project, 2);
});
afterAll(() => ground?.close());

describe("[P11] a frozen process is taken over, and changes nothing when it wakes", () => {
  test.for([
    ["mint/act", "before"],
    ["mint/act", "inside"],
    ["store/act", "inside"],
    ["revoke/act", "before"],
  ] as const)("[P11] frozen: %s, %s", ([entry, when]) => freezes({ entry, when, write: true, signal: "SIGSTOP" }));
});

/** Freezes a worker there, lets another one finish the run, wakes it, and looks what it does. */
async function freezes(order: Order): Promise<void> {
  const before = estateOf(ground.sandbox);
  const run = await ground.start(order);
  const view = await ground.end(run, 30_000);
  const [hit] = ground.hits(run);
  if (!hit) throw new Error("nobody was frozen");
  expect(ground.crew.gone(hit.pid)).toBe(false);
  const finished = estateOf(ground.sandbox);
  ground.crew.signal(hit.pid, "SIGCONT");
  await sleep(1_500);
  expect(writesSince(ground.sandbox, finished), "the woken process wrote nothing").toEqual([]);
  await expectPromises(ground, before, view, { minted: order.entry === "mint/act" && order.when === "inside" ? 2 : 1 });
}

test("[P11] the database is killed in the middle: the workers live, and the run goes on when it is back", async () => {
  const before = estateOf(ground.sandbox);
  ground.sandbox.control.set({ latencyMs: 20 });
  const run = await ground.start();
  while (!writesSince(ground.sandbox, before).some(({ vendor }) => vendor === "infisical")) await sleep(5);
  process.kill(postmaster(), "SIGKILL");
  await sleep(500);
  const server = await openEmbedded(ground.home.dir);
  const view = await ground.end(run, 30_000);
  ground.sandbox.control.set({ latencyMs: 0 });
  await expectPromises(ground, before, view, { github: 2 });
  await server.close();
});

function postmaster(): number {
  const file = path.join(ground.home.dir, "postgres-18", "data", "postmaster.pid");
  return Number(readFileSync(file, "utf8").split("\n")[0]);
}

test("[P1] at no moment did the vault, a copy or a running process hold a dead key", () => {
  expect(ground.watch.looks()).toBeGreaterThan(20);
  expect(ground.watch.dark).toEqual([]);
});

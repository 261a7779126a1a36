import { DBOSExecutor } from "@dbos-inc/dbos-sdk/internal/dbos-executor";
import { DynamicSchedulerLoop } from "@dbos-inc/dbos-sdk/internal/scheduler/scheduler";
import { wfQueueRunner } from "@dbos-inc/dbos-sdk/internal/wfqueue";
import { workflowTimeoutConfig, workflowTimeoutLoop } from "@dbos-inc/dbos-sdk/internal/workflow_management";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { openClient } from "./client.ts";
import { cleanUp, dropTemplate } from "./embedded/harness.ts";
import { type Engine, type EngineOptions, openEngine } from "./engine.ts";
import { tickSeldom } from "./internals.ts";
import { LIFE_LOCK_OF_EXECUTOR, lifeLock } from "./names.ts";
import { type Ground, makeGround } from "./testing/harness.ts";
import { rightSealer } from "./testing/sealers.ts";

// As DBOS came, before an engine was opened here.
const shipped = {
  reconcileIntervalMs: Reflect.get(wfQueueRunner.constructor, "reconcileIntervalMs"),
  transitionIntervalMs: Reflect.get(wfQueueRunner.constructor, "transitionIntervalMs"),
  pollingIntervalMs: workflowTimeoutConfig.pollingIntervalMs,
};
const scheduler = { initialize: DynamicSchedulerLoop.prototype.initialize };

// DBOS's own poll never comes by in these tests: what begins a run is that somebody is told.
const NEVER_MS = 3_600_000;

let ground: Ground;
let engine: Engine | undefined;

beforeAll(async () => {
  ground = await makeGround();
});
afterEach(async () => {
  await engine?.close(0);
  engine = undefined;
});
afterAll(async () => {
  await ground.close();
  await cleanUp();
  dropTemplate();
});

const once: EngineOptions["procedure"] = ({ id }, journal) => journal.once("only", async () => id);

async function open(procedure = once): Promise<Engine> {
  const opened = await openEngine({
    databaseUrl: ground.url,
    kind: "worker",
    sealer: rightSealer,
    proveKeys: async () => {},
    procedure,
    log: () => {},
    version: "runbooks-1",
    pollMs: NEVER_MS,
  });
  engine = opened;
  return opened;
}

const patience = (): { signal: AbortSignal } => ({ signal: AbortSignal.timeout(120_000) });

test("a run is begun because its process was told of it, not because the queue was polled", async () => {
  const engine = await open();
  await engine.start({ id: "a.rotate.1", secret: "a", input: {} });
  expect(await engine.result("a.rotate.1", patience())).toBe("a.rotate.1");
  const client = await openClient(ground.url, rightSealer, "runbooks-1");
  await client.start({ id: "a.rotate.2", secret: "a", input: {} });
  expect(await client.result("a.rotate.2", patience())).toBe("a.rotate.2");
  await client.close();
});

test("a run that waits for another one of its secret is begun at that one's end", async () => {
  const engine = await open();
  const ids = ["b.rotate.1", "b.rotate.2", "b.rotate.3"];
  await Promise.all(ids.map((id) => engine.start({ id, secret: "b", input: {} })));
  for (const id of ids) expect(await engine.result(id, patience())).toBe(id);
});

test("what was enqueued while nobody lived is begun at the next start", async () => {
  const client = await openClient(ground.url, rightSealer, "runbooks-1");
  await client.start({ id: "c.rotate.1", secret: "c", input: {} });
  await client.close();
  const engine = await open();
  expect(await engine.result("c.rotate.1", patience())).toBe("c.rotate.1");
});

test("what DBOS would do beside our queue is there to be stopped", () => {
  expect(shipped).toEqual({
    reconcileIntervalMs: 1_000,
    transitionIntervalMs: 1_000,
    pollingIntervalMs: 1_000,
  });
  const loop = String(Reflect.get(wfQueueRunner.constructor.prototype, "schedulerLoop"));
  expect(loop).toContain("WFQueueRunner.reconcileIntervalMs");
  expect(loop).toContain("WFQueueRunner.transitionIntervalMs");
  expect(String(workflowTimeoutLoop)).toContain("workflowTimeoutConfig.pollingIntervalMs");
  expect(String(scheduler.initialize)).toContain("pollingLoop");
  tickSeldom();
  expect(DynamicSchedulerLoop.prototype.initialize).not.toBe(scheduler.initialize);
  expect(Reflect.get(wfQueueRunner.constructor, "reconcileIntervalMs")).toBeGreaterThan(60_000);
});

test("DBOS looks only for entries that can be recorded", async () => {
  const step = String(Reflect.get(DBOSExecutor.prototype, "callStepFunction"));
  expect(step).toMatch(
    /await this\.systemDatabase\.checkIfCanceled\(wfid\);[\s\S]+\.getOperationResultAndThrowIfCancelled\(wfid, funcID\)/,
  );
  const run = "d.rotate.1";
  const recorded = Promise.withResolvers<void>();
  const left = await open(async (_run, journal) => {
    await journal.once("one", async () => 1);
    recorded.resolve();
    return new Promise(() => {});
  });
  const database = Object.getPrototypeOf(DBOSExecutor.globalInstance?.systemDatabase);
  await left.start({ id: run, secret: "d", input: {} });
  await recorded.promise;
  await left.close(0);
  const looked = vi.spyOn(database, "getOperationResultAndThrowIfCancelled");
  const checked = vi.spyOn(database, "checkIfCanceled");
  const engine = await open(async (_run, journal) => [
    await journal.once("one", async () => "again"),
    await journal.once("two", async () => 2),
  ]);
  expect(await engine.result(run, patience())).toEqual([1, 2]);
  expect(looked.mock.calls).toEqual([[run, 0]]);
  expect(checked).not.toHaveBeenCalled();
  vi.restoreAllMocks();
});

test("the lock of an executor is the same in SQL", async () => {
  const { executor } = await open();
  const rows = await ground.ask(
    `SELECT (${LIFE_LOCK_OF_EXECUTOR})::text AS key FROM (SELECT $1::text AS executor) e`,
    [executor],
  );
  expect(rows).toEqual([{ key: lifeLock(executor).toString() }]);
});

import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { carryOut } from "../../src/app/engine.ts";
import type { RunInput } from "../../src/app/run-input.ts";
import type { RunDeps } from "../../src/app/run-ports.ts";
import { RUNBOOKS_VERSION } from "../../src/app/runbooks.ts";
import type { Journal, Key } from "../../src/core/journal.ts";
import { instantOf } from "../../src/core/time.ts";
import { cleanUp, dropTemplate } from "../../src/engine/embedded/harness.ts";
import { type Engine, openEngine } from "../../src/engine/engine.ts";
import { type Ground, makeGround } from "../../src/engine/testing/harness.ts";
import { rightSealer } from "../../src/engine/testing/sealers.ts";
import { ACTOR } from "../flow/world.ts";
import { CASES, type UpgradeCase } from "./cases.ts";
import type { Golden } from "./golden.ts";
import { PACKAGE, recorded } from "./record.ts";
import { planIn } from "./resume.ts";
import { answersOf, type EngineRun, entriesByRun, putRows, readRows, takeRows, writeRows } from "./rows.ts";
import { isNamed, treeOf } from "./tree.ts";

const RECORDS = process.env["LOCKSTEP_RECORD_GOLDENS"] === "1";
const HELD = CASES.find(({ runbook, name }) => runbook === "overlap@1" && name === "held") as UpgradeCase;
const soon = () => ({ signal: AbortSignal.timeout(240_000) });
/** A run that finds another name for one of its entries. */
const RENAMED = "renamed.rotate.1";
const PAST = "2020-01-01T00:00:00.000Z";

let ground: Ground;
let engine: Engine;
const said: string[] = [];
/** What the bodies of the run's entries answer: here it is the journal that counts, and not what is done. */
let answers: ReadonlyMap<Key, unknown> = new Map();

async function open(): Promise<void> {
  ground = await makeGround();
  engine = await openEngine({
    databaseUrl: ground.url,
    kind: "worker",
    sealer: rightSealer,
    proveKeys: async () => {},
    procedure: ({ id, input }, journal) => carryOut(NOTHING, id, input as RunInput, answering(id, journal)),
    log: ({ msg }) => said.push(msg),
    version: RUNBOOKS_VERSION,
    times: { takeoverMs: 50, idleMs: 50, restartMs: 0 },
  });
}

async function close(): Promise<void> {
  await engine?.close();
  await ground?.close();
  await cleanUp();
}

/** Before the tests are named, which read what was recorded; and before an engine, since it takes the clock for a while. */
async function record(): Promise<void> {
  const golden = await recorded(HELD);
  await open();
  writeRows(await recordedRows(golden));
  await close();
}

beforeAll(open);
afterAll(async () => {
  await close();
  dropTemplate();
});

/** Nothing of it is used: what would use it does not run. */
const NOTHING = { sealedFor: () => ({}) } as unknown as RunDeps;

function answering(id: string, journal: Journal): Journal {
  const named = (key: Key) => (id === RENAMED && key === "mint/act/1" ? "create/act/1" : key);
  // But whether the plan is still the same.
  const instead = <T>(key: Key, body: () => Promise<T>) =>
    answers.has(key) && !key.startsWith("plan/") ? async () => answers.get(key) as T : body;
  return {
    ...journal,
    once: (key, body) => journal.once(named(key), instead(key, body)),
    round: (entries) =>
      journal.round(entries.map(({ key, body }) => ({ key: named(key), body: instead(key, () => body()) }))),
    answer: (key) => journal.answer(key, instantOf(Date.now() + 60_000)),
    sleepUntil: () => journal.sleepUntil(PAST),
  };
}

/** A held run on the durable engine, with the answers that it had among the simulated vendors. */
async function recordedRows(golden: Golden): Promise<EngineRun> {
  const { snapshot, runbook, hash: planHash } = planIn(golden);
  const { id, tag } = golden.run;
  answers = new Map(golden.entries.map(({ key, answer }) => [key, isNamed(answer) ? answer["value"] : null]));
  await engine.start({ id, secret: id, input: { snapshot, runbook, planHash, tag, actor: ACTOR } });
  for (const [key, value] of answers) if (/^decision\//.test(key)) await engine.tell(id, key, value);
  const result = treeOf(await engine.result(id, soon()));
  return { recordedBy: PACKAGE, runbook, id, result, ...(await takeRows(ground, rightSealer, id)) };
}

if (RECORDS) await record();

const EXECUTOR = "a process of the released version";

describe("the journal of a released version, on the durable engine", () => {
  it.each(readRows().map((run) => [`${run.recordedBy} ${run.runbook}`, run] as const))(
    "[P11] %s is carried on from every entry by another process, and becomes the same",
    async (_name, run) => {
      answers = answersOf(run);
      const stops = [...run.entries.keys(), run.entries.length];
      const idAt = (stop: number) => `${run.id} of ${run.recordedBy}, ${stop}`;
      const died = stops.map((stop) => ({ id: idAt(stop), executor: EXECUTOR, recorded: stop }));
      await putRows(ground.url, rightSealer, run, died);
      // What the engine says where a run does not end.
      const ends = died.map(({ id }) => engine.result(id, soon()).catch(() => said.slice(-5)));
      for (const [i, end] of (await Promise.all(ends)).entries()) expect(end, idAt(i)).toEqual(run.result);
      const names = run.entries.map((entry) => `${entry["function_id"]} ${entry["function_name"]}`);
      const became = await entriesByRun(ground);
      for (const { id } of died) expect(became.get(id), id).toEqual(names);
    },
  );

  it("[P11] whose entries are called otherwise now is not used: the run is parked", async () => {
    const [run] = readRows();
    if (!run) throw new Error("there are no rows");
    answers = answersOf(run);
    await putRows(ground.url, rightSealer, run, [{ id: RENAMED, executor: EXECUTOR, recorded: 10 }]);
    const { signal } = soon();
    while ((await engine.status(RENAMED)) !== "parked" && !signal.aborted) await sleep(20);
    expect(said.filter((line) => line.includes(RENAMED)).join()).toContain(
      "another entry was expected at its place",
    );
  });
});

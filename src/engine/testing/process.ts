/**
 * A process with an engine, for tests: prints one JSON line per event, obeys lines on stdin. What its runs do is a file
 * that all processes append to, so that the order and the number of effects can be counted.
 */
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { LockstepError } from "../../core/errors.ts";
import type { Journal } from "../../core/journal.ts";
import { instantOf } from "../../core/time.ts";
import { type Engine, openEngine } from "../engine.ts";
import type { Times } from "../takeover.ts";
import { rightSealer, wrongSealer } from "./sealers.ts";

/** What a test run is told to do. */
export interface Orders {
  /** How many entries. */
  readonly steps: number;
  /** How long each takes. */
  readonly ms: number;
  /** Ask for an answer before this step. */
  readonly askAt?: number;
  /** Wait this long inside the body, before the check. */
  readonly beforeCheckMs?: number;
  /** Wait inside the body, before the check, until this file is there. */
  readonly goFile?: string;
  /** Whoever is the first to have the effect of this step never comes out of its body. */
  readonly stayAt?: number;
}

/** How the process is started, as one JSON argument. */
export interface Beginning {
  readonly url: string;
  readonly file: string;
  readonly kind: "worker" | "command";
  readonly keys: "right" | "wrong";
  readonly times: Partial<Times>;
  /** How long it gives, when it closes, to what is in flight. */
  readonly graceMs: number;
}

const say = (event: string, more: object = {}): void => {
  process.stdout.write(`${JSON.stringify({ event, at: Date.now(), ...more })}\n`);
};

/** Of a step of a run, in any process. */
function effectsIn(file: string, run: string, step: number): number {
  const effects = readFileSync(file, "utf8").trim().split("\n");
  const all = effects.map((line) => JSON.parse(line) as { run: string; step: number });
  return all.filter((one) => one.run === run && one.step === step).length;
}

async function carryOut(
  file: string,
  run: { id: string; input: unknown },
  journal: Journal,
): Promise<unknown> {
  const orders = run.input as Orders;
  say("run", { run: run.id });
  let told: unknown;
  for (let step = 0; step < orders.steps; step++) {
    if (orders.askAt === step) {
      say("asks", { run: run.id });
      told = await journal.answer(`ask/${step}`, instantOf(Date.now() + 600_000));
      say("told", { run: run.id, told });
    }
    await journal.once(`step/${step}`, async () => {
      say("begin", { run: run.id, step });
      if (orders.beforeCheckMs !== undefined) await sleep(orders.beforeCheckMs);
      while (orders.goFile !== undefined && !existsSync(orders.goFile)) await sleep(10);
      say("checks", { run: run.id, step });
      await journal.owned();
      appendFileSync(file, `${JSON.stringify({ run: run.id, step, pid: process.pid, at: Date.now() })}\n`);
      say("effect", { run: run.id, step });
      if (orders.stayAt === step && effectsIn(file, run.id, step) === 1) await new Promise(() => {});
      await sleep(orders.ms);
      return step;
    });
  }
  return { told, steps: orders.steps };
}

async function main(): Promise<void> {
  const { url, file, kind, keys, times, graceMs } = JSON.parse(process.argv[2] ?? "") as Beginning;
  let engine: Engine;
  const before = performance.now();
  try {
    engine = await openEngine({
      databaseUrl: url,
      kind,
      sealer: keys === "right" ? rightSealer : wrongSealer,
      proveKeys: async () => {
        if (keys === "wrong")
          throw new LockstepError({ code: "KEYRING_WRONG", message: "", because: "", next: "" });
      },
      procedure: (run, journal) => carryOut(file, run, journal),
      log: ({ level, msg }) => say("log", { level, msg }),
      onDatabaseLost: () => say("lost"),
      version: "runbooks-1",
      times,
    });
  } catch (thrown) {
    say("failed", { code: thrown instanceof LockstepError ? thrown.code : String(thrown) });
    return;
  }
  say("open", { executor: engine.executor, ms: Math.round(performance.now() - before) });
  for await (const line of createInterface(process.stdin)) {
    if (line === "close") break;
  }
  await engine.close(graceMs);
  say("closed");
}

await main();

/**
 * A process with an engine, for tests: prints one JSON line per event, obeys lines on stdin. What its runs do is a file
 * that all processes append to, so that the order and the number of effects can be counted.
 */
import { appendFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { LockstepError } from "../../core/errors.ts";
import type { Journal } from "../../core/journal.ts";
import { instantOf } from "../../core/time.ts";
import { type Engine, openEngine } from "../engine.ts";
import { rightSealer, wrongSealer } from "./sealers.ts";

/** What a test run is told to do. */
export interface Orders {
  /** How many entries. */
  readonly steps: number;
  /** How long each takes. */
  readonly ms: number;
  /** Ask for an answer before this step. */
  readonly askAt?: number;
  /** Wait this long inside the body, between the check and the effect, or before the check. */
  readonly beforeCheckMs?: number;
}

const say = (event: string, more: object = {}): void => {
  process.stdout.write(`${JSON.stringify({ event, at: Date.now(), ...more })}\n`);
};

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
      await journal.owned();
      appendFileSync(file, `${JSON.stringify({ run: run.id, step, pid: process.pid, at: Date.now() })}\n`);
      say("effect", { run: run.id, step });
      await sleep(orders.ms);
      return step;
    });
  }
  return { told, steps: orders.steps };
}

async function main(): Promise<void> {
  const [url = "", file = "", kind = "worker", keys = "right"] = process.argv.slice(2);
  let engine: Engine;
  const before = performance.now();
  try {
    engine = await openEngine({
      databaseUrl: url,
      kind: kind as "worker" | "command",
      sealer: keys === "right" ? rightSealer : wrongSealer,
      proveKeys: async () => {
        if (keys === "wrong")
          throw new LockstepError({ code: "KEYRING_WRONG", message: "", because: "", next: "" });
      },
      procedure: (run, journal) => carryOut(file, run, journal),
      log: ({ level, msg }) => say("log", { level, msg }),
      onDatabaseLost: () => say("lost"),
      version: "runbooks-1",
    });
  } catch (thrown) {
    say("failed", { code: thrown instanceof LockstepError ? thrown.code : String(thrown) });
    return;
  }
  say("open", { executor: engine.executor, ms: Math.round(performance.now() - before) });
  for await (const line of createInterface(process.stdin)) {
    if (line === "close") break;
  }
  await engine.close();
  say("closed");
}

await main();

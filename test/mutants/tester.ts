import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import type { Ask, Verdict } from "./tester-process.ts";

/** Runs single test files of a tree in a process that stays, so that a run costs no start of the test runner. */
export interface Tester {
  /** Ends the process where it does not answer within that many milliseconds, and counts that as a failure. */
  run(ask: Ask, withinMs: number): Promise<Verdict>;
  close(): Promise<void>;
}

const PROCESS = path.join(import.meta.dirname, "tester-process.ts");

export function testerOf(tree: string): Tester {
  let child: ChildProcess | undefined;
  const started = (): ChildProcess => {
    // A group of its own: a fault may leave a loop that ends by nothing but force, and processes that nobody waits for.
    child ??= fork(PROCESS, { cwd: tree, detached: true, stdio: ["ignore", "ignore", "ignore", "ipc"] });
    return child;
  };
  const close = async (): Promise<void> => {
    const ending = child;
    child = undefined;
    if (ending?.pid === undefined) return;
    const gone = ending.exitCode === null && ending.signalCode === null ? once(ending, "exit") : undefined;
    try {
      process.kill(-ending.pid, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
    await gone;
  };
  return {
    run: async (ask, withinMs) => {
      const verdict = await answerOf(started(), ask, withinMs);
      if (verdict) return verdict;
      await close();
      return { failed: `no answer within ${Math.round(withinMs / 1_000)} s`, ms: withinMs };
    },
    close,
  };
}

function answerOf(child: ChildProcess, ask: Ask, withinMs: number): Promise<Verdict | undefined> {
  return new Promise((resolve) => {
    const settle = (verdict?: Verdict) => {
      clearTimeout(late);
      child.removeAllListeners();
      resolve(verdict);
    };
    const late = setTimeout(settle, withinMs);
    child.once("message", (message) => settle(message as Verdict));
    child.once("exit", () => settle());
    child.once("error", () => settle());
    child.send(ask);
  });
}

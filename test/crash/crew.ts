import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";

const HOOK = new URL("./hook.ts", import.meta.url).href;
const COMMAND = fileURLToPath(new URL("../../bin/lockstep.js", import.meta.url));

/** The processes that carry out runs: `lockstep worker --sandbox`, with the hook loaded before it. Those that die are replaced. */
export interface Crew {
  /** Whether this process of the crew has ended. */
  gone(pid: number): boolean;
  signal(pid: number, signal: NodeJS.Signals): void;
  /** Kills all that are there with SIGKILL, and waits until as many others are ready. */
  replace(): Promise<void>;
  /** The last lines that the workers wrote. */
  said(): string;
  close(): Promise<void>;
}

interface Worker {
  readonly process: ChildProcess;
  readonly ready: Promise<void>;
  text: string;
}

/** Starts the crew. */
export async function openCrew(where: { dir: string; orders: string }, size: number): Promise<Crew> {
  const all: Worker[] = [];
  const living = () => all.filter((one) => !ended(one.process));
  let closing = false;
  const fill = () => {
    // At once when one dies: the next is needed soon, and a start takes half a second.
    while (!closing && living().length < size) {
      const one = hire(where);
      one.process.once("exit", fill);
      all.push(one);
    }
  };
  fill();
  await Promise.all(all.map((one) => one.ready));
  return {
    gone: (pid) => all.every((one) => one.process.pid !== pid || ended(one.process)),
    signal: (pid, signal) => {
      all.find((one) => one.process.pid === pid)?.process.kill(signal);
    },
    replace: async () => {
      const before = living();
      for (const one of before) one.process.kill("SIGKILL");
      while (before.some((one) => !ended(one.process)) || living().length < size) await sleep(20);
      await Promise.all(living().map((one) => one.ready));
    },
    said: () =>
      all
        .slice(-3)
        .map((one) => `[${one.process.pid}] ${one.text.slice(-600)}`)
        .join("\n"),
    close: async () => {
      closing = true;
      for (const one of living()) {
        one.process.kill("SIGCONT");
        one.process.kill("SIGTERM");
      }
      const over = AbortSignal.timeout(5_000);
      while (living().length > 0 && !over.aborted) await sleep(20);
      for (const one of living()) one.process.kill("SIGKILL");
    },
  };
}

function ended({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

function hire({ dir, orders }: { dir: string; orders: string }): Worker {
  const child = spawn(process.execPath, ["--import", HOOK, COMMAND, "worker", "--sandbox"], {
    cwd: dir,
    env: { ...process.env, LOCKSTEP_CRASH: orders },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const worker: Worker = { process: child, ready: promise, text: "" };
  child.stderr?.on("data", (chunk: Buffer) => {
    worker.text += chunk.toString("utf8");
    if (worker.text.includes("is ready")) resolve();
  });
  child.once("exit", (code) => reject(new Error(`a worker ended with ${code}: ${worker.text}`)));
  promise.catch(() => {});
  return worker;
}

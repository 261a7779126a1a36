// What the measurements share: figures, medians, a folder of its own, and processes that are ended again.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
export const command = path.join(root, "bin", "lockstep.js");
export const secret = "heroku-api-key";

/** One measured number. `ok` is absent where there is no goal; a missed goal is reported, never thrown. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly goal?: string;
  readonly ok?: boolean;
  readonly detail?: unknown;
}

/** A figure whose goal is an upper bound. */
export function atMost(name: string, value: number, unit: string, goal: number, detail?: unknown): Figure {
  return { name, value: round(value), unit, goal: `<= ${goal}`, ok: value <= goal, detail };
}

/** Three digits after the point are more than this machine can tell apart. */
export function round(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}

/** The value below which this part of the sample lies, by nearest rank. */
export function quantile(sample: readonly number[], part: number): number {
  const sorted = [...sample].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)] ?? Number.NaN;
}

/** The middle of a sample. */
export function median(sample: readonly number[]): number {
  return quantile(sample, 0.5);
}

/** A child of the bench, with what it wrote. */
export interface Child {
  readonly process: ChildProcess;
  readonly pid: number;
  out: string;
  err: string;
  readonly ended: Promise<number | null>;
}

const children = new Set<Child>();
const folders: string[] = [];

/** A folder with the example's configuration, whose waits are cut to nothing: only vendors and Lockstep take time. */
export function folder(): string {
  const dir = mkdtempSync(path.join(tmpdir(), "lockstep-bench-"));
  folders.push(dir);
  const example = readFileSync(path.join(root, "examples", "raxx", "lockstep.config.ts"), "utf8");
  const config = example.replaceAll(
    'cadence: "90d",',
    'cadence: "90d", soak: "0s", steady: "0s", propagation: "0s",',
  );
  if (config === example)
    throw new Error("the example's configuration has changed; the bench needs its waits");
  writeFileSync(path.join(dir, "lockstep.config.ts"), config);
  return dir;
}

/** Starts `lockstep …` in that folder. */
export function lockstep(dir: string, ...args: readonly string[]): Child {
  return start(dir, [process.execPath, command, ...args]);
}

/** Starts a program in that folder. */
export function start(dir: string, [program = "", ...args]: readonly string[]): Child {
  const started = spawn(program, args, { cwd: dir, stdio: ["ignore", "pipe", "pipe"] });
  const ended = new Promise<number | null>((resolve, reject) => {
    started.once("error", reject);
    started.once("close", resolve);
  });
  const child: Child = { process: started, pid: started.pid ?? 0, out: "", err: "", ended };
  children.add(child);
  started.once("close", () => children.delete(child));
  started.stdout.on("data", (chunk: Buffer) => {
    child.out += chunk.toString("utf8");
  });
  started.stderr.on("data", (chunk: Buffer) => {
    child.err += chunk.toString("utf8");
  });
  return child;
}

/** Resolves once the child has written this to stderr; throws when it ends before. */
export function says(child: Child, text: RegExp): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    const look = () => {
      const found = text.exec(child.err);
      if (found) resolve(found);
    };
    child.process.stderr?.on("data", look);
    child.process.once("close", (code) => reject(new Error(`a child ended with ${code}: ${child.err}`)));
    look();
  });
}

/** Asks a child to end and waits for it. */
export async function stop(child: Child): Promise<void> {
  child.process.kill("SIGTERM");
  await child.ended;
}

/** Ends all children that are left and removes all folders. */
export async function tidyUp(): Promise<void> {
  for (const child of children) child.process.kill("SIGTERM");
  await Promise.all([...children].map((child) => child.ended));
  for (const dir of folders) rmSync(dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
}

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { place, seeded } from "../embedded/harness.ts";
import { type EmbeddedServer, openEmbedded } from "../embedded/server.ts";
import type { Beginning } from "./process.ts";

/** A database of its own for one test, and the file that its runs' effects are appended to. */
export interface Ground {
  readonly home: string;
  server: EmbeddedServer;
  readonly url: string;
  readonly file: string;
  ask(sql: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  effects(): { run: string; step: number; pid: number; at: number }[];
  close(): Promise<void>;
}

/** Makes the ground. */
export async function makeGround(): Promise<Ground> {
  const home = await seeded();
  const server = await openEmbedded(home);
  const file = join(place(), "effects");
  const ground: Ground = {
    home,
    server,
    url: server.url,
    file,
    ask: async (sql, values = []) => {
      const client = new pg.Client(server.url);
      client.on("error", () => {});
      await client.connect();
      try {
        return (await client.query(sql, values)).rows;
      } finally {
        await client.end();
      }
    },
    effects: () =>
      existsSync(file)
        ? readFileSync(file, "utf8")
            .trim()
            .split("\n")
            .map((line) => JSON.parse(line))
        : [],
    close: () => ground.server.close(),
  };
  return ground;
}

/** Something that a child process said. */
export interface Said {
  readonly event: string;
  readonly at: number;
  readonly [more: string]: unknown;
}

/** Longer than any test waits: what does not happen before does not happen because of it. */
export const NEVER_MS = 600_000;

const children = new Set<Child>();

/** A process with an engine. */
export class Child {
  readonly said: Said[] = [];
  readonly process: ChildProcessWithoutNullStreams;
  readonly gone: Promise<void>;
  stderr = "";
  /** What came on stdout and is not ours. */
  noise = "";
  #wake: (() => void)[] = [];

  /** Where `times` does not say otherwise, a process that this machine makes wait does not count as frozen. */
  constructor({ url, file }: Ground, how: Partial<Pick<Beginning, "kind" | "keys" | "times">> = {}) {
    const script = fileURLToPath(new URL("./process.ts", import.meta.url));
    const beginning: Beginning = {
      ...{ url, file, kind: "worker", keys: "right", graceMs: NEVER_MS, ...how },
      times: { staleMs: NEVER_MS, ...how.times },
    };
    this.process = spawn(process.execPath, [script, JSON.stringify(beginning)]);
    this.process.stderr.on("data", (data) => {
      this.stderr += String(data);
    });
    createInterface(this.process.stdout).on("line", (line) => {
      if (line.startsWith('{"event"')) this.said.push(JSON.parse(line));
      else this.noise += `${line}\n`;
      for (const wake of this.#wake.splice(0)) wake();
    });
    this.gone = new Promise((done) => this.process.once("exit", () => done()));
    children.add(this);
  }

  get pid(): number {
    return this.process.pid ?? 0;
  }

  /** Waits until it says that, and returns it. */
  async until(
    event: string,
    fits: (said: Said) => boolean = () => true,
    patienceMs = 120_000,
  ): Promise<Said> {
    const deadline = Date.now() + patienceMs;
    for (;;) {
      const found = this.said.find((said) => said.event === event && fits(said));
      if (found !== undefined) return found;
      if (Date.now() > deadline)
        throw new Error(`never said ${event}: ${JSON.stringify(this.said.slice(-5))} ${this.stderr}`);
      await Promise.race([new Promise<void>((go) => this.#wake.push(go)), sleep(100)]);
    }
  }

  kill(signal: NodeJS.Signals = "SIGKILL"): void {
    this.process.kill(signal);
  }

  async close(): Promise<void> {
    this.process.stdin.end("close\n");
    await this.until("closed");
    await this.gone;
  }
}

/** Ends the processes of a test. */
export async function endChildren(): Promise<void> {
  for (const child of children) {
    child.kill("SIGCONT");
    child.kill();
    await child.gone;
  }
  children.clear();
}

/** The value below which `share` of the figures lie. */
export function percentile(figures: readonly number[], share: number): number {
  const sorted = [...figures].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** Shows measured figures where LOCKSTEP_FIGURES asks for them. */
export function figures(what: string, all: readonly number[]): void {
  if (process.env["LOCKSTEP_FIGURES"] === undefined) return;
  const [p50, p99] = [percentile(all, 0.5), percentile(all, 0.99)];
  console.log(
    `${what}: n ${all.length}, p50 ${p50}, p99 ${p99}, all ${[...all].sort((a, b) => a - b).join(" ")}`,
  );
}

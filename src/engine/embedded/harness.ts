/** What the tests of the embedded server share: homes that are cleaned up with their servers, and processes that use them. */
import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { openEmbedded } from "./server.ts";

/** Whether these tests run as root, where PostgreSQL has to run as somebody else. */
export const asRoot = process.getuid?.() === 0;

/** Arguments that start a command as an ordinary user; for tests that run as root. */
export const AS_NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"];

const made: string[] = [];
const disks: string[] = [];

/** Mounts a memory disk with these options in a new place; undefined where the machine does not let us. */
export function memoryDisk(options: string): string | undefined {
  const path = join(place(), "disk");
  mkdirSync(path);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", path], { stdio: "ignore" });
  } catch {
    return undefined;
  }
  disks.push(path);
  return path;
}

/**
 * Where the homes of tests lie: in memory where there is room, because what they cost on a disk is waiting for fsync, and
 * no test here cuts the power.
 */
const ROOM = roomFor(1_000_000_000, "/dev/shm") ? "/dev/shm" : "/tmp";

function roomFor(bytes: number, path: string): boolean {
  if (!existsSync(path)) return false;
  const { bavail, bsize } = statfsSync(path);
  return bavail * bsize > bytes;
}

/** A new directory of mode 0700; as root nobody else can pass it. */
export function place(below = ROOM): string {
  const path = mkdtempSync(join(below, "lse-"));
  made.push(path);
  return path;
}

let template: string | undefined;

/** A home that already has its cluster, stopped: a copy of one that is made once a file, because making one takes a second. */
export async function seeded(): Promise<string> {
  if (template === undefined) {
    const path = mkdtempSync(join(ROOM, "lse-template-"));
    const server = await openEmbedded(join(path, ".lockstep"));
    await server.close();
    await stopped(server.dataDir);
    template = path;
  }
  const path = place();
  execFileSync("cp", ["-a", join(template, ".lockstep"), path]);
  return join(path, ".lockstep");
}

/** Removes the copy's original; after the last test of a file. */
export function dropTemplate(): void {
  if (template !== undefined) rmSync(template, { recursive: true, force: true });
}

/** Ends the servers of all places and removes the places. */
export async function cleanUp(): Promise<void> {
  for (const path of made.splice(0)) {
    await endServersBelow(path);
    for (const disk of disks.filter((mounted) => mounted.startsWith(path))) execFileSync("umount", [disk]);
    rmSync(path, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Ends every server whose files lie below a directory, so that it can be removed. */
export async function endServersBelow(path: string): Promise<void> {
  for (const data of dataDirsBelow(path)) await endServer(data);
}

function dataDirsBelow(path: string): readonly string[] {
  const found = execFileSync("find", [path, "-name", "postmaster.pid"], { encoding: "utf8" }).trim();
  return found === "" ? [] : found.split("\n").map((file) => file.slice(0, -"/postmaster.pid".length));
}

/** Empty where there is none, or none any more: a server that stops removes its file, and then is no process. */
function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}

/** The number of the server's process; undefined when none runs in this data directory. */
export function serverPid(dataDir: string): number | undefined {
  const pid = Number(textOf(join(dataDir, "postmaster.pid")).split("\n")[0]);
  return pid > 0 && textOf(`/proc/${pid}/comm`).trim() === "postgres" ? pid : undefined;
}

async function endServer(dataDir: string): Promise<void> {
  const pid = serverPid(dataDir);
  if (pid === undefined || !textOf(`/proc/${pid}/cmdline`).includes(dataDir)) return;
  try {
    process.kill(pid, "SIGQUIT");
  } catch {
    // It has ended by itself.
  }
  await stopped(dataDir);
}

/** Waits until no server runs in the data directory. */
export async function stopped(dataDir: string): Promise<void> {
  await until(() => serverPid(dataDir) === undefined, "the server has stopped");
}

/** How long is waited for what should come; only to say what has not. */
const PATIENCE_MS = 120_000;

/** Polls a condition. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; await sleep(10)) if (holds()) return;
  throw new Error(`not within ${PATIENCE_MS} ms: ${what}`);
}

/** One line that a user process says. */
export interface Said {
  readonly url?: string;
  readonly dataDir?: string;
  readonly born?: string;
  readonly version?: string;
  readonly code?: string;
  readonly message?: string;
  readonly next?: string;
  readonly done?: boolean;
  readonly lost?: boolean;
}

/** A process that uses a server; see harness-user.ts. */
export class User {
  readonly child: ChildProcessWithoutNullStreams;
  readonly said: Said[] = [];
  stderr = "";

  constructor(
    home: string,
    mode = "hold",
    how: { as?: readonly string[]; binDir?: string; cwd?: string } = {},
  ) {
    const script = fileURLToPath(new URL("harness-user.ts", import.meta.url));
    const words = [
      ...(how.as ?? []),
      process.execPath,
      script,
      home,
      mode,
      ...(how.binDir ? [how.binDir] : []),
    ];
    const [command = "", ...args] = words;
    this.child = spawn(command, args, { cwd: how.cwd ?? "/" });
    createInterface({ input: this.child.stdout }).on("line", (line) => this.said.push(JSON.parse(line)));
    this.child.stderr.on("data", (part) => {
      this.stderr += part;
    });
  }

  /** Its first line: the server it is in, or its trouble. */
  async first(): Promise<Said> {
    for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; await sleep(5)) {
      if (this.said[0]) return this.said[0];
      if (this.child.exitCode !== null) await sleep(50);
      if (this.child.exitCode !== null && !this.said[0]) break;
    }
    throw new Error(`a user process said nothing; stderr: ${this.stderr}`);
  }

  /** Lets it close, and waits for its end. */
  async leave(): Promise<void> {
    this.child.stdin.end();
    await this.ended();
  }

  async ended(): Promise<void> {
    await new Promise<void>((done) => {
      if (this.child.exitCode !== null || this.child.signalCode !== null) done();
      else this.child.once("close", () => done());
    });
  }
}

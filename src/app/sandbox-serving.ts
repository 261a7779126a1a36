import { linkSync, mkdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { LockstepError } from "../core/errors.ts";
import { hasCode, homeTrouble } from "../engine/embedded/trouble.ts";
import type { Sandbox } from "../sandbox/sandbox.ts";

/** The sandbox of a directory, served: `close` ends that, and is absent where it is another process that serves. */
export interface Served {
  readonly urls: Readonly<Record<string, string>>;
  close?(): Promise<void>;
}

/** Where the sandbox of a directory is served, or was served last. */
interface Endpoint {
  readonly urls: Readonly<Record<string, string>>;
}

/** How long the process that serves may take for a reply: it may be starting, and the machine slow. */
export const PATIENCE_MS = 10_000;
/**
 * How often ports are tried, every 50 ms, that neither let us in nor answer as this sandbox, before they count as somebody else's:
 * for longer than a sandbox takes to close.
 */
const TRIES = 20;

/** The directory of everything that belongs to the sandbox of a project: its own Lockstep home beside the vendors' state. */
export function sandboxHome(root: string): string {
  return path.join(root, ".lockstep", "sandbox");
}

/**
 * Serves the sandbox of a directory in this process unless another one does: at the addresses of last time where they are free, and
 * with word of them for others. Nothing reads or writes the vendors' state before it is settled who serves.
 *
 * @throws LockstepError `VENDOR_UNREACHABLE` where a process has the addresses and does not answer; `DISK_FULL` and
 * `HOME_NOT_WRITABLE`
 */
export async function serveHere(
  root: string,
  create = () => lastState(root),
  patienceMs = PATIENCE_MS,
): Promise<Served> {
  const home = sandboxHome(root);
  await inHome(home, () => mkdirSync(home, { recursive: true, mode: 0o700 }));
  const name = realpathSync(home);
  const { openDoors } = await import("../sandbox/serve.ts");
  for (let tries = 1; ; tries += 1) {
    const known = readEndpoint(root);
    if (known && (await answers(known, name, patienceMs))) return known;
    const doors = await openDoors({ name, ports: portsOf(known) }).catch((thrown: unknown) => {
      if (hasCode(thrown, "EADDRINUSE")) return undefined;
      throw thrown;
    });
    if (doors && (known || (await inHome(home, () => leaveWord(root, doors))))) {
      try {
        doors.open(await inHome(home, create));
        return doors;
      } catch (thrown) {
        await doors.close();
        throw thrown;
      }
    }
    // Another process was faster; or its ports are somebody else's by now.
    await doors?.close();
    if (tries % TRIES === 0) rmSync(endpointFile(root), { force: true });
    await sleep(50);
  }
}

/** The simulated vendors of a directory as they were left. */
async function lastState(root: string): Promise<Sandbox> {
  const [{ createSandbox }, { raxxEstate }] = await Promise.all([
    import("../sandbox/sandbox.ts"),
    import("../sandbox/estate.ts"),
  ]);
  return createSandbox({ estate: raxxEstate(), stateFile: path.join(sandboxHome(root), "vendors.json") });
}

async function inHome<T>(home: string, body: () => T | Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (thrown) {
    throw homeTrouble(thrown, home);
  }
}

/** Whether the sandbox of that name answers there; somebody else's program does not count. */
async function answers({ urls }: Endpoint, name: string, patienceMs: number): Promise<boolean> {
  const url = `${urls["control"]}/name`;
  try {
    const reply = await fetch(url, { signal: AbortSignal.timeout(patienceMs), redirect: "error" });
    return (await reply.text()) === name;
  } catch (thrown) {
    if (thrown instanceof Error && thrown.name === "TimeoutError") throw silent(url);
    return false;
  }
}

function silent(url: string): LockstepError {
  return new LockstepError({
    code: "VENDOR_UNREACHABLE",
    message: `The sandbox of this directory does not answer: ${url}`,
    because:
      "the process that serves it was stopped or is stuck; two sandboxes would overwrite each other's state",
    next: "lockstep status --sandbox    once that process goes on, or has ended",
  });
}

function portsOf(known: Endpoint | undefined): Readonly<Record<string, number>> {
  return Object.fromEntries(
    Object.entries(known?.urls ?? {}).map(([door, url]) => [door, Number(new URL(url).port)]),
  );
}

function readEndpoint(root: string): Endpoint | undefined {
  try {
    return JSON.parse(readFileSync(endpointFile(root), "utf8")) as Endpoint;
  } catch {
    return undefined;
  }
}

/** Leaves word of the addresses, as a whole; false where somebody else has left theirs. It stays, so that the next uses them again. */
function leaveWord(root: string, { urls }: Endpoint): boolean {
  const file = endpointFile(root);
  const whole = `${file}.${process.pid}.tmp`;
  writeFileSync(whole, JSON.stringify({ urls }), { mode: 0o600 });
  try {
    linkSync(whole, file);
    return true;
  } catch (thrown) {
    if (hasCode(thrown, "EEXIST")) return false;
    throw thrown;
  } finally {
    rmSync(whole, { force: true });
  }
}

function endpointFile(root: string): string {
  return path.join(sandboxHome(root), "endpoint.json");
}

// What a worker costs that has nothing to do: node and its PostgreSQL, from /proc.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { atMost, type Figure, folder, lockstep, round, says, stop } from "./common.ts";

const SETTLE = 5_000;
const WATCHED = 10_000;
/** USER_HZ, which Linux has fixed for programs. */
const TICKS = 100;

/** Nothing where there is no /proc. */
export async function workerFigures(): Promise<readonly Figure[]> {
  if (!existsSync("/proc/self/smaps_rollup")) return [];
  const dir = folder();
  const first = await firstStart(dir);
  const worker = lockstep(dir, "worker");
  await says(worker, /is ready/);
  await sleep(SETTLE);
  const postmaster = postmasterIn(path.join(dir, ".lockstep"));
  const family = () => [postmaster, ...childrenOf(postmaster)];
  const before = { node: ticks(worker.pid), postgres: total(family(), ticks), at: performance.now() };
  await sleep(WATCHED);
  const seconds = (performance.now() - before.at) / 1_000;
  const percent = (now: number, then: number) => ((now - then) / TICKS / seconds) * 100;
  const node = percent(ticks(worker.pid), before.node);
  const postgres = percent(total(family(), ticks), before.postgres);
  const memory = { node: kilobytes(worker.pid, "status", "VmRSS"), postgres: total(family(), pss) };
  const backends = family().length;
  await stop(worker);
  return [
    atMost("worker.idle.memory", (memory.node + memory.postgres) / 1_024, "MB", 150, {
      is: "resident node, and the proportional share of all PostgreSQL processes",
      node: round(memory.node / 1_024),
      postgres: round(memory.postgres / 1_024),
      backends,
      nodeAtFirstStart: round(first / 1_024),
    }),
    atMost("worker.idle.cpu", node + postgres, "%", 3, {
      is: `of one core over ${WATCHED / 1_000} s`,
      node: round(node),
      postgres: round(postgres),
    }),
  ];
}

/**
 * The first start after a change of the sources takes their types away and compiles them, which leaves node 30 MB larger than
 * any later start, and than a packed Lockstep.
 */
async function firstStart(dir: string): Promise<number> {
  const worker = lockstep(dir, "worker");
  await says(worker, /is ready/);
  await sleep(SETTLE);
  const resident = kilobytes(worker.pid, "status", "VmRSS");
  await stop(worker);
  return resident;
}

function postmasterIn(home: string): number {
  const found = readdirSync(home, { recursive: true, encoding: "utf8" }).find(
    (name) => path.basename(name) === "postmaster.pid",
  );
  if (found === undefined) throw new Error(`no PostgreSQL runs in ${home}`);
  return Number(readFileSync(path.join(home, found), "utf8").split("\n")[0]);
}

function childrenOf(pid: number): readonly number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8")
    .trim()
    .split(" ")
    .filter(Boolean)
    .map(Number);
}

/** Used and waited for: what a backend used that has ended meanwhile is its postmaster's. */
function ticks(pid: number): number {
  const fields = read(pid, "stat")
    .replace(/^.*\) /, "")
    .split(" ");
  return [11, 12, 13, 14].reduce((sum, n) => sum + Number(fields[n] ?? 0), 0);
}

function pss(pid: number): number {
  return kilobytes(pid, "smaps_rollup", "Pss");
}

function kilobytes(pid: number, file: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+)`, "m").exec(read(pid, file))?.[1] ?? 0);
}

/** Empty for a process that has just ended. */
function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}

function total(pids: readonly number[], measure: (pid: number) => number): number {
  return pids.reduce((sum, pid) => sum + measure(pid), 0);
}

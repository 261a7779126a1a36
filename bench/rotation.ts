// How much Lockstep adds to the vendors' own time in a rotation, and whether it makes the least number of calls.

import path from "node:path";
import type { JournalEntry } from "../src/sandbox/journal.ts";
import { atMost, type Figure, folder, lockstep, median, root, round, secret, start, stop } from "./common.ts";
import { busyMs, byVendor, openVendors, type Vendors } from "./vendors.ts";

const LATENCY = 100;
const ROTATIONS = 7;
/** One mint, one vault, one GitHub, four apps, one revoke. */
const LEAST_WRITES: Counts = { heroku: 6, github: 1, infisical: 1 };

type Counts = Readonly<Record<string, number>>;

interface Rotation {
  readonly wallMs: number;
  readonly busyMs: number;
  /** The same requests in the same order of dependence, made by a program that does nothing else. */
  readonly bareMs: number;
  readonly requests: readonly JournalEntry[];
  readonly steps: readonly { readonly id: string; readonly ms: number }[];
}

interface Answer {
  readonly startedAt: string;
  readonly endedAt: string;
  readonly steps: readonly { readonly id: string; readonly startedAt: string; readonly endedAt: string }[];
}

/** Rotations one after another, carried out by the command itself; the first, which makes the database, is not counted. */
export async function rotationFigures(): Promise<readonly Figure[]> {
  const dir = folder();
  const vendors = await openVendors(dir);
  const plan = lockstep(dir, "plan", secret, "--json", "--sandbox");
  await plan.ended;
  const { calls: planned } = JSON.parse(plan.out) as { calls: Counts };
  await rotate(dir, vendors, 0);
  const all: Rotation[] = [];
  for (let n = 0; n < ROTATIONS; n += 1) all.push(await rotate(dir, vendors, LATENCY));
  await stop(vendors.child);
  const ratios = all.map((one) => one.wallMs / one.busyMs);
  return [
    atMost("rotation.overhead", median(ratios), "ratio", 1.1, {
      is: `startedAt to endedAt over the time with at least one request in flight, at ${LATENCY} ms a call; median of ${ROTATIONS}`,
      rotations: all.map((one, n) => ({
        wallMs: one.wallMs,
        busyMs: one.busyMs,
        ratio: round(ratios[n] ?? 0),
      })),
      steps: all[0]?.steps,
    }),
    {
      name: "rotation.over.bare",
      value: round(median(all.map((one) => one.wallMs / one.bareMs))),
      unit: "ratio",
      detail:
        "over a bare client that makes the same requests in the same order right after each rotation: what the machine itself takes is in both",
    },
    writes(all),
    reads(all, planned),
  ];
}

async function rotate(dir: string, vendors: Vendors, latencyMs: number): Promise<Rotation> {
  await vendors.latency(latencyMs);
  const before = (await vendors.requests()).at(-1)?.seq ?? 0;
  const child = lockstep(dir, "rotate", secret, "--json", "--yes", "--sandbox");
  const code = await child.ended;
  if (code !== 0) throw new Error(`rotate ended with ${code}: ${child.out}${child.err}`);
  const run = JSON.parse(child.out) as Answer;
  const requests = await vendors.requests(before);
  return {
    wallMs: between(run.startedAt, run.endedAt),
    busyMs: busyMs(requests, latencyMs),
    bareMs: latencyMs === 0 ? 0 : await bare(dir, vendors, requests, latencyMs),
    requests,
    steps: run.steps.map(({ id, startedAt, endedAt }) => ({ id, ms: between(startedAt, endedAt) })),
  };
}

/** A request waits for all that had been answered when it was sent. */
async function bare(
  dir: string,
  vendors: Vendors,
  requests: readonly JournalEntry[],
  latencyMs: number,
): Promise<number> {
  const shape = requests.map(({ at, vendor, path: route }) => ({
    url: `${vendors.urls[vendor]}${route.replaceAll("~", "x")}`,
    after: requests.filter((one) => one.at <= at - latencyMs).length,
  }));
  const child = start(dir, [process.execPath, path.join(root, "bench", "bare.ts"), JSON.stringify(shape)]);
  const code = await child.ended;
  if (code !== 0) throw new Error(`the bare client ended with ${code}: ${child.err}`);
  return Number(child.out);
}

function writes(all: readonly Rotation[]): Figure {
  const made = all.map((one) => byVendor(one.requests.filter((request) => request.effect === "write")));
  return counted("rotation.writes", made, LEAST_WRITES, {});
}

/** All that the plan counts except the writes; a command signs in once, and the estate has the one environment that is counted. */
function reads(all: readonly Rotation[], planned: Counts): Figure {
  const made = all.map((one) => byVendor(one.requests.filter((request) => request.effect !== "write")));
  const least = Object.fromEntries(
    Object.entries(planned).map(([vendor, n]) => [vendor, n - (LEAST_WRITES[vendor] ?? 0)]),
  );
  return counted("rotation.reads", made, least, { plan: planned });
}

function counted(name: string, made: readonly Counts[], least: Counts, more: object): Figure {
  const goal = sum(least);
  const worst = Math.max(...made.map(sum));
  const ok = made.every((one) => sum(one) === goal && Object.entries(least).every(([v, n]) => one[v] === n));
  return { name, value: worst, unit: "calls", goal: `= ${goal}`, ok, detail: { goal: least, made, ...more } };
}

function sum(counts: Counts): number {
  return Object.values(counts).reduce((a, b) => a + b, 0);
}

function between(from: string, to: string): number {
  return Date.parse(to) - Date.parse(from);
}

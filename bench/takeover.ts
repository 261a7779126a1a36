// From kill -9 of the process that carries out a rotation to the interrupted step's first request from another worker, and
// from the call that starts a rotation to its claim.
import { setTimeout as sleep } from "node:timers/promises";
import { VENDORS } from "../src/app/adapters.ts";
import { openHome } from "../src/app/home.ts";
import { localActor } from "../src/app/people.ts";
import { openCarrier, planFor, startRun, viewRun } from "../src/app/runs.ts";
import {
  atMost,
  type Child,
  type Figure,
  folder,
  lockstep,
  quantile,
  round,
  says,
  secret,
} from "./common.ts";
import { openVendors, type Vendors } from "./vendors.ts";

const KILLS = 24;
const LATENCY = 80;
const LONGEST = 30_000;
/** Requests of a rotation after which it is killed; the last ones are too near to its end. */
const EARLIEST = 3;
const LATEST = 60;

type Home = Awaited<ReturnType<typeof openHome>>;

/** Two workers at any time; rotations are started through the database and killed at moments spread over them. */
export async function takeoverFigures(): Promise<readonly Figure[]> {
  const dir = folder();
  const vendors = await openVendors(dir);
  await vendors.latency(LATENCY);
  const home = await openHome({ cwd: dir, env: process.env, sandbox: true });
  const crew = new Map<string, Child>();
  const taken: Taken[] = [];
  const started: number[] = [];
  try {
    await Promise.all([hire(dir, crew), hire(dir, crew)]);
    const carrier = await openCarrier(home, () => {});
    while (taken.length < KILLS) {
      const plan = planFor(home.config, { secret, flow: "rotate", reason: "scheduled", sandbox: true });
      await untilRoom(home, plan.calls);
      const asked = Date.now();
      const { run } = await startRun(home, carrier.requests, plan, localActor(home.config));
      started.push((await claimed(home, run.id, 0)).at - asked);
      await strike(home, run.id, { dir, vendors, crew, taken });
      while ((await viewRun(home, run.id)).run.endedAt === undefined) await sleep(20);
      const { status } = (await viewRun(home, run.id)).run;
      if (status !== "completed") throw new Error(`a killed run is ${status}`);
    }
    await carrier.close();
  } finally {
    for (const child of crew.values()) child.process.kill("SIGTERM");
    await Promise.all([...crew.values()].map((child) => child.ended));
    await home.close();
  }
  const detail = {
    is: `kill -9 to the first request of the step that was interrupted, sent by another worker; ${KILLS} kills, each in a rotation for which the vendors' rates left room`,
    ms: taken.map(({ sent }) => sent),
    claimed: taken.map((one) => one.claimed),
  };
  const sent = taken.map((one) => one.sent / 1_000);
  return [
    { name: "takeover.p50", value: round(quantile(sent, 0.5)), unit: "s", detail },
    atMost("takeover.p99", quantile(sent, 0.99), "s", 0.5),
    {
      name: "start.p50",
      value: round(quantile(started, 0.5) / 1_000),
      unit: "s",
      detail: { is: "the call that starts a rotation, to its claim by a worker", ms: started },
    },
  ];
}

/**
 * Waits until each vendor's rate leaves room for the rotation and for what its second worker repeats. Rotations one after
 * another, which nobody makes, use up what Infisical allows a minute; a worker then waits for its vendor, as it must, and
 * half a second of that was taken for slowness of the takeover.
 */
async function untilRoom(home: Home, calls: Readonly<Record<string, number>>): Promise<void> {
  const lacks = async () => {
    const rows = await home.database.query<{ account: string; level: number; seconds: number }>(
      "SELECT account, level, extract(epoch FROM clock_timestamp() - at)::float8 AS seconds FROM lockstep.budget",
    );
    return rows.some(({ account, level, seconds }) => {
      const vendor = account.split(":")[0] ?? "";
      const { capacity, perMinute } = VENDORS[vendor]?.rate ?? { capacity: 0, perMinute: 0 };
      return level + (seconds * perMinute) / 60 < Math.min(capacity, 2 * (calls[vendor] ?? 0));
    });
  };
  while (await lacks()) await sleep(200);
}

async function hire(dir: string, crew: Map<string, Child>): Promise<void> {
  const child = lockstep(dir, "worker", "--sandbox");
  const [, executor = ""] = await says(child, /Worker (\S+) is ready/);
  crew.set(executor, child);
}

/** Milliseconds from the kill to the claim by another worker, and to its first request. */
interface Taken {
  readonly claimed: number;
  readonly sent: number;
}

interface Scene {
  readonly dir: string;
  readonly vendors: Vendors;
  readonly crew: Map<string, Child>;
  readonly taken: Taken[];
}

/** One kill in this rotation, at a request that differs from kill to kill. */
async function strike(home: Home, run: string, scene: Scene): Promise<void> {
  const { dir, vendors, crew, taken } = scene;
  const first = await sequence(vendors);
  const moment = EARLIEST + ((taken.length * 37) % (LATEST - EARLIEST));
  while ((await sequence(vendors)) - first < moment) await sleep(5);
  const { executor } = await claim(home, run);
  const child = crew.get(executor);
  if (!child) throw new Error(`a stranger carries out ${run}`);
  const last = await sequence(vendors);
  child.process.kill("SIGKILL");
  const killed = Date.now();
  crew.delete(executor);
  const next = await claimed(home, run, killed);
  if (next.executor === executor) throw new Error(`a dead process carries out ${run}`);
  const sent = await firstAfter(vendors, last, next.at);
  taken.push({ claimed: next.at - killed, sent: sent - killed });
  await hire(dir, crew);
}

async function sequence(vendors: Vendors): Promise<number> {
  return (await vendors.requests()).at(-1)?.seq ?? 0;
}

/** The first claim after that moment. */
async function claimed(home: Home, run: string, since: number): Promise<{ executor: string; at: number }> {
  for (const begun = Date.now(); ; await sleep(10)) {
    const last = await claim(home, run);
    if (last.at >= Math.max(since, 1)) return last;
    if (Date.now() - begun > LONGEST) throw new Error(`nobody took ${run}`);
  }
}

/** Who carries out the run, and since when. */
async function claim(home: Home, run: string): Promise<{ executor: string; at: number }> {
  const rows = await home.database.query<{ executor: string | null; at: string | null }>(
    "SELECT executor_id AS executor, started_at_epoch_ms AS at FROM dbos.workflow_status WHERE workflow_uuid = $1",
    [run],
  );
  return { executor: rows[0]?.executor ?? "", at: Number(rows[0]?.at ?? 0) };
}

/** When the first request after the claim was sent; those before it are the dead process's. The journal's time is that at the end of the latency. */
async function firstAfter(vendors: Vendors, since: number, claimed: number): Promise<number> {
  for (;;) {
    const sent = (await vendors.requests(since)).map((one) => one.at - LATENCY).find((at) => at >= claimed);
    if (sent !== undefined) return sent;
    await sleep(10);
  }
}

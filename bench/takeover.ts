// From kill -9 of the process that carries out a rotation to the interrupted step's first request from another worker.
import { setTimeout as sleep } from "node:timers/promises";
import { localActor } from "../src/app/actor.ts";
import { openHome } from "../src/app/home.ts";
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
  const taken: number[] = [];
  try {
    await Promise.all([hire(dir, crew), hire(dir, crew)]);
    const carrier = await openCarrier(home, () => {});
    while (taken.length < KILLS) {
      const plan = planFor(home.config, { secret, flow: "rotate", reason: "scheduled", sandbox: true });
      const { run } = await startRun(home, carrier.requests, plan, localActor());
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
    is: `kill -9 to the first request of the step that was interrupted, sent by another worker; ${KILLS} kills`,
    ms: taken.map((one) => Math.round(one)),
  };
  return [
    { name: "takeover.p50", value: round(quantile(taken, 0.5) / 1_000), unit: "s", detail },
    atMost("takeover.p99", quantile(taken, 0.99) / 1_000, "s", 0.5),
  ];
}

async function hire(dir: string, crew: Map<string, Child>): Promise<void> {
  const child = lockstep(dir, "worker", "--sandbox");
  const [, executor = ""] = await says(child, /Worker (\S+) is ready/);
  crew.set(executor, child);
}

interface Scene {
  readonly dir: string;
  readonly vendors: Vendors;
  readonly crew: Map<string, Child>;
  readonly taken: number[];
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
  let next = await claim(home, run);
  for (; next.executor === executor || next.at < killed; next = await claim(home, run)) {
    if (Date.now() - killed > LONGEST) throw new Error(`nobody took ${run} over`);
    await sleep(10);
  }
  taken.push((await firstAfter(vendors, last, next.at)) - killed);
  await hire(dir, crew);
}

async function sequence(vendors: Vendors): Promise<number> {
  return (await vendors.requests()).at(-1)?.seq ?? 0;
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

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeEach, expect, test, vi } from "vitest";
import { openClient } from "./client.ts";
import { cleanUp, dropTemplate, place, serverPid, stopped } from "./embedded/harness.ts";
import { openEmbedded } from "./embedded/server.ts";
import type { Requests } from "./requests.ts";
import {
  Child,
  endChildren,
  figures,
  type Ground,
  makeGround,
  NEVER_MS,
  percentile,
} from "./testing/harness.ts";
import type { Orders } from "./testing/process.ts";
import { rightSealer } from "./testing/sealers.ts";
import { STALE_MS } from "./workers.ts";

let ground: Ground;

beforeEach(async () => {
  ground = await makeGround();
});
afterEach(async () => {
  await endChildren();
  await ground.close();
  await cleanUp();
});
afterAll(dropTemplate);

/** Works with a client of its own, closed at the end. */
async function asked<T>(work: (client: Requests) => Promise<T>): Promise<T> {
  const client = await openClient(ground.url, rightSealer, "runbooks-1");
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

const start = (id: string, input: Orders, secret = id): Promise<{ started: boolean }> =>
  asked((client) => client.start({ id, secret, input }));
const result = (id: string): Promise<unknown> =>
  asked((client) => client.result(id, { signal: AbortSignal.timeout(120_000) }));

/** Two processes: the one that runs `id` at this step, and the other. */
async function runner(children: readonly Child[], id: string, step: number): Promise<[Child, Child, number]> {
  const found = await Promise.race(
    children.map(async (child, index) => {
      const { at } = await child.until("effect", (said) => said["run"] === id && said["step"] === step);
      return { index, at };
    }),
  );
  const [one, other] = [children[found.index], children[1 - found.index]];
  if (one === undefined || other === undefined) throw new Error("two children are needed");
  return [one, other, found.at];
}

test("eight first starts at once: all work, nothing on stderr, and one run per secret across them", async () => {
  const all = Array.from(
    { length: 8 },
    (_, n) => new Child(ground, { kind: n % 2 === 0 ? "worker" : "command" }),
  );
  const opened = await Promise.all(all.map((child) => child.until("open")));
  figures(
    "first open of eight at once, ms",
    opened.map((said) => Number(said["ms"])),
  );
  expect(new Set(opened.map((said) => said["executor"])).size).toBe(8);
  const ids = Array.from({ length: 12 }, (_, n) => `secret-${n % 4}.rotate.${n}`);
  await asked(async (client) => {
    for (const id of ids)
      await client.start({ id, secret: id.split(".")[0] ?? "", input: { steps: 2, ms: 30 } });
    await Promise.all(ids.map((id) => client.result(id)));
  });
  const effects = ground.effects();
  expect(effects.length).toBe(ids.length * 2);
  // Of one secret, a run's effects are never between those of another.
  for (let secret = 0; secret < 4; secret++) {
    const order = effects.filter(({ run }) => run.startsWith(`secret-${secret}.`)).map(({ run }) => run);
    expect(order).toEqual([...new Set(order)].flatMap((run) => [run, run]));
  }
  expect(new Set(effects.map(({ pid }) => pid)).size).toBeGreaterThan(1);
  await Promise.all(all.map((child) => child.close()));
  expect(all.map((child) => child.stderr + child.noise).join("")).toBe("");
  expect(
    all.flatMap((child) => child.said.filter(({ event, level }) => event === "log" && level !== "info")),
  ).toEqual([]);
});

const KILLS = Number(process.env["LOCKSTEP_KILLS"] ?? 10);

/** How often the dead are looked for without a reason, where a test is about having had one. */
const IDLE_MS = 30_000;

test("a killed process's run goes on in another, and each step but the cut one has one effect", {
  timeout: 300_000 + KILLS * 10_000,
}, async () => {
  const took: number[] = [];
  const hired = () => new Child(ground, { times: { idleMs: IDLE_MS } });
  let children = [hired(), hired()];
  for (const child of children) await child.until("open");
  for (let kill = 0; kill < KILLS; kill++) {
    const id = `secret-${kill}.rotate.1`;
    await start(id, { steps: 3, ms: 120, stayAt: 1 });
    const [victim, peer] = await runner(children, id, 1);
    // At any moment of the watch's and the queue's rhythm.
    await sleep(Math.random() * 150);
    const killed = Date.now();
    victim.kill();
    const { at } = await peer.until("begin", (said) => said["run"] === id && said["step"] === 1);
    took.push(at - killed);
    expect(await result(id)).toEqual({ steps: 3 });
    expect(
      ground
        .effects()
        .filter(({ run }) => run === id)
        .map(({ step }) => step),
    ).toEqual([0, 1, 1, 2]);
    const fresh = hired();
    await fresh.until("open");
    children = [peer, fresh];
  }
  figures("kill -9 to the step on a peer, ms", took);
  // Neither by chance, when the idle look came by, nor because a heart had stopped beating.
  expect(percentile(took, 0.5)).toBeLessThan(IDLE_MS / 6);
});

test("a frozen process is taken over; woken before its effect, it is refused", async () => {
  const times = { staleMs: STALE_MS };
  const children = [new Child(ground, { times }), new Child(ground, { times })];
  for (const child of children) await child.until("open");
  const id = "secret.rotate.1";
  const goFile = join(place(), "go");
  await start(id, { steps: 2, ms: 20, goFile });
  const begins = children.map((child) => child.until("begin"));
  await Promise.race(begins);
  const frozen = children.find((child) => child.said.some(({ event }) => event === "begin"));
  const peer = children.find((child) => child !== frozen);
  if (frozen === undefined || peer === undefined) throw new Error("nobody runs it");
  const stopped = Date.now();
  frozen.kill("SIGSTOP");
  const { at } = await peer.until("begin");
  figures("SIGSTOP to the step on a peer, ms", [at - stopped]);
  writeFileSync(goFile, "");
  expect(await result(id)).toEqual({ steps: 2 });
  frozen.kill("SIGCONT");
  await frozen.until("checks");
  // It lives on, and takes runs again: what it asks of this one it asks after that of the one it lost.
  peer.kill();
  await start("secret.rotate.2", { steps: 1, ms: 1 });
  expect(await result("secret.rotate.2")).toEqual({ steps: 1 });
  expect(ground.effects().map(({ run, step, pid }) => [run, step, pid])).toEqual([
    [id, 0, peer.pid],
    [id, 1, peer.pid],
    ["secret.rotate.2", 0, frozen.pid],
  ]);
  expect(frozen.stderr).toBe("");
});

test("the database is killed and comes back: processes live, no effect twice, the run ends", async () => {
  // Nobody dies here: whoever takes longer to come back than the other is given the time.
  const times = { restartMs: NEVER_MS };
  const children = [new Child(ground, { times }), new Child(ground, { times })];
  for (const child of children) await child.until("open");
  const ids = ["a.rotate.1", "b.rotate.1", "c.rotate.1"];
  for (const id of ids) await start(id, { steps: 8, ms: 150, beforeCheckMs: 50 });
  for (let crash = 0; crash < 2; crash++) {
    await sleep(500);
    process.kill(serverPid(ground.server.dataDir) ?? 0, "SIGQUIT");
    await stopped(ground.server.dataDir);
    await sleep(crash * 1_000);
    ground.server = await openEmbedded(ground.home);
  }
  for (const id of ids) expect(await result(id)).toEqual({ steps: 8 });
  for (const id of ids) {
    const steps = ground
      .effects()
      .filter(({ run }) => run === id)
      .map(({ step }) => step);
    expect([id, steps]).toEqual([id, [0, 1, 2, 3, 4, 5, 6, 7]]);
  }
  expect(children.some((child) => child.said.some(({ event }) => event === "lost"))).toBe(true);
  expect(children.map((child) => child.stderr).join("")).toBe("");
});

test("a process that closes finishes its step and hands the run back; one that waits for a person too", async () => {
  const first = new Child(ground);
  await first.until("open");
  await start("slow.rotate.1", { steps: 3, ms: 400 });
  await start("asks.rotate.1", { steps: 2, ms: 1, askAt: 1 });
  await first.until("asks");
  await first.until("effect", (said) => said["run"] === "slow.rotate.1");
  const before = Date.now();
  await first.close();
  // The step was finished, the wait for a person was not, and no timer of either kept the process, nor all that it may take.
  expect(Date.now() - before).toBeLessThan(NEVER_MS / 20);
  expect(await asked((client) => client.status("asks.rotate.1"))).toBe("running");
  const second = new Child(ground);
  await second.until("asks");
  await asked((client) => client.tell("asks.rotate.1", "ask/1", "yes"));
  expect(await result("asks.rotate.1")).toEqual({ told: "yes", steps: 2 });
  expect(await result("slow.rotate.1")).toEqual({ steps: 3 });
  expect(
    ground
      .effects()
      .filter(({ run }) => run === "slow.rotate.1")
      .map(({ step }) => step),
  ).toEqual([0, 1, 2]);
  await second.close();
  // It gives the database half a second to forget it, and does not wait longer for the answer.
  await vi.waitFor(
    async () =>
      expect(
        await asked((client) => (client as unknown as { workers(): Promise<unknown[]> }).workers()),
      ).toEqual([]),
    { timeout: 120_000 },
  );
});

test("a process with the wrong keys takes no run", async () => {
  const wrong = new Child(ground, { keys: "wrong" });
  expect((await wrong.until("failed"))["code"]).toBe("KEYRING_WRONG");
  await wrong.gone;
  const right = new Child(ground);
  await right.until("open");
  await start("s.rotate.1", { steps: 1, ms: 1 });
  expect(await result("s.rotate.1")).toEqual({ steps: 1 });
  await right.close();
});

import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, expect, onTestFinished, test, vi } from "vitest";
import { LockstepError } from "../core/errors.ts";
import type { Journal } from "../core/journal.ts";
import { instantOf } from "../core/time.ts";
import { openClient } from "./client.ts";
import { cleanUp, dropTemplate } from "./embedded/harness.ts";
import { type Engine, type EngineOptions, openEngine } from "./engine.ts";
import { figures, type Ground, makeGround } from "./testing/harness.ts";
import { openPooler } from "./testing/pooler.ts";
import { rightSealer, wrongSealer } from "./testing/sealers.ts";
import { hasLivingWorker } from "./workers.ts";

let ground: Ground;
let engine: Engine | undefined;
const lines: string[] = [];

beforeAll(async () => {
  ground = await makeGround();
});
afterEach(async () => {
  await engine?.close(200);
  engine = undefined;
});
afterAll(async () => {
  await ground.close();
  await cleanUp();
  dropTemplate();
});

async function open(
  procedure: (journal: Journal, input: unknown) => Promise<unknown>,
  more: Partial<EngineOptions> = {},
): Promise<Engine> {
  lines.length = 0;
  engine = await openEngine({
    databaseUrl: ground.url,
    kind: "command",
    sealer: rightSealer,
    proveKeys: async () => {},
    procedure: (run, journal) => procedure(journal, run.input),
    log: ({ msg }) => lines.push(msg),
    version: "runbooks-1",
    ...more,
  });
  return engine;
}

const soon = (ms: number): string => instantOf(Date.now() + ms);

async function until(holds: () => boolean | Promise<boolean>, patienceMs = 120_000): Promise<void> {
  const deadline = Date.now() + patienceMs;
  while (!(await holds())) {
    if (Date.now() > deadline)
      throw new Error(`not within ${patienceMs} ms: ${holds}; the log: ${lines.join("; ")}`);
    await sleep(20);
  }
}

let runs = 0;
/** A new run's id and secret. */
function next(): { id: string; secret: string } {
  runs += 1;
  return { id: `secret-${runs}.rotate.1`, secret: `secret-${runs}` };
}

const refusal = (thrown: unknown): string => (thrown instanceof LockstepError ? thrown.code : String(thrown));

test("a run keeps its answers, waits, and ends; starting it again attaches", async () => {
  await open(async (journal, input) => {
    const first = await journal.once("first", async () => ({ at: 1, none: undefined }));
    const round = await journal.round(
      [3, 1, 2].map((n) => ({ key: `round/${n}`, body: async () => sleep(n * 5, n) })),
    );
    const told = await journal.answer("ask/1", soon(60_000));
    const nobody = await journal.answer("ask/2", soon(50));
    const before = Date.now();
    await journal.sleepUntil(soon(60));
    const slept = Date.now() - before >= 55;
    await journal.owned();
    return { input, first, round, told, nobody, slept };
  });
  const run = next();
  const input = { plan: "x" };
  expect(await engine?.status(run.id)).toBe("absent");
  expect(await engine?.start({ ...run, input })).toEqual({ started: true });
  expect(await engine?.start({ ...run, input: { other: 1 } })).toEqual({ started: false });
  await engine?.tell(run.id, "ask/1", { yes: true });
  expect(await engine?.result(run.id)).toEqual({
    input,
    first: { at: 1 },
    round: [3, 1, 2],
    told: { yes: true },
    slept: true,
  });
  expect(await engine?.status(run.id)).toBe("done");
  expect(await engine?.start({ ...run, input })).toEqual({ started: false });
});

test("a throw is kept as trouble, in an entry and at the end, without the foreign text", async () => {
  let calls = 0;
  await open(async (journal) => {
    const seen: string[] = [];
    for (const key of ["foreign", "ours"]) {
      const body = async (): Promise<never> => {
        calls += 1;
        if (key === "foreign") throw new TypeError("Authorization: Bearer canary");
        throw new LockstepError({ code: "VENDOR_REFUSED", message: "no", because: "", next: "" });
      };
      await journal.once(key, body).catch((thrown: unknown) => seen.push(refusal(thrown)));
    }
    await journal.once("seen", async () => seen);
    throw new RangeError(`canary ${seen.join()}`);
  });
  const run = next();
  await engine?.start({ ...run, input: {} });
  const end = await engine?.result(run.id).catch((thrown: unknown) => thrown);
  expect(end).toMatchObject({ code: "INTERNAL", message: expect.stringContaining("RangeError") });
  expect(String(end)).not.toContain("canary");
  expect(calls).toBe(2);
  expect(await engine?.status(run.id)).toBe("done");
});

test("nothing of a value is in the database, but sealed", async () => {
  await open(async (journal) => {
    await journal.once("kept", async () => "canary-output");
    await journal.once("fails", async () => Promise.reject(new Error("canary-error"))).catch(() => {});
    return { told: await journal.answer("ask", soon(60_000)), end: "canary-result" };
  });
  const run = next();
  await engine?.start({ ...run, input: "canary-input" });
  await engine?.tell(run.id, "ask", "canary-message");
  expect(await engine?.result(run.id)).toEqual({ told: "canary-message", end: "canary-result" });
  const tables = await ground.ask(
    "SELECT schemaname || '.' || tablename AS name FROM pg_tables WHERE schemaname IN ('dbos', 'lockstep_engine')",
  );
  expect(tables.length).toBeGreaterThan(5);
  for (const { name } of tables) {
    const found = await ground.ask(`SELECT 1 FROM ${name} t WHERE t::text ~ 'canary'`);
    expect([name, found.length]).toEqual([name, 0]);
  }
});

const two = async (journal: Journal): Promise<unknown> => [
  await journal.once("one", async () => "first value"),
  await journal.once("two", async () => "second value"),
  await journal.answer("ask", soon(60_000)),
];

/** A run that waits behind two entries, in no engine. */
async function waiting(): Promise<string> {
  await open(two);
  const run = next();
  await engine?.start({ ...run, input: {} });
  const entries = "SELECT 1 FROM dbos.operation_outputs WHERE workflow_uuid = $1";
  await until(async () => (await ground.ask(entries, [run.id])).length >= 3);
  await engine?.close(0);
  return run.id;
}

async function expectParked(run: string, why: string): Promise<void> {
  await until(async () => (await engine?.status(run)) === "parked");
  expect(await ground.ask("SELECT why FROM lockstep_engine.parked WHERE run = $1", [run])).toEqual([{ why }]);
  await until(async () => lines.join("\n").includes(why));
  await sleep(600);
  const row = await ground.ask("SELECT status FROM dbos.workflow_status WHERE workflow_uuid = $1", [run]);
  expect(row).toEqual([{ status: "PENDING" }]);
}

const SWAP = `UPDATE dbos.operation_outputs o SET output = p.output FROM dbos.operation_outputs p
  WHERE o.workflow_uuid = $1 AND p.workflow_uuid = $1 AND o.function_id + p.function_id = 1`;

test("swapped entries park the run and never end it; put right, it goes on", async () => {
  const run = await waiting();
  await ground.ask(SWAP, [run]);
  await open(two);
  await expectParked(run, "it belongs to another run or entry");
  await engine?.close(0);
  await ground.ask(SWAP, [run]);
  await open(two);
  await engine?.tell(run, "ask", "yes");
  expect(await engine?.result(run)).toEqual(["first value", "second value", "yes"]);
});

test("an entry of another run, a message and an input of another run, park the run", async () => {
  const donor = await waiting();
  const entry = await waiting();
  const copy = `UPDATE dbos.operation_outputs o SET output = p.output FROM dbos.operation_outputs p
    WHERE o.workflow_uuid = $1 AND p.workflow_uuid = $2 AND o.function_id = 0 AND p.function_id = 0`;
  await ground.ask(copy, [entry, donor]);
  const input = await waiting();
  const inputs = `UPDATE dbos.workflow_input o SET inputs = p.inputs FROM dbos.workflow_input p
    WHERE o.workflow_uuid = $1 AND p.workflow_uuid = $2`;
  await ground.ask(inputs, [input, donor]);
  const message = await waiting();
  await open(two);
  await expectParked(entry, "it belongs to another run or entry");
  await expectParked(input, "it belongs to another run or entry");
  await engine?.tell(donor, "ask", "yes");
  await engine?.result(donor);
  await ground.ask(
    `INSERT INTO dbos.notifications (destination_uuid, topic, message, serialization, message_uuid)
     SELECT $1, topic, message, serialization, gen_random_uuid() FROM dbos.notifications WHERE destination_uuid = $2`,
    [message, donor],
  );
  await expectParked(message, "it belongs to another run or entry");
});

test("a value that somebody wrote in plain JSON parks the run", async () => {
  const run = await waiting();
  const forged = JSON.stringify({ run, entry: "entry/one", value: { value: "forged" } });
  await ground.ask(
    "UPDATE dbos.operation_outputs SET output = $2, serialization = 'portable_json' WHERE workflow_uuid = $1 AND function_id = 0",
    [run, forged],
  );
  await open(two);
  await expectParked(run, "it was not sealed by Lockstep");
});

test("another order of entries parks the run; the old order goes on", async () => {
  const run = await waiting();
  await open(async (journal) => [await journal.once("two", async () => 2), await two(journal)]);
  await expectParked(run, "another entry was expected at its place");
  await engine?.close(0);
  await open(two);
  await engine?.tell(run, "ask", 1);
  expect(await engine?.result(run)).toEqual(["first value", "second value", 1]);
});

test("a wrong key ring takes no run; and one that is noticed late parks it, for a right one to go on", async () => {
  const run = await waiting();
  const wrong = async (): Promise<void> => {
    throw new LockstepError({ code: "KEYRING_WRONG", message: "", because: "", next: "" });
  };
  await expect(open(two, { sealer: wrongSealer, proveKeys: wrong })).rejects.toMatchObject({
    code: "KEYRING_WRONG",
  });
  await open(two, { sealer: wrongSealer });
  await expectParked(run, "the key ring does not open it");
  await engine?.close(0);
  await open(two);
  await engine?.tell(run, "ask", "yes");
  expect(await engine?.result(run)).toEqual(["first value", "second value", "yes"]);
});

test("an answer wakes a waiting run at once", async () => {
  // The mailbox looks every second in case a notification was missed: here it never does.
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  onTestFinished(() => void vi.useRealTimers());
  await open(async (journal) => {
    const waits: number[] = [];
    for (let n = 0; n < 12; n++) {
      const sent = await journal.answer<number>(`ask/${n}`, soon(600_000));
      waits.push(Date.now() - (sent ?? 0));
    }
    return waits;
  });
  const run = next();
  await engine?.start({ ...run, input: {} });
  const asked = "SELECT 1 FROM dbos.operation_outputs WHERE workflow_uuid = $1 AND function_name = $2";
  for (let n = 0; n < 12; n++) {
    await until(async () => (await ground.ask(asked, [run.id, `ask/${n}/until`])).length === 1);
    // From here it is a turn of the event loop, and a look, until it waits.
    await sleep(30);
    await engine?.tell(run.id, `ask/${n}`, Date.now());
  }
  const waits = (await engine?.result(run.id)) as number[];
  figures("answer to run, ms", waits);
  expect(waits).toHaveLength(12);
});

/** The kinds of those that live; of an engine that has closed the row may stand for a moment longer. */
async function livingIn(asked: Pick<Engine, "workers"> | undefined): Promise<readonly string[]> {
  const all = (await asked?.workers()) ?? [];
  return all.filter(({ alive }) => alive).map(({ kind }) => kind);
}

test("one engine at a time; a run or a process that is not there is said so", async () => {
  await open(two);
  await expect(openEngine({ databaseUrl: ground.url } as EngineOptions)).rejects.toMatchObject({
    code: "INTERNAL",
  });
  await expect(engine?.tell("nobody.rotate.1", "ask", 1)).rejects.toMatchObject({ code: "RUN_UNKNOWN" });
  await expect(engine?.result("nobody.rotate.1")).rejects.toMatchObject({ code: "RUN_UNKNOWN" });
  const run = next();
  await engine?.start({ ...run, input: {} });
  await expect(engine?.result(run.id, { signal: AbortSignal.timeout(100) })).rejects.toThrow(/timeout/);
  expect(await hasLivingWorker(ground.url)).toBe(false);
  expect(await livingIn(engine)).toEqual(["command"]);
});

test("a client starts and tells without an engine", async () => {
  const client = await openClient(ground.url, rightSealer, "runbooks-1");
  const run = next();
  expect(await client.start({ ...run, input: 1 })).toEqual({ started: true });
  expect(await client.start({ ...run, input: 1 })).toEqual({ started: false });
  await client.tell(run.id, "ask", "by client");
  expect(await client.status(run.id)).toBe("queued");
  await open(two, { kind: "worker" });
  expect(await hasLivingWorker(ground.url)).toBe(true);
  expect(await client.result(run.id)).toEqual(["first value", "second value", "by client"]);
  expect(await livingIn(client)).toEqual(["worker"]);
  await client.close();
});

test("a database that is not there is DATABASE_UNREACHABLE, and the password is not said", async () => {
  const bad = [
    "postgresql://u:geheim@127.0.0.1:1/x",
    "postgresql://u:geheim@localhost/x?host=/nowhere",
    ground.url.replace("/lockstep?", "/absent?"),
  ];
  for (const databaseUrl of bad) {
    const thrown = await open(two, { databaseUrl }).catch((caught: unknown) => caught);
    expect(thrown).toMatchObject({ code: "DATABASE_UNREACHABLE" });
    expect(JSON.stringify([thrown, String(thrown)])).not.toContain("geheim");
    await expect(hasLivingWorker(databaseUrl)).rejects.toMatchObject({ code: "DATABASE_UNREACHABLE" });
  }
});

test.each([
  ["gives the last used connection", (idle: number) => idle - 1],
  ["goes round", () => 0],
])("a transaction pooler that %s is DATABASE_POOLED", async (_name, pick) => {
  const { searchParams, username, port } = new URL(ground.url);
  const socket = `${searchParams.get("host")}/.s.PGSQL.${port || 5432}`;
  const pooler = await openPooler(socket, username, 2, pick);
  const databaseUrl = `postgresql://${username}@127.0.0.1:${pooler.port}/${username}?sslmode=disable`;
  try {
    await expect(open(two, { databaseUrl })).rejects.toMatchObject({ code: "DATABASE_POOLED" });
  } finally {
    pooler.close();
  }
});

test("claimed again by the same process, the older execution falls silent before its effect", async () => {
  const effects: number[] = [];
  const begun: (() => void)[] = [];
  let executions = 0;
  const run = next();
  await open(async (journal, input) => {
    // The runs that other tests have left behind are taken over as well.
    if (input !== run.id) return journal.answer("never", soon(60_000));
    executions += 1;
    const mine = executions;
    return journal.once("act", async () => {
      await new Promise<void>((go) => begun.push(go));
      await journal.owned();
      effects.push(mine);
      return mine;
    });
  });
  await engine?.start({ ...run, input: run.id });
  await until(() => begun.length === 1);
  // As a peer does that found every lock free after a restart of the database.
  const free =
    "UPDATE dbos.workflow_status SET status = 'ENQUEUED', owner_xid = NULL WHERE workflow_uuid = $1";
  await ground.ask(free, [run.id]);
  await until(() => begun.length === 2);
  begun[0]?.();
  await sleep(150);
  expect(effects).toEqual([]);
  begun[1]?.();
  expect(await engine?.result(run.id)).toBe(2);
  expect(effects).toEqual([2]);
});

test("a claim that never began, and a step whose recording failed, go back to the queue", async () => {
  let fail = true;
  const sealer = {
    ...rightSealer,
    seal: async (text: string) => {
      if (fail && text.includes("entry/act")) throw new Error("the disk of the keys is away");
      return rightSealer.seal(text);
    },
  };
  await open(async (journal) => journal.once("act", async () => "done"), { sealer });
  const run = next();
  await engine?.start({ ...run, input: {} });
  await until(() => lines.some((line) => line.includes("tried again in 1000 ms: Error")));
  fail = false;
  expect(await engine?.result(run.id)).toBe("done");
  // A claim whose answer was lost on the way looks like this.
  const stranded = next();
  const hidden =
    "UPDATE dbos.workflow_status SET status = 'PENDING', executor_id = $2, owner_xid = 'lost', started_at_epoch_ms = 1 WHERE workflow_uuid = $1";
  const client = await openClient(ground.url, rightSealer, "runbooks-1");
  await client.start({ ...stranded, secret: run.secret, input: {} });
  await ground.ask(hidden, [stranded.id, engine?.executor]);
  await client.close();
  expect(await engine?.result(stranded.id)).toBe("done");
});

test("[P10] a program that would carry out another plan leaves a run that was begun alone, and the right one goes on", async () => {
  const procedure = async (journal: Journal) => {
    const first = await journal.once("first", async () => 1);
    return { first, told: await journal.answer("ask", soon(60_000)) };
  };
  await open(procedure, { goesOnWith: () => false });
  const [fresh, begun] = [next(), next()];
  // What nothing was done of yet is the procedure's own matter.
  await engine?.start({ ...fresh, input: {} });
  await engine?.tell(fresh.id, "ask", "now");
  expect(await engine?.result(fresh.id)).toEqual({ first: 1, told: "now" });
  await engine?.close(200);
  await open(procedure, { goesOnWith: () => true });
  await engine?.start({ ...begun, input: {} });
  await until(async () => (await ground.ask(RECORDED, [begun.id])).length > 0);
  await engine?.close(200);
  await open(procedure, { goesOnWith: () => false });
  await until(async () => (await engine?.status(begun.id)) === "parked");
  expect(lines).toContainEqual(expect.stringMatching(/parked: this version of Lockstep makes another plan/));
  await engine?.tell(begun.id, "ask", "later");
  await engine?.close(200);
  await open(procedure, { goesOnWith: () => true });
  expect(await engine?.result(begun.id)).toEqual({ first: 1, told: "later" });
});

const RECORDED = "SELECT 1 FROM dbos.operation_outputs WHERE workflow_uuid = $1 AND function_name = 'first'";

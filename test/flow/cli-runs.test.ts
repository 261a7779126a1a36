import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openHome } from "../../src/app/home.ts";
import { planFor } from "../../src/app/runs.ts";
import { progressIn } from "../../src/db/progress.ts";
import { listRuns, reserveRun } from "../../src/db/runs.ts";
import { RAXX } from "../../src/sandbox/raxx.ts";
import { type Called, call, json, type Left, openSite, type Site, start } from "./cli-harness.ts";

let site: Site;
let home: Called;
beforeAll(async () => {
  site = await openSite();
  home = await site.project();
});
afterAll(() => site?.close());

interface Document {
  run: string;
  status: string;
  planHash: string;
  old: { id: string; label: string };
  new: { id: string; label: string };
  steps: { id: string; state: string; startedAt: string; endedAt: string; attempts: number }[];
  calls: Record<string, number>;
  startedAt: string;
  endedAt: string;
}
interface Status {
  secrets: {
    secret: string;
    lastRotated: string | null;
    nextDue: string | null;
    destinations: string[][];
    vault: string;
    consumers: { reads: string; pulls: boolean }[];
  }[];
}

const statusOf = async () =>
  json<Status>(await call(home, "status", "--json")).secrets.find((one) => one.secret === "heroku-api-key");
const young = () =>
  site.sandbox.heroku.authorizations.filter(
    (one) => one.description.includes(" ls-") && one.deletedAt === null,
  );
/** The key of a rotation that has just ended would stop the next one (HK-13); it grows a day older. */
const age = () => {
  for (const one of site.sandbox.heroku.authorizations) one.createdAt -= 25 * 3_600_000;
};
/** Vendors so slow that no run ends before somebody has come who is waited for, however long that takes. */
const slow = () => site.sandbox.control.set({ latencyMs: 1_000 });
const quick = () => site.sandbox.control.set({ latencyMs: 0 });
/** A rotation whose process is gone; the vendors stay slow, so that whoever goes on with it can be watched. */
async function killedAfterTheMint(): Promise<void> {
  age();
  site.sandbox.control.set({ latencyMs: 60 });
  const killed = start(home, "rotate", "heroku-api-key", "--yes", "--json");
  await killed.until(/✓ {2}4 mint/);
  killed.signal("SIGKILL");
  await killed.left;
  slow();
}

const WHY = "the quarter's end";

describe("a rotation by the command line", () => {
  let rotated: Document;

  it("[HK-01][HK-02] status before: never rotated; vault, destinations by wave, consumers", async () => {
    const one = await statusOf();
    expect(one).toMatchObject({
      lastRotated: null,
      nextDue: null,
      vault: expect.stringContaining("/MooseQuest/heroku"),
    });
    expect(one?.destinations).toEqual([
      ["github raxx-app/TradeMasterAPI HEROKU_API_KEY"],
      ["heroku raxx-api-staging HEROKU_API_KEY", "heroku raxx-console-staging HEROKU_API_KEY"],
      ["heroku raxx-api-prod HEROKU_API_KEY", "heroku raxx-console-prod HEROKU_API_KEY"],
    ]);
    expect(one?.consumers.some(({ reads, pulls }) => pulls && reads.includes("HEROKU_API_KEY_PROD"))).toBe(
      true,
    );
  });

  it("test --json: read only, exit 0", async () => {
    const left = await call(home, "test", "heroku-api-key", "--json");
    expect(left.code).toBe(0);
    expect(json(left)).toMatchObject({
      flow: "test",
      status: "completed",
      old: { id: RAXX.currentAuthorization },
    });
    expect(site.sandbox.control.journal.list({ effect: "write" })).toEqual([]);
  });

  it("rotate --json prints exactly one document with the agreed fields, and nothing of a value", async () => {
    const { hash } = json<{ hash: string }>(await call(home, "plan", "heroku-api-key", "--json"));
    const left = await call(
      home,
      "rotate",
      "heroku-api-key",
      "--plan",
      hash,
      "--because",
      WHY,
      "--yes",
      "--json",
    );
    expect(left.code).toBe(0);
    rotated = json<Document>(left);
    expect(rotated).toMatchObject({
      run: "heroku-api-key.rotate.1",
      secret: "heroku-api-key",
      flow: "rotate",
      status: "completed",
      runbook: "overlap@1",
      planHash: hash,
      old: { id: RAXX.currentAuthorization, label: expect.stringMatching(/^[0-9a-f]{6}$/) },
      new: { id: young()[0]?.id, label: expect.stringMatching(/^[0-9a-f]{6}$/) },
      calls: { heroku: expect.any(Number), github: expect.any(Number), infisical: expect.any(Number) },
      startedAt: expect.stringMatching(/Z$/),
      endedAt: expect.stringMatching(/Z$/),
    });
    expect(rotated.steps).toHaveLength(18);
    for (const step of rotated.steps) {
      expect(step).toMatchObject({
        state: "done",
        attempts: 1,
        startedAt: expect.any(String),
        endedAt: expect.any(String),
      });
      expect(step.endedAt >= step.startedAt).toBe(true);
    }
    for (const value of Object.values(site.sandbox.control.estate().heroku.tokens))
      expect(left.out + left.err).not.toContain(value);
  });

  it("[X-04] --because stands in the entry that starts the run, and show says it", async () => {
    const { entries } = json<{ entries: { action: string; context: { because?: string } }[] }>(
      await call(home, "audit", rotated.run, "--limit", "1000", "--json"),
    );
    const starts = entries.filter(({ action }) => action === "secret.rotate.started");
    expect(starts.map(({ context }) => context.because)).toEqual([WHY]);
    expect((await call(home, "show", rotated.run)).out).toContain(`\nwhy   ${WHY}\n`);
    expect(json(await call(home, "show", rotated.run, "--json"))["because"]).toBe(WHY);
  });

  it("[HK-01][HK-10] status after: last rotated and next due computed from the record", async () => {
    const one = await statusOf();
    const last = Date.parse(one?.lastRotated ?? "");
    const record = rotated.steps.find(({ id }) => id === "record");
    // By two clocks of this machine, of which one counts microseconds.
    expect(last).toBeGreaterThanOrEqual(Date.parse(record?.startedAt ?? "") - 1);
    expect(last).toBeLessThanOrEqual(Date.parse(record?.endedAt ?? "") + 1);
    expect(Date.parse(one?.nextDue ?? "") - last).toBe(90 * 86_400_000);
    const { rotations } = json<{ rotations: unknown[] }>(await call(home, "audit", "--json"));
    expect(rotations).toMatchObject([{ old: { id: rotated.old.id }, new: { id: rotated.new.id } }]);
    const log = await call(home, "audit", "--log");
    expect(log.out).toContain("## Rotation log of heroku-api-key\n");
    expect(log.out).toContain(rotated.new.id.slice(0, 8));
  });

  it("what looks at secrets and runs fits into 80 columns", async () => {
    const secret = "heroku-api-key";
    const of = [
      ["plan", secret],
      ["verify", secret],
      ["impact", secret],
      ["audit", rotated.run],
    ];
    for (const args of [["status"], ["runs"], ["audit"], ...of]) {
      const { out } = await call(home, ...args);
      expect(out).toMatch(/heroku-api-key|plan=/);
      expect(out.split("\n").filter((line) => line.length > 80)).toEqual([]);
    }
  });

  it("every other command prints one document: runs, show, audit, keys, doctor", async () => {
    for (const args of [["runs"], ["show", rotated.run], ["audit", rotated.run], ["keys"], ["doctor"]]) {
      const left = await call(home, ...args, "--json");
      expect([args[0], left.code]).toEqual([args[0], 0]);
      expect(typeof json(left)).toBe("object");
    }
    const refused = await call(home, "cancel", rotated.run, "--json");
    expect(json(refused)).toMatchObject({ error: { code: "RUN_NOT_CANCELLABLE" } });
    expect(refused.code).toBe(1);
  });

  it("[P8] two rotations at once are one run: the second attaches and says so", async () => {
    age();
    slow();
    const before = young().length;
    const both = [1, 2].map(() => start(home, "rotate", "heroku-api-key", "--yes", "--json"));
    await Promise.any(both.map((one) => one.until(/Attached to heroku-api-key\.rotate\.2/)));
    quick();
    const [first, second] = await Promise.all(both.map(({ left }) => left));
    expect([first?.code, second?.code]).toEqual([0, 0]);
    const [a, b] = [json<Document>(first ?? never()), json<Document>(second ?? never())];
    expect([a.run, b.run, a.status, b.status]).toEqual([
      "heroku-api-key.rotate.2",
      "heroku-api-key.rotate.2",
      "completed",
      "completed",
    ]);
    const attached = [first, second].filter((one) =>
      one?.err.includes("Attached to heroku-api-key.rotate.2"),
    );
    expect(attached).toHaveLength(1);
    expect(young()).toHaveLength(before);
    const mints = site.sandbox.control.journal
      .list({ vendor: "heroku", effect: "write" })
      .filter((one) => one.method === "POST");
    expect(mints).toHaveLength(2);
  });

  it("a worker carries out what a command starts, and prints one document when it is told to stop", async () => {
    age();
    const worker = start(home, "worker", "--json");
    await worker.until(/is ready/);
    const left = await call(home, "rotate", "heroku-api-key", "--yes", "--json");
    expect(left.code).toBe(0);
    expect(json(left)).toMatchObject({ run: "heroku-api-key.rotate.3", status: "completed" });
    worker.signal("SIGTERM");
    const ended = await worker.left;
    expect([ended.code, json(ended)]).toEqual([0, { executor: expect.any(String) }]);
  });

  it("a worker goes on with a run whose command was killed", async () => {
    await killedAfterTheMint();
    const leftRuns = async () =>
      json<{ open: { left: { id: string }[] } }>(await call(home, "status", "--json")).open.left.map(
        ({ id }) => id,
      );
    expect(await leftRuns()).toEqual(["heroku-api-key.rotate.4"]);
    const lines = (await call(home, "status")).out.split("\n");
    const at = lines.indexOf(
      " left  heroku-api-key.rotate.4: no process carries it out any more; it goes on",
    );
    expect(lines[at + 2]).toMatch(/^ {7}next {2}lockstep rotate heroku-api-key$/);
    expect((await call(home, "show", "heroku-api-key.rotate.4")).out).toContain("left     no process");
    const worker = start(home, "worker");
    await worker.until(/is ready/);
    expect(await leftRuns()).toEqual([]);
    const attaching = start(home, "rotate", "heroku-api-key", "--yes", "--json");
    await attaching.until(/Attached to heroku-api-key\.rotate\.4/);
    quick();
    const left = await attaching.left;
    worker.signal("SIGTERM");
    await worker.left;
    expect(json(left)).toMatchObject({ run: "heroku-api-key.rotate.4", status: "completed" });
    expect(young()).toHaveLength(1);
  });

  it("whatever command goes on with a run whose process is gone says so, also one that itself only reads", async () => {
    await killedAfterTheMint();
    const testing = start(home, "test", "heroku-api-key", "--json");
    await testing.until(/^heroku-api-key\.rotate\.5 is under way; the test begins once it has ended\.$/m);
    await testing.until(/^took over from process \S+: .*heroku-api-key\.rotate\.5$/m);
    quick();
    const left = await testing.left;
    expect(json(left)).toMatchObject({ flow: "test", status: "completed" });
  });

  it("[P8] a run that is there takes the place of the yes for itself alone: none begins where it ends meanwhile", async () => {
    age();
    const opened = await openHome({ cwd: home.dir, env: {}, sandbox: false });
    try {
      const { database, config } = opened;
      const secret = "heroku-api-key";
      const plan = planFor(config, { secret, flow: "rotate", reason: "scheduled", sandbox: false });
      const { runbook, hash: planHash } = plan;
      const actor = { name: "kris", assurance: "local user" } as const;
      const asked = { secret, flow: "rotate", runbook, planHash, plan, reason: "scheduled", actor } as const;
      const { run } = await reserveRun(database, asked);
      let command: Promise<Left> | undefined;
      await database.transaction(async (queries) => {
        // Whoever begins a run waits here; in that moment the one that was seen ends.
        await queries.query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [
          `lockstep run ${secret}`,
        ]);
        let left = false;
        command = call(home, "rotate", secret, "--json").finally(() => {
          left = true;
        });
        const waiting = "SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted";
        while (!left && (await queries.query(waiting)).length === 0) await sleep(50);
        if (!left) await progressIn(database).run(run.id, { status: "cancelled" });
      });
      expect(json((await command) ?? never())).toMatchObject({ run: run.id });
      expect((await listRuns(database, { secret, flow: "rotate" }))[0]?.id).toBe(run.id);
    } finally {
      await opened.close();
    }
  });

  it("[HK-12][P7] leaves no value in a file of the installation", () => {
    const dir = path.join(home.dir, ".lockstep");
    const values = Object.values(site.sandbox.control.estate().heroku.tokens);
    for (const name of readdirSync(dir, { recursive: true, encoding: "utf8" })) {
      const bytes = contentOf(path.join(dir, name));
      for (const value of values) expect([name, bytes.includes(value)]).toEqual([name, false]);
    }
  });
});

describe("the sandbox's own door", () => {
  it("rotate --sandbox needs nothing but the configuration, and leaves the real installation alone", async () => {
    const { dir } = await site.project();
    const left = await call({ dir }, "status", "--sandbox", "--json");
    expect([left.code, Object.keys(json(left))]).toEqual([0, ["secrets", "open"]]);
    expect(json(await call({ dir }, "runs", "--json"))).toMatchObject({ runs: [] });
  });

  it("[P3] is served on by the second terminal when the first one's process is killed", async () => {
    const { dir } = await site.project();
    const rotate = () => start({ dir }, "rotate", "heroku-api-key", "--yes", "--sandbox");
    const first = rotate();
    await first.until(/✓ {2}6 store/);
    // Slow until the second has come, however long that takes; and until it serves, nobody can be told otherwise.
    const { urls } = JSON.parse(readFileSync(path.join(dir, ".lockstep/sandbox/endpoint.json"), "utf8"));
    const latency = (latencyMs: number) =>
      fetch(`${urls.control}/settings`, {
        method: "PATCH",
        body: JSON.stringify({ latencyMs }),
        headers: { "content-type": "application/json", connection: "close" },
      });
    await latency(1_000);
    const second = rotate();
    await second.until(/Attached to/);
    first.signal("SIGKILL");
    await first.left;
    while (!(await latency(0).catch(() => undefined))?.ok) await sleep(20);
    const { code, out } = await second.left;
    expect(out).toMatch(/^Done in /m);
    expect(code).toBe(0);
  });
});

/** A file's bytes; none of a directory, nor of what the database removed since it was listed. */
function contentOf(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch {
    return Buffer.alloc(0);
  }
}

function never(): never {
  throw new Error("a command left nothing");
}

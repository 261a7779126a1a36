import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import path from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { place, stopped } from "../../src/engine/embedded/harness.ts";
import { openEmbedded } from "../../src/engine/embedded/server.ts";
import { alphanumeric } from "../../src/sandbox/random.ts";
import { plantOutside } from "./outside-plants.ts";
import type { Known } from "./search.ts";
import type { Leak } from "./sinks.ts";
import { type Stage, setStage } from "./stage.ts";

/** Every way of writing that the searcher must know. */
const WAYS: Readonly<Record<string, (value: Buffer) => string>> = {
  raw: (value) => value.toString(),
  "its first 12": (value) => value.toString().slice(0, 12),
  "its last 12": (value) => value.toString().slice(-12),
  base64: (value) => value.toString("base64"),
  "base64 after one": (value) => Buffer.concat([Buffer.from("x"), value]).toString("base64"),
  "base64 after two": (value) => Buffer.concat([Buffer.from("xy"), value]).toString("base64"),
  base64url: (value) => value.toString("base64url"),
  "base64 without padding": (value) => value.toString("base64").replace(/=+$/, ""),
  hex: (value) => value.toString("hex"),
  "upper-case hex": (value) => value.toString("hex").toUpperCase(),
  url: (value) => encodeURIComponent(value.toString()),
  percents: (value) => value.toString("hex").replace(/../g, "%$&"),
  json: (value) => JSON.stringify(value.toString()),
};

/** A value with characters that the forms write differently. */
const freshValue = () => {
  const text = (length: number) => alphanumeric(randomBytes, length);
  return Buffer.from(`${text(20)}"${text(5)}/${text(5)}ä${text(5)}~${text(20)}`);
};

interface Planted extends Known {
  readonly where: RegExp;
}
const planted: Planted[] = [];

/** One new value for each way of writing, written in that way, to be put into one place. */
function plants(where: RegExp): string {
  const lines = Object.entries(WAYS).map(([way, write]) => {
    const bytes = freshValue();
    planted.push({ name: `${way} in ${where.source}`, bytes, where });
    return write(bytes);
  });
  return lines.join("\n");
}

let stage: Stage;
let leaks: readonly Leak[];
const clean: Known[] = Array.from({ length: 200 }, (_, n) => ({ name: `clean ${n}`, bytes: freshValue() }));

beforeAll(async () => {
  stage = await setStage();
  expect((await stage.run(["doctor", "--sandbox"])).exit).toBe(0);
  await plantInDatabase();
  plantInFiles();
  plantOutside(stage.sandbox, plants);
  await plantInProcesses();
  leaks = await stage.leaks([...planted, ...clean]);
});
afterAll(() => stage.close());

async function plantInDatabase(): Promise<void> {
  const server = await openEmbedded(stage.home);
  const client = new pg.Client(server.url);
  client.on("error", () => {});
  await client.connect();
  const audit = (text: string) =>
    client.query("INSERT INTO lockstep.audit (action, actor, context) VALUES ('x', '{}', $1)", [
      JSON.stringify({ text }),
    ]);
  await audit(plants(/^table lockstep\.audit$/));
  // So long and uniform that the page compresses it: the table shows it, the files do not.
  await audit(`${" ".repeat(30_000)}${plants(/^table lockstep\.audit$/)}`);
  await plantForPeople(client);
  // The engine makes this table with its first run.
  await client.query("CREATE SCHEMA lockstep_engine");
  await client.query("CREATE TABLE lockstep_engine.parked (run text, executor text, why text, entry text)");
  const parked = "INSERT INTO lockstep_engine.parked (run, executor, why, entry) VALUES ($1, '', '', $2)";
  await client.query(parked, ["x", plants(/^table lockstep_engine\.parked$/)]);
  await client.query(parked, ["y", plants(/pg_wal\//)]);
  // A row that is gone from the table is still in its file.
  await client.query(parked, ["z", plants(/data\/base\//)]);
  await client.query("DELETE FROM lockstep_engine.parked WHERE run IN ('y', 'z')");
  await client.query(
    `DO $$ BEGIN RAISE WARNING '%', convert_from(decode('${Buffer.from(plants(/server\.log$/)).toString("base64")}', 'base64'), 'UTF8'); END $$`,
  );
  await client.end();
  await server.close();
  await stopped(server.dataDir);
}

/** What a run that needs people leaves: its plan, its task with an answer, messages, and a paste. */
async function plantForPeople(client: pg.Client): Promise<void> {
  const told = (where: RegExp) => JSON.stringify({ text: plants(where) });
  await client.query(
    `INSERT INTO lockstep.run (id, secret, flow, n, runbook, plan_hash, plan, reason, actor, tag)
     VALUES ('x.rotate.1', 'x', 'rotate', 1, 'x', 'x', $1, 'scheduled', '{}', 'ls-x')`,
    [told(/^table lockstep\.run$/)],
  );
  const task =
    "INSERT INTO lockstep.task (run, question, step, task, answer) VALUES ('x.rotate.1', $1, '', $2, $3)";
  await client.query(task, ["asked", told(/^table lockstep\.task$/), "{}"]);
  await client.query(task, ["answered", "{}", told(/^table lockstep\.task$/)]);
  await client.query(
    "INSERT INTO lockstep.notice (event, channel, address, kind, body, trouble) VALUES ('x', 'slack', 'x', 'x', $1, $2)",
    [told(/^table lockstep\.notice$/), told(/^table lockstep\.notice$/)],
  );
  await client.query(
    `INSERT INTO lockstep.sealed (id, run, secret, purpose, fingerprints, kid, value)
     VALUES (gen_random_uuid(), 'x.rotate.1', 'x', 'pasted/asked', '{}', 'k', $1)`,
    [plants(/^table lockstep\.sealed$/)],
  );
}

function plantInFiles(): void {
  writeFileSync(path.join(stage.home, "endpoint.json.old"), plants(/sandbox\/endpoint\.json\.old$/));
  writeFileSync(path.join(stage.root, "core.4711"), Buffer.from(`\0\x7fELF\0${plants(/core\.4711$/)}\0`));
  mkdirSync(path.join(stage.root, "..", "user", "deep", "er"), { recursive: true });
  writeFileSync(
    path.join(stage.root, "..", "user", "deep", "er", ".history"),
    plants(/^user\/deep\/er\/\.history$/),
  );
  const named = {
    name: "raw in a name",
    bytes: Buffer.from(alphanumeric(randomBytes, 40)),
    where: /name of a sink/,
  };
  const linked = {
    name: "raw in a link",
    bytes: Buffer.from(alphanumeric(randomBytes, 40)),
    where: /a-link$/,
  };
  planted.push(named, linked);
  writeFileSync(path.join(stage.root, `${named.bytes}.txt`), "");
  symlinkSync(`/nowhere/${linked.bytes}`, path.join(stage.root, "a-link"));
}

async function plantInProcesses(): Promise<void> {
  const write = "process.stdout.write(process.env.OUT); process.stderr.write(process.env.ERR);";
  const files = "require('fs').writeFileSync(require('os').tmpdir() + '/left', process.env.TMP)";
  const env = {
    OUT: plants(/^stdout of a child$/),
    ERR: plants(/^stderr of a child$/),
    TMP: plants(/^tmp\/left$/),
  };
  await stage.run(["a", "child"], { node: ["-e", write + files], env });
  // The source lies elsewhere; what the cache keeps of it lies in the temporary directory.
  const source = path.join(place(), "source.cjs");
  writeFileSync(source, `module.exports = ${JSON.stringify(plants(/^tmp\/node-compile-cache/))}`);
  const compile = `require('module').enableCompileCache(); require(${JSON.stringify(source)})`;
  await stage.run(["b"], { node: ["-e", compile] });
  const idle = "setInterval(() => {}, 1_000)";
  const called = stage.start([plants(/^process arguments$/)], { node: ["-e", idle, "--"] });
  const server = spawn(process.execPath, ["-e", idle, "--", path.dirname(stage.root)], {
    argv0: "postgres",
    env: { GIVEN: plants(/^environment of the database server$/) },
    stdio: "ignore",
  });
  const gone = new Promise((done) => server.once("close", done));
  await stage.looked();
  called.process.kill();
  server.kill();
  await Promise.all([called.ended, gone]);
}

describe("[P7] a leak that was planted is found", () => {
  const places = [
    "^table lockstep\\.audit$",
    "^table lockstep_engine\\.parked$",
    "^table lockstep\\.run$",
    "^table lockstep\\.task$",
    "^table lockstep\\.notice$",
    "^table lockstep\\.sealed$",
    "^slack messages$",
    "^mail messages$",
    "^github runs$",
    "^vault claims$",
    "^vault folders, comments and metadata$",
    "^heroku descriptions$",
    "^requests as vendors log them$",
    "pg_wal\\/",
    "data\\/base\\/",
    "server\\.log$",
    "sandbox\\/endpoint\\.json\\.old$",
    "core\\.4711$",
    "^user\\/deep\\/er\\/\\.history$",
    "^tmp\\/left$",
    "^tmp\\/node-compile-cache",
    "^stdout of a child$",
    "^stderr of a child$",
    "^process arguments$",
    "^environment of the database server$",
    "name of a sink",
    "a-link$",
  ];

  it.each(places)("[P7] in %s, in every way of writing", (place) => {
    const here = planted.filter((one) => one.where.source === place);
    const missed = here.filter(
      (one) => !leaks.some((leak) => leak.known === one.name && one.where.test(leak.sink)),
    );
    expect(missed.map((one) => one.name)).toEqual([]);
    expect(here.length).toBeGreaterThan(0);
  });

  it("[P7] and nothing is found that was not planted", () => {
    expect(leaks.filter((leak) => leak.known.startsWith("clean"))).toEqual([]);
    expect(new Set(planted.map((one) => one.where.source))).toEqual(new Set(places));
  });

  it("[P7] a report of leaks holds no value", () => {
    const report = JSON.stringify(leaks);
    expect(planted.filter((one) => report.includes(one.bytes.toString("latin1")))).toEqual([]);
  });
});

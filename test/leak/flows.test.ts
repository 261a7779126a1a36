import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Ended, type Stage, setStage } from "./stage.ts";
import { known } from "./values.ts";

const SECRET = "heroku-api-key";
/** A key that no copy holds. */
const UNUSED = "73f5fe49-b802-4c5d-9e17-46d3a0c8f2b1";
let stage: Stage;
beforeAll(async () => {
  stage = await setStage();
});
afterAll(() => stage.close());

/** Runs commands, given as they are typed, two at a time. */
async function runAll(...lines: readonly string[]): Promise<Ended[]> {
  const left = [...lines.entries()];
  const ended: Ended[] = [];
  const work = async () => {
    for (let next = left.shift(); next; next = left.shift())
      ended[next[0]] = await stage.run([...next[1].split(" "), "--sandbox"]);
  };
  await Promise.all([work(), work()]);
  return ended;
}

const exits = (all: readonly Ended[]) => all.map((one) => one.exit);

describe("[HK-12] flows without faults", () => {
  it("[HK-12] commands that look, and commands that fail, leave no value anywhere", async () => {
    expect(exits([await stage.run(["doctor", "--json", "--sandbox"])])).toEqual([0]);
    const fine = await runAll(`plan ${SECRET}`, "status --json", "runs", "keys list", `test ${SECRET}`);
    expect(exits(fine)).toEqual(fine.map(() => 0));
    const failing = await runAll(`rotate ${SECRET}`, "show nothing.rotate.1", "nonsense --json");
    expect(exits(failing)).toEqual([2, 2, 2]);
    expect(await stage.leaks()).toEqual([]);
  });

  it("[HK-12] a rotation, watched and read back in every form, leaves no value anywhere", async () => {
    const rotating = stage.start(["rotate", SECRET, "--yes", "--sandbox"]);
    await rotating.said(/\d propagate/);
    const during = await runAll(`show ${SECRET}.rotate.1`, `show ${SECRET}.rotate.1 --json`);
    expect((await rotating.ended).exit).toBe(0);
    const after = await runAll(
      "status",
      "runs --json",
      `show ${SECRET}.rotate.1`,
      `audit ${SECRET}.rotate.1`,
      "audit --json",
      "audit --log",
    );
    expect(exits([...during, ...after])).toEqual([...during, ...after].map(() => 0));
    expect(await stage.leaks()).toEqual([]);
  });

  it("[HK-12] a rotation by a worker, as JSON and with LOCKSTEP_DEBUG, and a new key for the ring, leave no value anywhere", async () => {
    const worker = stage.start(["worker", "--sandbox"]);
    await worker.said("is ready");
    const rotated = await stage.run(["rotate", SECRET, "--yes", "--json", "--sandbox"], {
      env: { LOCKSTEP_DEBUG: "1" },
    });
    expect([rotated.exit, JSON.parse(rotated.stdout).status]).toEqual([0, "completed"]);
    worker.process.kill("SIGTERM");
    expect((await worker.ended).exit).toBe(0);
    expect(exits(await runAll("keys rotate"))).toEqual([0]);
    expect(await stage.leaks()).toEqual([]);
  });

  it("[P7] a rotation that is killed holds its values sealed, and goes on", async () => {
    const rotating = stage.start(["rotate", SECRET, "--yes", "--sandbox"]);
    await rotating.said(/\d soak/);
    rotating.process.kill("SIGKILL");
    await rotating.ended;
    const sinks = await stage.sinks();
    const sealed = sinks.find((one) => one.name === "table lockstep.sealed")?.bytes.toString() ?? "";
    // Both values are there, so that finding none shows that sealing hides them.
    const purposes = sealed.split("\n").map((row) => /,(old|pending),/.exec(row)?.[1]);
    // A table has no order: a row may come to lie where one was deleted.
    expect(purposes.sort()).toEqual(["old", "pending"]);
    expect(await stage.leaks()).toEqual([]);
    expect(exits(await runAll(`rotate ${SECRET}`))).toEqual([0]);
    expect(await stage.leaks()).toEqual([]);
  });

  it("[P7] what looks at copies, ends a key, closes an interlock, or freezes all, leaves no value anywhere", async () => {
    const looks = await runAll(`verify ${SECRET}`, `impact ${SECRET}`, `adopt ${SECRET} --yes`);
    expect(exits(looks)).toEqual([0, 0, 0]);
    const why = ["--because", "a search for values", "--yes", "--sandbox"];
    const turns = [
      ["revoke", SECRET, "--id", UNUSED, "--yes", "--json", "--sandbox"],
      ["interlock", "close", "live-trading", ...why],
      ["freeze", "--all", ...why.slice(0, 2), "--sandbox"],
      ["freeze", "--lift", "--sandbox"],
      ["interlock", "open", "live-trading", ...why],
      ["interlock", "status", "--json", "--sandbox"],
    ];
    for (const words of turns) expect([words, (await stage.run(words)).exit]).toEqual([words, 0]);
    expect(await stage.leaks()).toEqual([]);
  });

  it("[P7] the places that were searched hold the flows: what is no secret is found there", async () => {
    const { heroku } = stage.sandbox.control.truth();
    const words = heroku.authorizations.slice(-3).map((one) => known(`id ${one.id}`, one.id));
    expect(heroku.authorizations.slice(-3).map((one) => one.alive)).toEqual([false, false, true]);
    const places = (await stage.leaks(words)).map((one) => one.sink);
    for (const place of [
      /^table lockstep\.audit/,
      /^table lockstep\.generation/,
      /^project.*\/data\/base\//,
      /pg_wal\//,
    ])
      expect(
        places.some((sink) => place.test(sink)),
        String(place),
      ).toBe(true);
    expect(places.some((sink) => sink.startsWith("stdout of rotate"))).toBe(true);
    const names = (await stage.sinks()).map((one) => one.name);
    for (const name of ["process arguments", "project/.lockstep/sandbox/endpoint.json"])
      expect(names).toContain(name);
    for (const part of [
      "server.log",
      "node-compile-cache",
      "table dbos.operation_outputs",
      "stderr of worker",
    ])
      expect(
        names.some((name) => name.includes(part)),
        part,
      ).toBe(true);
  });
});

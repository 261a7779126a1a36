import { describe, expect, it } from "vitest";
import { expectKeptPromises, held, isAlive, livingOf, MINT, OLD, storeWrites } from "./expectations.ts";
import { Died, type Life } from "./life.ts";
import { SECRET, world } from "./world.ts";

describe("[P11] a database that was restored from before", () => {
  it("knows nothing of the run that created the vault's key: no effect until it is adopted", async () => {
    const w = await world();
    const first = w.run();
    expect(await first.go()).toEqual({ status: "completed" });
    const [fresh = ""] = livingOf(w, first);
    const [generation] = w.memory.generations.filter(({ state }) => state === "current");
    for (const part of [w.memory.generations, w.memory.rotations, w.memory.audit]) part.splice(0);
    const writes = w.writes().length;
    const second = w.run();
    expect(await second.go()).toMatchObject({ status: "failed", trouble: { code: "RECORD_OLDER" } });
    expect(w.writes()).toHaveLength(writes);
    expect(isAlive(w, fresh)).toBe(true);
    // What `adopt` puts on record.
    if (generation) w.memory.generations.push(generation);
    expect(await w.run().go()).toEqual({ status: "completed" });
    expect(isAlive(w, fresh)).toBe(false);
  });

  it("has forgotten that this run has created a key: it is neither used nor ended, but owed", async () => {
    const w = await world();
    const run = w.run();
    let life: Life | undefined;
    const hooks = {
      born: (born: Life) => {
        life = born;
      },
      recorded: (key: string) => {
        if (key === "validate/act/1") life?.die();
      },
    };
    await expect(run.go(hooks)).rejects.toThrow(Died);
    const [stray = ""] = livingOf(w, run);
    const before = [...run.kept.slots].find(([, { key }]) => key.startsWith("mint/"))?.[0] ?? 0;
    for (const at of [...run.kept.slots.keys()]) if (at >= before) run.kept.slots.delete(at);
    w.memory.audit.splice(w.memory.audit.findIndex(({ step }) => step === "mint"));
    w.memory.sealed.splice(
      0,
      w.memory.sealed.length,
      ...w.memory.sealed.filter(({ purpose }) => purpose === "old"),
    );
    expect(await run.go()).toMatchObject({ status: "failed", trouble: { code: "RECORD_OLDER" } });
    expect(livingOf(w, run)).toEqual([stray]);
    expect([...w.memory.owed.values()]).toMatchObject([
      { secret: SECRET, next: `lockstep revoke ${SECRET} --id ${stray}    if nothing uses it` },
    ]);
    expect(
      w.writes().filter(({ method, path }) => method === MINT.method && path === MINT.route),
    ).toHaveLength(1);
    expect(storeWrites(w)).toEqual([]);
    expect(new Set(Object.values(held(w)))).toEqual(new Set([OLD]));
    expectKeptPromises(w, run);
  });
});

it("[P3] a run that gives up while the vault holds somebody's other key ends, and leaves its own as a finding", async () => {
  const w = await world({ unguarded: true });
  const run = w.run();
  const { act } = w.sandbox.control;
  const { id = "" } = act({ act: "create-authorization", description: "by hand", scope: ["global"] });
  const recorded = (key: string) => {
    if (key !== "mint/act/1") return;
    const place = { key: "HEROKU_API_KEY", environment: "prod", path: "/MooseQuest/heroku" };
    act({ act: "set-vault-secret", ...place, value: { authorization: id } });
    run.cancel();
  };
  expect(await run.go({ recorded })).toMatchObject({ status: "cancelled" });
  const [stray = ""] = livingOf(w, run);
  expect([...w.memory.owed.keys()]).toEqual([`${SECRET}/stray/${stray}`]);
  expect([isAlive(w, id), isAlive(w, OLD)]).toEqual([true, true]);
  expect(w.memory.sealed).toEqual([]);
});

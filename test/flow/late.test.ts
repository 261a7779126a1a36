import { describe, expect, it } from "vitest";
import { followingSnapshot } from "../../src/app/follow-up.ts";
import { Secret } from "../../src/core/secret-value.ts";
import type { Followed } from "../../src/core/snapshot.ts";
import { fingerprinter } from "../../src/sealing/fingerprint.ts";
import { isAlive, livingOf, MINT, OLD } from "./expectations.ts";
import { type Run, SECRET, type World, world } from "./world.ts";

/** A run whose mint was lost, and that has ended. */
async function afterLostMint(): Promise<{ w: World; run: Run }> {
  const w = await world();
  w.sandbox.control.addFault({ ...MINT, kind: "lost-reply", count: 1 });
  const run = w.run();
  expect(await run.go()).toEqual({ status: "completed" });
  return { w, run };
}

function follow(w: World, run: Run, held: Followed["held"]): Run {
  const mintedAt = w.memory.audit.find((one) => one.step === "mint")?.at ?? "";
  const follows = { run: run.id, tag: run.tag, mintedAt, ...(held && { held }) };
  expect(followingSnapshot(run.plan.snapshot, follows)).toMatchObject({ flow: "follow-up", follows });
  return w.run({ flow: "follow-up", request: { follows } });
}

const land = (w: World, run: Run): string =>
  w.sandbox.control.act({
    act: "create-authorization",
    description: `raxx-ci-rotation-2026-11 ${run.tag}`,
    scope: ["global"],
  }).id ?? "";

describe("late duplicates", () => {
  it("[HK-13] a mint whose outcome was unknown is followed up; one that went well is not", async () => {
    const { w, run } = await afterLostMint();
    expect([...w.memory.followUps]).toEqual([run.id]);
    const fine = await world();
    expect(await fine.run().go()).toEqual({ status: "completed" });
    expect(fine.memory.followUps.size).toBe(0);
  });

  it("[HK-13] what lands late is ended by exact id at the next look, and what the vault holds stays", async () => {
    for (const at of ["late/2min", "late/15min", "late/24h"]) {
      const { w, run } = await afterLostMint();
      const [fresh = ""] = livingOf(w, run);
      const after = follow(w, run, { id: fresh, fingerprints: currentOf(w) });
      let late = "";
      const before: Record<string, string> = {
        "late/15min": "late/2min/prove/1",
        "late/24h": "late/15min/prove/1",
      };
      const stand = await after.go({
        recorded: (key) => {
          if (key === (before[at] ?? "start")) late = land(w, run);
        },
      });
      expect(stand).toEqual({ status: "completed" });
      expect(isAlive(w, late)).toBe(false);
      expect(isAlive(w, fresh)).toBe(true);
      expect(after.step(at)?.says).toMatch(/1 late duplicate ended/);
      expect(w.broken).toEqual([]);
    }
  });

  it("[HK-13] looks 2 min, 15 min and 24 h after the mint, whatever happened meanwhile", async () => {
    const { w, run } = await afterLostMint();
    const minted = w.memory.audit.find((one) => one.run === run.id && one.step === "mint")?.at ?? "";
    const after = follow(w, run, undefined);
    expect(await after.go()).toEqual({ status: "completed" });
    expect(after.step("late/2min")?.state).toBe("done");
    expect(w.clock.now() - Date.parse(minted)).toBeGreaterThanOrEqual(24 * 3_600_000);
    expect(w.clock.now() - Date.parse(minted)).toBeLessThan(24 * 3_600_000 + 60_000);
  });

  it("[HK-13] while it cannot be told what the vault holds nothing is ended; at the last look that is a finding", async () => {
    const { w, run } = await afterLostMint();
    const [fresh = ""] = livingOf(w, run);
    w.memory.generations.splice(0);
    const after = follow(w, run, undefined);
    expect(await after.go()).toMatchObject({ status: "failed", trouble: { code: "DUPLICATE_UNCLEAR" } });
    expect(isAlive(w, fresh)).toBe(true);
    expect([...w.memory.owed.keys()]).toEqual([`${SECRET}/late/${run.tag}`]);
  });

  it("[HK-13] after a run that walked back everything of its tag is a duplicate", async () => {
    const { w, run } = await afterLostMint();
    const [fresh = ""] = livingOf(w, run);
    const other = w.run();
    const late = land(w, other);
    const after = follow(w, other, { id: fresh, fingerprints: currentOf(w) });
    expect(await after.go()).toEqual({ status: "completed" });
    expect(isAlive(w, late)).toBe(false);
    expect(isAlive(w, fresh)).toBe(true);
    expect(isAlive(w, OLD)).toBe(false);
  });

  it("[P1][P2][X-11] the run's own key is no duplicate, also once the vault holds another one that was adopted", async () => {
    const { w, run } = await afterLostMint();
    const [fresh = ""] = livingOf(w, run);
    const after = follow(w, run, { id: fresh, fingerprints: currentOf(w) });
    let late = "";
    const stand = await after.go({
      recorded: (key) => {
        if (key === "late/15min/act/1") {
          late = land(w, run);
          adoptAnother(w);
        }
      },
    });
    expect(stand).toEqual({ status: "completed" });
    expect(isAlive(w, fresh)).toBe(true);
    expect(isAlive(w, late)).toBe(false);
  });
});

/** Somebody puts another key into the vault, and adopts it; the copies still hold the one before. */
function adoptAnother(w: World): void {
  const { control } = w.sandbox;
  const id = control.act({ act: "create-authorization", description: "by hand", scope: ["global"] }).id ?? "";
  const place = { environment: "prod", path: "/MooseQuest/heroku", key: "HEROKU_API_KEY" } as const;
  control.act({ act: "set-vault-secret", ...place, value: { authorization: id } });
  const fingerprints = fingerprinter(w.ring)({ token: Secret.of(control.estate().heroku.tokens[id] ?? "") });
  const i = w.memory.generations.findIndex((one) => one.state === "current");
  const [before] = w.memory.generations.splice(i, 1);
  if (!before) throw new Error("nothing was on record");
  const adopted = { ...before, credential: { ...before.credential, id }, fingerprints };
  w.memory.generations.push({ ...before, state: "previous" }, adopted);
}

function currentOf(w: World) {
  return w.memory.generations.find((one) => one.state === "current")?.fingerprints ?? {};
}

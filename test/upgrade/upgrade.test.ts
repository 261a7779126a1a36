import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { planOf } from "../../src/app/run-input.ts";
import { RUNBOOKS } from "../../src/app/runbooks.ts";
import { ACTOR } from "../flow/world.ts";
import { CASES, type UpgradeCase } from "./cases.ts";
import { FOLDER, fileOf, type Golden, readGoldens } from "./golden.ts";
import { PACKAGE, recordAll, recorded } from "./record.ts";
import { advice, planDifferences, planIn, stopsOf, takenOver } from "./resume.ts";
import { readRows } from "./rows.ts";
import { hiding } from "./values.ts";

if (process.env["LOCKSTEP_RECORD_GOLDENS"] === "1") await recordAll(CASES);

const goldens = readGoldens();

/** What looks like the value of a simulated vendor. */
const VALUE = /(HRKU-|github_pat_)\w|[A-Za-z0-9+/]{41}/;

function caseOf({ runbook, name }: Golden): UpgradeCase {
  const found = CASES.find((one) => one.runbook === runbook && one.name === name);
  if (!found)
    throw new Error(`test/upgrade/cases.ts no longer says what happened in "${name}" of ${runbook}`);
  return found;
}

it("[P11] every runbook that a run may carry has a golden, and every one that has a golden is still there", () => {
  const recordedOnes = new Set(goldens.map(({ runbook }) => runbook));
  expect([...recordedOnes].sort(), "released runbooks stay in src/app/runbooks.ts").toEqual(
    Object.keys(RUNBOOKS).sort(),
  );
});

describe.each(goldens.map((golden) => [fileOf(golden), golden] as const))("%s", (file, golden) => {
  it("[P10] its plan is the one that was shown", () => {
    expect(planDifferences(golden), advice(golden, PACKAGE)).toEqual([]);
    const { snapshot, runbook, hash: planHash } = planIn(golden);
    const input = { snapshot, runbook, planHash, tag: golden.run.tag, actor: ACTOR };
    expect(planOf(input).hash).toBe(planHash);
  });

  it("[P1][P2][P3][P4][P9][P11] is carried on from wherever it stopped, and ends as it did", async () => {
    const wrong: string[] = [];
    for (const stop of stopsOf(golden)) {
      const at = `${stop.lost ? "inside" : "before"} ${golden.entries[stop.recorded]?.key ?? "the end"}`;
      const found = await takenOver(golden, caseOf(golden), stop);
      wrong.push(...found.map((what) => `${at}: ${what}`));
    }
    expect(wrong, advice(golden, PACKAGE)).toEqual([]);
  });

  it("[P7] holds no value, and what the program kept not even a label of one", () => {
    const text = readFileSync(path.join(FOLDER, file), "utf8");
    const { world: _world, entries, ...rest } = golden;
    const kept = entries.map(({ key, answer, changes }) => [
      key,
      answer,
      changes.filter(([[where]]) => where === "record"),
    ]);
    expect(() => hiding(golden.values).hiddenFingerprints(text)).not.toThrow();
    expect(VALUE.exec(text)?.[0]).toBeUndefined();
    expect(JSON.stringify([kept, rest])).not.toContain("{{value");
  });
});

it("[P7] no value is in what the durable engine kept of a run", () => {
  for (const run of readRows()) expect(VALUE.exec(JSON.stringify(run))?.[0]).toBeUndefined();
});

describe("the recorder", () => {
  const [looked] = CASES.filter(({ runbook }) => runbook === "test@1");

  it("records the same every time", async () => {
    const first = await recorded(looked as UpgradeCase);
    expect(await recorded(looked as UpgradeCase)).toEqual(first);
  });

  it("[P7] records nothing in which the program has kept a value", () => {
    const hides = hiding();
    hides.know(["a-value-of-the-sandbox"]);
    const record = { audit: [{ says: "the key is a-value-of-the-sandbox" }] };
    expect(() => hides.hiddenFingerprints(record)).toThrow("P7");
    expect(hides.hidden(record)).toEqual({ audit: [{ says: "the key is {{value 0}}" }] });
  });
});

import { readFileSync } from "node:fs";
import { runbookFor } from "../../src/app/runbooks.ts";
import { snapshotOf } from "../../src/app/snapshot.ts";
import { compile, type Plan } from "../../src/core/plan.ts";
import { instantOf } from "../../src/core/time.ts";
import { runTag } from "../../src/db/runs.ts";
import { emptyRecord } from "../flow/memory-journal.ts";
import { claimAll, INSTALLATION, SECRET } from "../flow/world.ts";
import type { Run } from "../simulation/crew.ts";
import { groundOf } from "../simulation/estate.ts";
import type { UpgradeCase } from "./cases.ts";
import { endOf } from "./end.ts";
import { type Golden, type GoldenEntry, writeGolden } from "./golden.ts";
import { openStage } from "./stage.ts";
import { changesBetween, type Tree, treeOf } from "./tree.ts";
import { hiding, type ValueShape } from "./values.ts";
import { read, written } from "./world.ts";

const START = Date.UTC(2026, 10, 21, 8, 30);

/** The version of the package that these tests belong to. */
export const PACKAGE: string = JSON.parse(
  readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
).version;

/** Records a golden of each runbook that runs start with today; those of earlier versions of the package stay as they are. */
export async function recordAll(cases: readonly UpgradeCase[]): Promise<void> {
  for (const one of cases) if (runbookFor(one).name === one.runbook) writeGolden(await recorded(one));
}

/** Carries a case out, and records it. The same code records the same, byte for byte. */
export async function recorded(one: UpgradeCase): Promise<Golden> {
  const configuration = configurationOf(one);
  const { world: begun, shapes } = await firstDay(one);
  const hides = hiding(shapes);
  const entries: GoldenEntry[] = [];
  let before = begun;
  const stage = await openStage({
    configuration,
    from: await read(begun, shapes),
    decisions: one.decisions ?? [],
    seed: 1,
    recorded: (run) => {
      const last = [...run.kept.slots].at(-1);
      if (!last || run !== stage.crew.runs[0]) return;
      const [position, { key, text }] = last;
      const after = written(stage.world(), hides, INSTALLATION);
      const answer = hides.hiddenFingerprints(JSON.parse(text) as Tree);
      entries.push({ position, key, answer, changes: changesBetween(before, after) });
      before = after;
      one.happens?.[key]?.(stage);
    },
  });
  try {
    const now = instantOf(START);
    const { flow, supplied } = one;
    const ask = {
      secret: SECRET,
      flow,
      reason: "scheduled",
      now,
      ...(supplied && { supplied }),
      ...one.asks?.(stage),
    } as const;
    const plan = compile(runbookFor(ask), snapshotOf(stage.config, ask));
    const id = `${SECRET}.${ask.flow}.1`;
    const run: Run = { id, tag: runTag(INSTALLATION, id), plan, kept: emptyRecord(), done: false };
    stage.crew.resume(run);
    const how = await stage.play();
    if (how !== "over" || run.fault !== undefined)
      throw new Error(`${one.name} is ${how}: ${run.fault ?? "no fault"}`);
    return {
      recordedBy: PACKAGE,
      name: one.name,
      runbook: plan.runbook,
      configuration,
      run: { id, tag: run.tag, plan: hides.hiddenFingerprints(treeOf(plan)) as unknown as Plan },
      values: hides.shapes,
      world: begun,
      entries,
      end: endOf(stage, run),
    };
  } finally {
    stage.close();
  }
}

/** The estate as the run will find it. It begins with values that are made up from labels, like any process that goes on with it. */
async function firstDay(one: UpgradeCase): Promise<{ world: Tree; shapes: readonly ValueShape[] }> {
  const from = { at: START, estate: groundOf(one.size).estate };
  const given = { configuration: configurationOf(one), from, decisions: [], seed: 1 };
  const stage = await openStage({ ...given, recorded: () => {} });
  try {
    claimAll(stage.sandbox, stage.config, INSTALLATION);
    one.before?.(stage);
    const hides = hiding();
    return { world: written(stage.world(), hides, INSTALLATION), shapes: hides.shapes };
  } finally {
    stage.close();
  }
}

/** Consumers are watched for a shorter time than the example's two minutes: most requests of a run would be looks at them. */
function configurationOf({ size }: UpgradeCase): unknown {
  const { written: example } = groundOf(size);
  const { [SECRET]: secret, ...others } = example.secrets;
  return { ...example, secrets: { [SECRET]: { ...secret, steady: "15s" }, ...others } };
}

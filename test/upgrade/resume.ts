import { RUNBOOKS } from "../../src/app/runbooks.ts";
import type { Key } from "../../src/core/journal.ts";
import { compile, type Plan } from "../../src/core/plan.ts";
import { emptyRecord } from "../flow/memory-journal.ts";
import type { Run } from "../simulation/crew.ts";
import type { UpgradeCase } from "./cases.ts";
import { endOf } from "./end.ts";
import { type End, fileOf, type Golden, type GoldenEntry } from "./golden.ts";
import { openStage } from "./stage.ts";
import { changed, changesBetween, isNamed, type Tree, treeOf } from "./tree.ts";
import { shown } from "./values.ts";
import { read } from "./world.ts";

/** Where the old version stopped. */
export interface Stop {
  /** So many entries are in the journal. */
  readonly recorded: number;
  /** It also ran the body of the next one, and died before that was recorded. */
  readonly lost: boolean;
}

/** Every place at which the old version may have stopped; inside an entry only where that left more than a note. */
export function stopsOf({ entries }: Golden): readonly Stop[] {
  return [...entries, undefined].flatMap((next, recorded) => [
    { recorded, lost: false },
    ...(next && leavesSomething(next) ? [{ recorded, lost: true }] : []),
  ]);
}

function leavesSomething(entry: GoldenEntry): boolean {
  const changes = entry.changes.filter(
    ([[where, part, what]]) =>
      (where === "vendors" && !COUNTERS.has(String(what))) ||
      (where === "record" && !NOTES.has(String(part))) ||
      where === "sealed",
  );
  return changes.length > 0 || messageIn(entry) !== undefined;
}

const COUNTERS = new Set(["pool", "rate", "tokens"]);
const NOTES = new Set(["runs", "steps", "audit", "tried", "escalations"]);

/** The plan that was stored with the run. */
export function planIn({ run: { plan }, values }: Golden): Plan {
  return filled<Plan>(plan, values);
}

/** What the present code makes of the plan that was stored, where it is not the same. */
export function planDifferences(golden: Golden, runbooks = RUNBOOKS): readonly string[] {
  const { snapshot, hash, steps, runbook } = planIn(golden);
  const now = runbooks[runbook];
  if (!now) return [`there is no ${runbook} any more`];
  const compiled = compile(now, snapshot);
  if (compiled.hash === hash) return [];
  const length = Math.max(steps.length, compiled.steps.length);
  const differs = Array.from(
    { length },
    (_, i) => [i + 1, text(steps[i]), text(compiled.steps[i])] as const,
  ).find(([, before, after]) => before !== after);
  if (!differs)
    return [`the plan's hash was ${hash} and is ${compiled.hash}, although its lines are the same`];
  const [line, before, after] = differs;
  return [`line ${line} of the plan was ${before} and is ${after}`];
}

/** Lets the present code go on with the recorded run from there; answers with what is not as it was recorded. */
export async function takenOver(
  golden: Golden,
  one: UpgradeCase,
  stop: Stop,
  runbooks = RUNBOOKS,
): Promise<readonly string[]> {
  const { entries, values, run: stored } = golden;
  const known = entries.slice(0, stop.recorded);
  const next = stop.lost ? entries[stop.recorded] : undefined;
  const world = worldAfter(golden, known.length + (next ? 1 : 0));
  const message = next && messageIn(next);
  const said = next && message ? [...known, next] : known;
  const decided = said.filter((entry) => choiceIn(entry) !== undefined).length;
  const stage = await openStage({
    configuration: golden.configuration,
    from: await read(world, values),
    decisions: (one.decisions ?? []).slice(decided),
    seed: 2 + stop.recorded,
    watched: one.flow === "rotate" ? planIn(golden) : undefined,
    runbooks,
    recorded: (run) => {
      const last = [...run.kept.slots.values()].at(-1);
      if (last && run === stage.crew.runs[0]) one.happens?.[last.key]?.(stage);
    },
  });
  try {
    const run: Run = { ...stored, plan: planIn(golden), kept: emptyRecord(), done: false };
    for (const { position, key, answer } of known)
      run.kept.slots.set(position, { key, text: JSON.stringify(filled(answer, values)) });
    if (next && message) run.kept.messages.set(next.key, [filled(message, values)]);
    if (!next) one.happens?.[known.at(-1)?.key ?? ""]?.(stage);
    stage.crew.resume(run);
    const how = await stage.play();
    if (run.fault !== undefined) return [firstLine(run.fault)];
    if (how !== "over") return [`it neither ends nor waits (${how})`];
    stage.oracle?.rested(run);
    stage.oracle?.over();
    return [
      ...keyDifferences(
        entries,
        [...run.kept.slots].map(([position, { key }]) => ({ position, key })),
      ),
      ...endDifferences(golden.end, endOf(stage, run)),
      ...(stage.oracle?.violations ?? []),
    ];
  } finally {
    stage.close();
  }
}

/** What to do about it. */
export function advice(golden: Golden, released: string): string {
  const { runbook, recordedBy } = golden;
  const [name, version] = runbook.split("@");
  return [
    `${fileOf(golden)}: runs of ${runbook} that ${recordedBy} began are not carried on as they were planned.`,
    `A released runbook is frozen: make ${name}@${Number(version) + 1} for the change, and let ${runbook} stay as it was in src/app/runbooks.ts.`,
    recordedBy === released
      ? `Where ${recordedBy} is not released yet: LOCKSTEP_RECORD_GOLDENS=1 vitest run test/upgrade records it anew.`
      : `A golden of an earlier release is never recorded anew.`,
  ].join("\n");
}

/** How everything stood after so many entries. */
function worldAfter({ world, entries }: Golden, count: number): Tree {
  return entries.slice(0, count).reduce((before, { changes }) => changed(before, changes), world);
}

function endDifferences(before: End, now: End): readonly string[] {
  const changes = changesBetween(treeOf(before), treeOf(now));
  return changes.map(([path, value]) => `at the end ${path.join(" ")} is ${text(value)}`);
}

function keyDifferences(
  before: readonly Pick<GoldenEntry, "position" | "key">[],
  now: readonly Pick<GoldenEntry, "position" | "key">[],
): readonly string[] {
  const was = keysOf(before);
  const is = keysOf(now);
  const length = Math.max(was.length, is.length);
  const at = Array.from({ length }, (_, i) => i).find((i) => was[i] !== is[i]);
  if (at === undefined) return [];
  return [`entry ${at + 1} of the journal was ${was[at] ?? "none"} and is ${is[at] ?? "none"}`];
}

function keysOf(entries: readonly Pick<GoldenEntry, "position" | "key">[]): readonly Key[] {
  return entries.toSorted((a, b) => a.position - b.position).map(({ key }) => key);
}

/** What a person said, where the entry records that. */
function messageIn({ key, answer }: GoldenEntry): Tree | undefined {
  const message = /^(decision|task)\//.test(key) && isNamed(answer) ? answer["value"] : undefined;
  return isNamed(message) ? message : undefined;
}

function choiceIn(entry: GoldenEntry): Tree | undefined {
  const message = messageIn(entry);
  return isNamed(message) ? message["choice"] : undefined;
}

function filled<T>(tree: unknown, values: Golden["values"]): T {
  return shown(tree as Tree, values) as unknown as T;
}

const text = (data: unknown): string => JSON.stringify(data) ?? "none";
const firstLine = (fault: string): string => fault.split("\n")[0] ?? fault;

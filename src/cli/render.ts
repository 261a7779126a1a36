import type { Plan, PlanStep } from "../core/plan.ts";
import type { RunRecord, StepRecord } from "../core/record.ts";
import { shellWord } from "../core/shell.ts";
import { copiesOf, type Snapshot } from "../core/snapshot.ts";
import { between, durationText, type Instant } from "../core/time.ts";
import { hanging, table } from "./layout.ts";
import { durationOfRun } from "./run-text.ts";

/** The heading of everything about one secret; production is shouted. */
export function heading(secret: string, environment: string, target: string): string {
  return `${environment === "production" ? "PRODUCTION" : environment}  ${secret}  ${target}`;
}

/** A plan as people read it (terminal.md). */
export function planText(plan: Plan): string {
  const { snapshot, steps } = plan;
  const last = steps.findIndex((step) => step.pointOfNoReturn) + 1;
  const rows = steps.map((step, i) => [
    ` ${mark(step)} ${String(i + 1).padStart(3)}`,
    shortId(step.id),
    step.says,
  ]);
  const conditional = conditionalLines(steps);
  const known = snapshot.issuer.known.length;
  return [
    heading(snapshot.secret, snapshot.environment, snapshot.issuer.target),
    hanging(`Rotate, ${snapshot.reason}, by ${plan.runbook}. ${overlapText(plan, last)}`, 0),
    "",
    table(rows),
    "",
    "Besides, only where it is needed:",
    ...conditional,
    "",
    `Left alone: ${known} authorization${known === 1 ? "" : "s"} declared as belonging to others`,
    hanging(`Proof: ${grades(steps)}`, 2),
    ...remarkLines(snapshot),
    hanging(`Calls: ${callsText(plan)}. ${undoable(steps)}`, 2),
    `Plan ${plan.hash}. To run exactly this:`,
    `  ${exactCommand(plan)}`,
  ].join("\n");
}

function callsText({ calls }: Plan): string {
  return Object.entries(calls)
    .map(([vendor, n]) => `${vendor} ${n}`)
    .join(", ");
}

function overlapText({ runbook, steps }: Plan, last: number): string {
  const people = steps.flatMap((step, i) => (step.actor === "operator" ? [i + 1] : []));
  const asked = people.length > 0 ? ` A person is asked at step ${people.join(", ")}.` : "";
  return runbook.startsWith("supplied@")
    ? `Where the old key still works, old and new work side by side until step ${last}.${asked}`
    : `Old and new work side by side until step ${last}: no downtime.${asked}`;
}

/** The command that makes this very plan again. */
export function rotateCommand({ secret, runbook, snapshot }: Plan): string {
  return [
    `lockstep rotate ${secret}`,
    ...(snapshot.reason === "scheduled" ? [] : [`--reason ${snapshot.reason}`]),
    ...(runbook.startsWith("supplied@") ? ["--supplied"] : []),
    ...(snapshot.takeOver ? [`--take-over ${becauseFlag(snapshot.takeOver)}`] : []),
  ].join(" ");
}

/** The command that starts this plan and no other. */
export function exactCommand(plan: Plan): string {
  return `${rotateCommand(plan)} --plan ${plan.hash}`;
}

/** The flag that says why, as it was given; without one, where it has to stand. */
export function becauseFlag(because?: string | undefined): string {
  return `--because ${because ? shellWord(because) : '"why"'}`;
}

/** Equal remarks of several steps are said once. */
function conditionalLines(steps: readonly PlanStep[]): readonly string[] {
  const by = new Map<string, number[]>();
  steps.forEach((step, i) => {
    for (const line of step.conditional) by.set(line, [...(by.get(line) ?? []), i + 1]);
  });
  return [...by].map(([line, at]) =>
    hanging(`  step ${at.length > 1 ? `${at[0]} to ${at.at(-1)}` : at[0]}: ${line}`, 4),
  );
}

/** What the adapters say cannot be looked at or shown, with the copies that it holds for; equal remarks are said once. */
export function remarksOf(
  snapshot: Snapshot,
): readonly { readonly remark: string; readonly copies: readonly string[] }[] {
  const by = new Map<string, string[]>();
  for (const { remarks, target } of [snapshot.vault, ...copiesOf(snapshot)])
    for (const remark of remarks) by.set(remark, [...(by.get(remark) ?? []), target]);
  return [...by].map(([remark, copies]) => ({ remark, copies }));
}

function remarkLines(snapshot: Snapshot): readonly string[] {
  const lines = remarksOf(snapshot).map(({ remark, copies }) =>
    hanging(`  ${copies.length === 1 ? copies[0] : `${copies.length} copies`}: ${remark}`, 4),
  );
  return lines.length === 0 ? [] : ["Not visible or not provable:", ...lines];
}

function mark(step: PlanStep): string {
  if (step.pointOfNoReturn) return "!";
  if (step.effect === "once") return "+";
  return step.effect === "repeatable" ? "~" : " ";
}

/** The step without the place, which its text names. */
function shortId(id: string): string {
  return id.split("/")[0] ?? id;
}

function grades(steps: readonly PlanStep[]): string {
  const by = new Map<string, string[]>();
  for (const step of steps) if (step.grade) by.set(step.grade, [...(by.get(step.grade) ?? []), step.target]);
  return [...by]
    .map(
      ([grade, targets]) =>
        `by ${grade} for ${targets.length === 1 ? targets[0] : `${targets.length} copies`}`,
    )
    .join(", ");
}

function undoable(steps: readonly PlanStep[]): string {
  const first = steps.findIndex((step) => step.undoes?.includes("a person decides"));
  return first < 0
    ? ""
    : `Trouble before step ${first + 1} is undone; from there on the run is held and a person decides.`;
}

/** One step as it stands, by its number in the plan; until it has something to say of its own, what the plan says. */
export function stepLine(n: number | undefined, step: StepRecord, planned = ""): string {
  const took = step.startedAt && step.endedAt ? durationText(between(step.startedAt, step.endedAt)) : "";
  const what =
    step.trouble && step.state === "failed"
      ? `${step.trouble.code}  ${step.trouble.message}`
      : step.says || planned;
  const number = n === undefined ? "  " : String(n).padStart(2);
  return ` ${SIGN[step.state]} ${number} ${shortId(step.id).padEnd(11)} ${what}${took ? `  ${took}` : ""}`;
}

/** The same broken where it is too wide for a terminal. */
export function brokenStepLine(line: string): string {
  return hanging(line, STEP_TEXT_AT);
}

/** Where the text of a step's line begins. */
const STEP_TEXT_AT = 18;

const SIGN: Readonly<Record<StepRecord["state"], string>> = {
  pending: " ",
  waiting: "…",
  acting: "▶",
  proving: "▶",
  done: "✓",
  failed: "✗",
  undone: "↩",
  skipped: "-",
};

/** How a run ended, and what it changed; or how it stands. */
export function endText(run: RunRecord, now: Instant): string {
  const took = durationOfRun(run, now);
  if (run.status !== "completed") return `${run.status} after ${took}`;
  if (run.flow === "test") return `Fine. ${run.secret} can be rotated. ${took}.`;
  return run.old && run.new ? `Done in ${took}. ${run.old.label} → ${run.new.label}.` : `Done in ${took}.`;
}

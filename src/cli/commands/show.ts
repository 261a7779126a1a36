import { openHome } from "../../app/home.ts";
import { type Matters, mattersOf } from "../../app/matters.ts";
import { nextCommand, safeState, whyParked } from "../../app/run-words.ts";
import { linesOf, type RunView, viewRun } from "../../app/runs.ts";
import { EXIT, type Io, type Result } from "../io.ts";
import { hanging } from "../layout.ts";
import type { Common } from "../main.ts";
import { closingCommands, freezeSays, LEFT, nextLines } from "../matters-text.ts";
import { brokenStepLine, heading, stepLine } from "../render.ts";
import { runJson } from "../run-json.ts";
import {
  answerCommand,
  choiceLines,
  choicesFor,
  choicesText,
  taskChoices,
  taskLines,
  troubleLines,
} from "../run-text.ts";
import { whereOf } from "../where.ts";

/** `lockstep show`: opens with the safe state in one sentence, then what can be done about it. */
export async function show(_io: Io, options: Common, id: string): Promise<Result> {
  const home = await openHome(whereOf(options));
  try {
    const view = await viewRun(home, id);
    const around = aroundOf(view, await mattersOf(home, view.run.secret));
    const { run, steps } = view;
    const text = [
      safeState(run, steps),
      `next  ${nextOf(view, around)}`,
      "",
      ...restLines(view, around),
      ...aroundLines(view, around),
      ...identityLines(view),
      ...stepLines(view),
    ].join("\n");
    const json = {
      state: safeState(run, steps),
      next: nextOf(view, around),
      choices: choicesIn(view, around),
      ...around,
      ...runJson(view, { requests: true }),
    };
    const stands = run.status === "held" || around.parked !== null;
    const exit = stands ? EXIT.held : run.status === "waiting" ? EXIT.waits : EXIT.done;
    return { exit, json, text };
  } finally {
    await home.close();
  }
}

interface Around extends Pick<Matters, "frozen" | "findings"> {
  /** Whether it is under way, and no process carries it out. */
  readonly left: boolean;
  readonly task: Matters["tasks"][number] | null;
  /** Why the engine does not go on with this run. */
  readonly parked: string | null;
}

/** What of the open matters of a secret is about this run. */
function aroundOf({ run }: RunView, { frozen, findings, tasks, left, parked }: Matters): Around {
  return {
    task: tasks.find((one) => one.run === run.id) ?? null,
    parked: parked.find((one) => one.run === run.id)?.why ?? null,
    left: left.some((one) => one.id === run.id),
    frozen: run.endedAt === undefined ? frozen : null,
    findings,
  };
}

/** The command that goes on from here. */
function nextOf({ run }: RunView, { task, parked, frozen }: Around): string {
  if (parked !== null) return "lockstep doctor    says what is wrong, and with which runs";
  if (task) return answerCommand(task);
  if (frozen && run.trouble?.code === "FROZEN")
    return "lockstep freeze --lift    lets it go on, and every other run";
  return nextCommand(run);
}

/** Nothing can be decided on a run whose journal cannot be trusted. */
function choicesIn(view: RunView, { task, parked }: Around) {
  if (parked !== null) return [];
  return [...(task ? taskChoices(task) : []), ...choicesFor(view)];
}

/** What stands between the first two lines and the record: why it rests, and what a person can do. */
function restLines(view: RunView, { task, parked }: Around): readonly string[] {
  const { run } = view;
  if (parked !== null)
    return [
      `RUN_PARKED  nothing is done on the strength of this run's journal: ${parked}`,
      `│ because  ${whyParked(parked).because}`,
      `│ first    ${whyParked(parked).first}`,
      "",
    ];
  const trouble = run.trouble ? [...troubleLines(run), ""] : [];
  if (run.status === "held") return [...trouble, "It is held. You can decide:", ...choicesText(view), ""];
  if (!task) return trouble;
  return [...trouble, ...taskLines(task), ...choiceLines([...taskChoices(task), ...choicesFor(view)]), ""];
}

/** What stands under `finding  `. */
const INDENT = " ".repeat(9);

function aroundLines({ run }: RunView, { frozen, findings, left }: Around): readonly string[] {
  const said = run.trouble?.code === "FROZEN";
  const lines = [
    ...(left ? [`left     ${LEFT}`] : []),
    ...(frozen && !said
      ? [
          hanging(`frozen   ${freezeSays(frozen)}`, INDENT.length),
          ...nextLines(INDENT, "lockstep freeze --lift", []),
        ]
      : []),
    ...findings.flatMap((one) => [
      hanging(`${one.severity === "sev-1" ? "SEV-1  " : "finding"}  ${one.says}`, INDENT.length),
      ...nextLines(INDENT, one.next, one.severity === "sev-1" ? [] : closingCommands(one)),
    ]),
  ];
  return lines.length === 0 ? [] : [...lines, ""];
}

function identityLines({ run, plan }: RunView): readonly string[] {
  const key = (one: typeof run.old) => (one ? `${one.label} (${one.id})` : "-");
  return [
    heading(run.secret, plan.snapshot.environment, plan.snapshot.issuer.target),
    hanging(
      `${run.id}  ${run.status}  ${run.reason}  started ${run.startedAt} by ${run.actor.name} (${run.actor.assurance})  plan ${run.planHash}`,
      2,
    ),
    ...(run.because === undefined ? [] : [`why   ${run.because}`]),
    hanging(`keys  ${key(run.old)} → ${key(run.new)}`, 6),
  ];
}

/** The plan's steps, and those that a person's decision has added, as they stand. */
function stepLines(view: RunView): readonly string[] {
  const kept = new Map(view.steps.map((step) => [step.id, step]));
  return linesOf(view).map((line) => {
    const step = kept.get(line.id) ?? { id: line.id, state: "pending", attempts: 0, calls: [] };
    return brokenStepLine(stepLine(line.number, step, line.says));
  });
}

import { mayHaveHappened } from "../app/run-words.ts";
import type { RunView } from "../app/runs.ts";
import type { Decision } from "../core/circumstances.ts";
import type { RunRecord } from "../core/record.ts";
import { shellWord } from "../core/shell.ts";
import type { Task } from "../core/task.ts";
import { between, durationText, type Instant } from "../core/time.ts";
import { hanging } from "./layout.ts";

/** How long a run took, or has taken so far. */
export function durationOfRun(run: RunRecord, now: Instant): string {
  return durationText(between(run.startedAt, run.endedAt ?? now));
}

/** What a person can decide on a run, with the command that decides it. */
export interface Choice {
  readonly choice: Decision["choice"];
  readonly command: string;
  readonly means: string;
}

/**
 * The decisions that are open on a run that is held, and those that can take the place of a task's answer. Once one is made
 * it is the only one.
 */
export function choicesFor(view: RunView): readonly Choice[] {
  const { run, decided } = view;
  if (run.status !== "held" && run.status !== "waiting") return [];
  const all = openChoices(view).filter(
    ({ choice }) => run.status === "held" || (choice !== "retry" && choice !== "settle"),
  );
  if (!decided) return all;
  return all
    .filter(({ choice }) => choice === decided.choice)
    .map((one) => ({ ...one, means: `${decided.by.name} decided so at ${decided.at}; this carries it out` }));
}

function openChoices({ run, plan, steps }: RunView): readonly Choice[] {
  const begun = (id: string) => mayHaveHappened(steps.find((step) => step.id === id));
  const back = steps.some(({ id }) => id.startsWith("restore/") || id === "end-new");
  const written = begun("store");
  // Nothing that can be undone once the old key may be ended.
  const ending = begun("revoke") || begun("break-glass");
  const choices: Choice[] = [
    { choice: "retry", command: `lockstep resolve ${run.id} --retry`, means: retryMeans(run, steps) },
  ];
  if (canBeByHand(run, steps))
    choices.push({
      choice: "settle",
      command: `lockstep resolve ${run.id} --settle`,
      means: settlingMeans(run, steps),
    });
  if (!back && written && !ending)
    choices.push({
      choice: "rollback",
      command: `lockstep rollback ${run.id} --confirm ${plan.secret}`,
      means: "put the old value back everywhere, and end the new key",
    });
  if (!written && !ending && !back)
    choices.push({
      choice: "cancel",
      command: `lockstep cancel ${run.id}`,
      means: "undo what was done, and end the run",
    });
  if (
    run.flow === "revoke" &&
    ending &&
    steps.every(({ id, state }) => id !== "revoke" || state === "failed")
  )
    choices.push({
      choice: "cancel",
      command: `lockstep cancel ${run.id}`,
      means: "leave it, if the end was refused whenever it was asked for and the key is seen to live",
    });
  if (plan.snapshot.reason === "compromise" && written && !ending && !back)
    choices.push({
      choice: "break-glass",
      command: `lockstep resolve ${run.id} --break-glass --confirm ${plan.secret} --because "why"`,
      means: "end the old key now, although copies may still hold it",
    });
  return choices;
}

/** Whether looking could show that a person did the open step's work. */
function canBeByHand(run: RunRecord, steps: RunView["steps"]): boolean {
  // Before its first step nothing can have been done by hand.
  if (run.trouble?.code === "PLAN_CHANGED") return false;
  const open = openStep(steps)?.id;
  // These only look, or only ask: a retry does the same.
  return open !== "requests" && (open !== "prove-dead" || leavesFormer(run, steps));
}

/** Whether settling leaves alone what the vault held before: nobody could tell which credential that is. */
function leavesFormer({ flow, old }: RunRecord, steps: RunView["steps"]): boolean {
  return flow === "rotate" && old === undefined && openStep(steps)?.id === "prove-dead";
}

function retryMeans({ flow, trouble }: RunRecord, steps: RunView["steps"]): string {
  if (flow === "rotate" && (trouble?.original ?? trouble)?.code === "COPY_HOLDS_OLD")
    return "write again what was changed, and try the open step again";
  return wasEnded(steps)
    ? "look again, and end it once more if it is still there"
    : "try the open step again";
}

/** Whether the open step has sent the end of a key already. */
function wasEnded(steps: RunView["steps"]): boolean {
  const open = openStep(steps);
  return (open?.id === "revoke" || open?.id === "end-new") && mayHaveHappened(open);
}

function openStep(steps: RunView["steps"]) {
  return steps.findLast((step) => step.state === "failed");
}

function settlingMeans(run: RunRecord, steps: RunView["steps"]): string {
  const open = openStep(steps)?.id;
  if (open === "drain") return "wait no longer for what still runs on the old value";
  if (leavesFormer(run, steps)) return "leave what the vault held before alone, as a finding";
  if (wasEnded(steps)) return "look again, send nothing, and go on if it is gone";
  return "it was done by hand: look, send nothing, and go on if it shows";
}

/** The choices as lines. */
export function choicesText(view: RunView): readonly string[] {
  return choiceLines(choicesFor(view));
}

/** Commands, each with what it means below it. */
export function choiceLines(
  choices: readonly { readonly command: string; readonly means: string }[],
): readonly string[] {
  return choices.flatMap(({ command, means }) => [`  ${command}`, hanging(`    ${means}`, 4)]);
}

/** What was found, why that stops the run, and, while it is held, what to set right first; each on a line behind a rule. */
export function troubleLines({ id, status, trouble }: RunRecord): readonly string[] {
  if (!trouble) return [];
  const [first = "", ...found] = trouble.message.split("\n");
  return [
    `${trouble.code}  ${first}`,
    ...found.map((line) => `│ found    ${line}`),
    `│ because  ${trouble.because}`,
    ...(trouble.original
      ? [`│ before   ${trouble.original.code}  ${trouble.original.message.split("\n")[0]}`]
      : []),
    // What leads back to the choices says nothing; of a run that has ended it is the next command.
    ...(status === "held" && !leadsBack(trouble.next, id) ? [`│ first    ${trouble.next}`] : []),
  ];
}

/** Without a word of what comes before it, a retry is one of the choices, and no more. */
function leadsBack(next: string, run: string): boolean {
  return next.startsWith(`lockstep show ${run}`) || next === `lockstep resolve ${run} --retry`;
}

/** A task as its person reads it. */
export interface TaskAsked {
  readonly run: string;
  readonly task: Task;
  readonly claimedBy?: { readonly name: string };
}

/** What is to be done. */
export function taskLines({ run, task, claimedBy }: TaskAsked): readonly string[] {
  const letters = "abcdefghijklmnopqrstuvwxyz";
  const items = task.kind === "checklist" ? task.items : [];
  return [
    `YOUR TURN  ${run}`,
    task.title,
    ...[...task.lines, ...items].map((line, i) => `   ${letters[i] ?? "-"}. ${line}`),
    ...(task.kind === "carry" && task.command.length > 0
      ? [`   or let Lockstep hand the value to: ${task.command.map(shellWord).join(" ")}`]
      : []),
    ...(claimedBy ? [`Taken by ${claimedBy.name}.`] : []),
  ];
}

/** One thing that a person can say to a task, with the command that says it. */
interface TaskChoice {
  readonly choice: "done" | "pipe" | "decline";
  readonly command: string;
  readonly means: string;
}

/** What a person can say to a task; the first is what is meant to be said. */
export function taskChoices({ run, task }: TaskAsked): readonly TaskChoice[] {
  const answer = `lockstep answer ${run}`;
  const decline: TaskChoice = {
    choice: "decline",
    command: `${answer} --decline --because "why"`,
    means: "it will not be done; the run stops where it is safe",
  };
  const done = (flags: string, means: string): TaskChoice => ({
    choice: "done",
    command: `${answer} ${flags}`,
    means,
  });
  if (task.kind === "value") return [done("--stdin", "reads the value from stdin"), decline];
  if (task.kind === "typed")
    return [done(`--typed ${shellWord(task.text)}`, "shows that it was read"), decline];
  if (task.kind !== "carry") return [done("--done", "once it is done"), decline];
  const byHand = done("--done", "once it is done by hand; --reveal shows the value on your terminal");
  if (task.command.length === 0) return [byHand, decline];
  const means = "runs the command above with the value on its stdin";
  return [{ choice: "pipe", command: `${answer} --pipe --done`, means }, byHand, decline];
}

/** The command that answers without a terminal, and four spaces behind it what it does. */
export function answerCommand(asked: TaskAsked): string {
  const [first] = taskChoices(asked);
  return `${first?.command}    ${first?.means}`;
}

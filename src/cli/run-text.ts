import { mayHaveHappened } from "../app/run-words.ts";
import type { RunView } from "../app/runs.ts";
import type { Decision } from "../core/circumstances.ts";
import type { Trouble } from "../core/errors.ts";
import type { RunRecord } from "../core/record.ts";
import type { Task } from "../core/task.ts";
import { between, durationText, type Instant } from "../core/time.ts";

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

/** The decisions that are open on a held run; none on any other. */
export function choicesFor({ run, plan, steps }: RunView): readonly Choice[] {
  if (run.status !== "held") return [];
  const begun = (id: string) => mayHaveHappened(steps.find((step) => step.id === id));
  const back = steps.some(({ id }) => id.startsWith("restore/") || id === "end-new");
  const written = begun("store");
  // Nothing that can be undone once the old key may be ended.
  const ending = begun("revoke") || begun("break-glass");
  const choices: Choice[] = [
    { choice: "retry", command: `lockstep resolve ${run.id} --retry`, means: "try the open step again" },
    {
      choice: "settle",
      command: `lockstep resolve ${run.id} --settle`,
      means: "it was done by hand: look, send nothing, and go on if it shows",
    },
  ];
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
  if (plan.snapshot.reason === "compromise" && written && !ending && !back)
    choices.push({
      choice: "break-glass",
      command: `lockstep resolve ${run.id} --break-glass --confirm ${plan.secret} --because "why"`,
      means: "end the old key now, although copies may still hold it",
    });
  return choices;
}

/** The choices as lines. */
export function choicesText(view: RunView): readonly string[] {
  const choices = choicesFor(view);
  const width = Math.max(0, ...choices.map((one) => one.command.length));
  return choices.map((one) => `  ${one.command.padEnd(width)}    ${one.means}`);
}

/** What was found, why that stops the run, and what to settle first; each on a line behind a rule. */
export function troubleLines({ code, message, because, next }: Trouble, run: string): readonly string[] {
  const [first = "", ...found] = message.split("\n");
  return [
    `${code}  ${first}`,
    ...found.map((line) => `│ found    ${line}`),
    `│ because  ${because}`,
    // One that leads back to where it stands says nothing.
    ...(next.startsWith(`lockstep show ${run}`) ? [] : [`│ next     ${next}`]),
  ];
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
      ? [`   or let Lockstep hand the value to: ${task.command.join(" ")}`]
      : []),
    ...(claimedBy ? [`Taken by ${claimedBy.name}.`] : []),
  ];
}

/** The command that answers without a terminal. */
export function answerCommand({ run, task }: TaskAsked): string {
  if (task.kind === "value") return `lockstep answer ${run} --stdin    reads the value from stdin`;
  if (task.kind === "typed") return `lockstep answer ${run} --typed ${JSON.stringify(task.text)}`;
  if (task.kind === "carry" && task.command.length > 0)
    return `lockstep answer ${run} --pipe --done    runs the command above with the value on its stdin`;
  if (task.kind === "carry")
    return `lockstep answer ${run} --done    once it is done; --reveal shows the value on your terminal`;
  return `lockstep answer ${run} --done    once it is done`;
}

import { spawn } from "node:child_process";
import { once } from "node:events";
import { openSync, writeSync } from "node:fs";
import {
  answerUnderWay,
  claim,
  revealTo,
  type Said,
  answer as send,
  taskOf,
  tellAgain,
} from "../../app/answering.ts";
import type { Home } from "../../app/home.ts";
import { localActor } from "../../app/people.ts";
import { viewRun } from "../../app/runs.ts";
import { LockstepError } from "../../core/errors.ts";
import type { Actor } from "../../core/record.ts";
import type { Task, TaskField } from "../../core/task.ts";
import type { TaskRecord } from "../../db/tasks.ts";
import { ask } from "../ask.ts";
import { follow, withCarrier, withHome } from "../follow.ts";
import { EXIT, type Io, type Result } from "../io.ts";
import type { Common } from "../main.ts";
import { readSecret } from "../read-secret.ts";
import { answerCommand, choiceLines, taskChoices, taskLines } from "../run-text.ts";

interface AnswerOptions extends Common {
  readonly done: boolean;
  readonly decline: boolean;
  readonly take: boolean;
  readonly reveal: boolean;
  readonly pipe: boolean;
  readonly stdin: boolean;
  readonly typed?: string;
  readonly because?: string;
}

/** `lockstep answer`: shows the task that a run waits for, leads through it, and sends the answer. */
export function answer(io: Io, options: AnswerOptions, id: string): Promise<Result> {
  return withHome(options, async (home) => {
    const given = await answerUnderWay(home, id);
    if (given) return sendAgain(io, home, given);
    const task = await taskOf(home, id);
    const actor = localActor(home.config);
    fits(task, options);
    if (!io.canAsk && !asksForSomething(options)) return shown(task);
    if (io.canAsk) io.note(taskLines(task).join("\n"));
    await claim(home, task, actor, options.take);
    if (options.reveal || options.pipe) await carry(home, task, actor, options);
    const said = await saidBy(io, task, options);
    if (!said) return shown(task);
    return withCarrier(io, home, async (carrier, signal) => {
      await send(home, carrier.requests, task, actor, said);
      const known = await viewRun(home, id);
      return follow(io, home, known.run, { signal, answered: task.question, known });
    });
  });
}

/** Whoever answered may have died before the run was told, and a run without a worker has not taken it up. */
function sendAgain(io: Io, home: Home, given: TaskRecord): Promise<Result> {
  io.note(`${given.answeredBy?.name} answered it at ${given.answeredAt}. The run goes on with that.`);
  return withCarrier(io, home, async (carrier, signal) => {
    await tellAgain(carrier.requests, given);
    const known = await viewRun(home, given.run);
    return follow(io, home, known.run, { signal, answered: given.question, known });
  });
}

const ANSWERS: Readonly<Record<Task["kind"], readonly (keyof AnswerOptions)[]>> = {
  confirm: ["done"],
  checklist: ["done"],
  typed: ["typed"],
  value: ["stdin"],
  carry: ["done", "reveal", "pipe"],
};

/** What does not answer this task is refused before anybody takes it. */
function fits(record: TaskRecord, options: AnswerOptions): void {
  const { task } = record;
  const given = (["done", "typed", "stdin", "reveal", "pipe"] as const).filter(
    (one) => options[one] !== false && options[one] !== undefined,
  );
  const wrong =
    given.find((one) => !ANSWERS[task.kind].includes(one)) ??
    (options.pipe && task.kind === "carry" && task.command.length === 0 ? "pipe" : undefined) ??
    (options.decline ? given[0] : undefined);
  if (wrong === undefined) return;
  throw new LockstepError({
    code: "USAGE",
    message: options.decline
      ? `--${wrong} and --decline exclude each other`
      : `--${wrong} does not answer this task`,
    because: "the task stays as it is; nothing was taken or sent",
    next: answerCommand(record),
  });
}

function asksForSomething(options: AnswerOptions): boolean {
  const { done, decline, take, reveal, pipe, stdin, typed } = options;
  return done || decline || take || reveal || pipe || stdin || typed !== undefined;
}

function shown(task: TaskRecord): Result {
  const { run, question, step, task: asked, claimedBy } = task;
  return {
    exit: EXIT.waits,
    json: {
      run,
      question,
      step,
      task: asked,
      claimedBy: claimedBy?.name ?? null,
      choices: taskChoices(task),
    },
    text: [...taskLines(task), ...choiceLines(taskChoices(task))].join("\n"),
  };
}

async function saidBy(io: Io, record: TaskRecord, options: AnswerOptions): Promise<Said | undefined> {
  const { task } = record;
  const reason = options.because === undefined ? {} : { reason: options.because };
  if (options.decline) return { is: "declined", ...reason };
  if (task.kind === "value") {
    if (!options.stdin && !io.canAsk) return undefined;
    return { is: "done", fields: await fieldsOf(record, task.fields, options.stdin), ...reason };
  }
  if (task.kind === "typed") {
    const typed = options.typed ?? (io.canAsk ? await ask(`Type ${task.text} to confirm: `) : undefined);
    if (typed === task.text) return { is: "done", ...reason };
    throw declined(record, `what was typed is not ${task.text}`);
  }
  if (options.done) return { is: "done", ...reason };
  if (!io.canAsk) return undefined;
  for (const item of task.kind === "checklist" ? task.items : []) {
    if (!/^y(es)?$/i.test(await ask(`${item}: done? y/N `))) throw declined(record, `not done: ${item}`);
  }
  if (task.kind === "checklist" || /^y(es)?$/i.test(await ask("Done? y/N ")))
    return { is: "done", ...reason };
  throw declined(record, "it is not done yet; the run waits on");
}

async function fieldsOf(
  { run }: TaskRecord,
  fields: readonly TaskField[],
  stdin: boolean,
): Promise<Record<string, string>> {
  const lines = stdin ? (await readAll()).split("\n") : [];
  const found: Record<string, string> = {};
  for (const [i, { name, label, shape }] of fields.entries()) {
    const text = stdin ? (lines[i]?.trim() ?? "") : await readSecret(label, `lockstep answer ${run} --stdin`);
    if (text === "" || (shape !== undefined && !new RegExp(`^(?:${shape})$`).test(text)))
      throw misshapen(run, label, text === "");
    found[name] = text;
  }
  return found;
}

async function readAll(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString("utf8");
}

/** Brings the value to its place: on this terminal alone, or into the stdin of the command that the task names. */
async function carry(home: Home, task: TaskRecord, actor: Actor, options: AnswerOptions): Promise<void> {
  if (task.task.kind !== "carry") return;
  if (options.reveal) {
    const terminal = openTerminal(task);
    const take = (field: string, text: string) => void writeSync(terminal, `${field}: ${text}\n`);
    return revealTo(home, task, actor, { how: "terminal", take });
  }
  const [program = "", ...args] = task.task.command;
  // What it prints is no part of our result.
  const child = spawn(program, args, { stdio: ["pipe", process.stderr, "inherit"] });
  const ended = once(child, "close").then(
    ([code, signal]: (number | string | null)[]) => {
      if (code !== 0) throw notHandedOver(task, `${program} ended with ${code ?? signal}`);
    },
    () => {
      throw notHandedOver(task, `${program} could not be started`);
    },
  );
  // It may end while nobody waits for it yet.
  ended.catch(() => {});
  const input = child.stdin;
  // A program that ends without reading says so by its exit code.
  input.on("error", () => {});
  await once(child, "spawn").catch(() => ended);
  try {
    await revealTo(home, task, actor, { how: "command", take: (_field, text) => void input.write(text) });
  } catch (thrown) {
    // Not by the end of its input: it would take what it has read for the value.
    child.kill();
    throw thrown;
  }
  input.end();
  await ended;
}

function openTerminal(task: TaskRecord): number {
  try {
    return openSync("/dev/tty", "w");
  } catch (cause) {
    throw new LockstepError(
      {
        code: "CONFIRMATION_NEEDED",
        message: "A value is to be shown, and there is no terminal to show it on",
        because: "a value is shown on a terminal alone, never in a file or a pipe; nothing was shown",
        next: answerCommand(task),
      },
      { cause },
    );
  }
}

function misshapen(run: string, label: string, empty: boolean): LockstepError {
  return new LockstepError({
    code: "ANSWER_REFUSED",
    message: empty ? `${label}: nothing was given` : `${label}: the text has not the shape of one`,
    because: "what is pasted by mistake must not become the key",
    next: `lockstep answer ${run}`,
  });
}

function notHandedOver({ run }: TaskRecord, message: string): LockstepError {
  return new LockstepError({
    code: "ANSWER_REFUSED",
    message,
    because: "so it may not have written the value; the task stays open",
    next: `lockstep answer ${run}`,
  });
}

function declined({ run }: TaskRecord, because: string): LockstepError {
  return new LockstepError({
    code: "DECLINED",
    message: "The task stays open",
    because,
    next: `lockstep answer ${run}`,
  });
}

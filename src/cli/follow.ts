import { type Home, openHome } from "../app/home.ts";
import { nextCommand, parkedTrouble, safeState } from "../app/run-words.ts";
import { type Carrier, followRun, isAtRest, openCarrier, type RunView } from "../app/runs.ts";
import { LockstepError } from "../core/errors.ts";
import type { RunRecord } from "../core/record.ts";
import { systemClock } from "../core/time.ts";
import { EXIT, exitOf, type Io, type Result } from "./io.ts";
import type { Common } from "./main.ts";
import { endText } from "./render.ts";
import { runJson } from "./run-json.ts";
import { choicesText, troubleLines } from "./run-text.ts";
import { showSteps } from "./show-steps.ts";
import { whereOf } from "./where.ts";

/** Opens the installation for the length of a command. */
export async function withHome(options: Common, body: (home: Home) => Promise<Result>): Promise<Result> {
  const home = await openHome(whereOf(options));
  try {
    return await body(home);
  } finally {
    await home.close();
  }
}

/**
 * Carries runs out in this process where no worker does, for the length of the body; ^C leaves them safe. Throws DECLINED where it
 * came before the body.
 */
export async function withCarrier(
  io: Io,
  home: Home,
  body: (carrier: Carrier, signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  process.once("SIGINT", interrupt);
  process.once("SIGTERM", interrupt);
  const carrier = await openCarrier(home, (msg) => io.note(msg));
  try {
    if (stop.signal.aborted) throw interrupted();
    return await body(carrier, stop.signal);
  } finally {
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
    await carrier.close();
  }
}

function interrupted(): LockstepError {
  return new LockstepError({
    code: "DECLINED",
    message: "Interrupted before anything was begun",
    because: "nothing was started, decided or sent",
    next: "lockstep status    shows how things stand",
  });
}

/**
 * Shows a run until it ends, is held, parked, or waits for a person. `answered` is the question that was just decided; `known` how
 * the run stood then.
 */
export async function follow(
  io: Io,
  home: Home,
  run: RunRecord,
  how: {
    readonly signal: AbortSignal;
    readonly answered?: string | undefined;
    readonly known?: RunView;
  },
): Promise<Result> {
  const { signal, answered, known } = how;
  const view = await followRun(home, run.id, showSteps(io, known), {
    signal,
    ...(answered !== undefined && { answered }),
  });
  if (view.parked !== undefined) return parkedResult(view, view.parked);
  return isAtRest(view.run, answered) ? resultOf(view) : leftResult(view);
}

function leftResult(view: RunView): Result {
  const { run, steps } = view;
  const text = [
    `Left ${run.id} where it is safe.`,
    `│ state    ${safeState(run, steps)}`,
    `│ next     ${nextCommand(run)}`,
  ].join("\n");
  return { exit: EXIT.interrupted, json: documentOf(view), text };
}

function resultOf(view: RunView): Result {
  const { run, steps } = view;
  const json = documentOf(view);
  const state = safeState(run, steps);
  if (run.status === "completed") {
    const text = [`${endText(run, systemClock.now())} ${state}`, `next  ${nextCommand(run)}`].join("\n");
    return { exit: EXIT.done, json, text };
  }
  const { trouble } = run;
  const text = [
    ...(trouble ? headed(run.status, troubleLines(run)) : [endText(run, systemClock.now())]),
    `│ state    ${state}`,
    `│ next     ${nextCommand(run)}`,
    ...choicesText(view),
  ].join("\n");
  if (run.status === "waiting") return { exit: EXIT.waits, json, text };
  if (run.status === "held") return { exit: EXIT.held, json, text };
  return { exit: trouble ? exitOf(trouble) : EXIT.failed, json, text };
}

/** Nobody goes on with it until a person has looked: neither a decision nor patience helps. */
function parkedResult(view: RunView, why: string): Result {
  const { run, steps } = view;
  const { code, message, because, next } = parkedTrouble(run.id, why);
  const text = [
    `${code}  ${message}`,
    `│ because  ${because}`,
    `│ state    ${safeState(run, steps)}`,
    `│ next     ${next}`,
  ].join("\n");
  return {
    exit: EXIT.held,
    json: { ...documentOf(view), next, error: { code, message, because, next } },
    text,
  };
}

/** What `show` opens with, for programs too. */
function documentOf(view: RunView) {
  return { state: safeState(view.run, view.steps), next: nextCommand(view.run), ...runJson(view) };
}

function headed(status: string, [first = "", ...others]: readonly string[]): readonly string[] {
  return [`${status} ${first}`, ...others];
}

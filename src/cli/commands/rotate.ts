import { localActor } from "../../app/actor.ts";
import { type Home, openHome } from "../../app/home.ts";
import {
  type Carrier,
  decide,
  followRun,
  openCarrier,
  planFor,
  type RunView,
  runningFor,
  startRun,
  viewRun,
} from "../../app/runs.ts";
import { LockstepError } from "../../core/errors.ts";
import type { Plan } from "../../core/plan.ts";
import type { Reason, RunRecord } from "../../core/record.ts";
import { systemClock } from "../../core/time.ts";
import { ask } from "../ask.ts";
import { EXIT, exitOf, type Io, type Result } from "../io.ts";
import type { Common } from "../main.ts";
import { endText, planText } from "../render.ts";
import { runJson } from "../run-json.ts";
import { nextCommand, safeState } from "../run-text.ts";
import { showSteps } from "../show-steps.ts";
import { whereOf } from "../where.ts";

interface RotateOptions extends Common {
  readonly reason: Reason;
  readonly plan?: string;
  readonly yes: boolean;
  readonly confirm?: string;
}

/** `lockstep rotate`: shows the plan, asks, carries it out or attaches to the run that is there. */
export async function rotate(io: Io, options: RotateOptions, secret: string): Promise<Result> {
  return withHome(options, async (home) => {
    const there = await runningFor(home, secret);
    if (there && there.flow !== "rotate") throw inProgress(there);
    const plan = planFor(home.config, {
      secret,
      flow: "rotate",
      reason: options.reason,
      sandbox: options.sandbox,
    });
    if (options.plan !== undefined && options.plan !== (there?.planHash ?? plan.hash))
      throw planChanged(options.plan, plan);
    if (!there) await confirm(io, options, plan);
    return carryOut(io, home, plan);
  });
}

/** `lockstep test`: the read-only flow. */
export async function testFlow(io: Io, options: Common, secret: string): Promise<Result> {
  return withHome(options, async (home) => {
    const plan = planFor(home.config, {
      secret,
      flow: "test",
      reason: "scheduled",
      sandbox: options.sandbox,
    });
    return carryOut(io, home, plan);
  });
}

async function withHome(options: Common, body: (home: Home) => Promise<Result>): Promise<Result> {
  const home = await openHome(whereOf(options));
  try {
    return await body(home);
  } finally {
    await home.close();
  }
}

async function carryOut(io: Io, home: Home, plan: Plan): Promise<Result> {
  const stop = new AbortController();
  const interrupt = () => stop.abort();
  process.once("SIGINT", interrupt);
  process.once("SIGTERM", interrupt);
  const carrier = await openCarrier(home, (msg) => io.note(msg));
  try {
    const actor = localActor();
    const { run, attached } = await startRun(home, carrier.requests, plan, actor);
    if (attached)
      io.note(`Attached to ${run.id}, ${run.status}, started ${run.startedAt} by ${run.actor.name}.`);
    else io.note(`Run ${run.id}. ^C leaves it safe; lockstep show ${run.id} says how it stands.`);
    const answered = await retryIfHeld(io, home, carrier, run);
    const view = await followRun(home, run.id, showSteps(io), {
      signal: stop.signal,
      ...(answered && { answered }),
    });
    return resultOf(view, stop.signal.aborted);
  } finally {
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
    await carrier.close();
  }
}

/** Rotating again is how a person says "try again" to a held run. Answers with the question that this decides. */
async function retryIfHeld(
  io: Io,
  home: Home,
  carrier: Carrier,
  run: RunRecord,
): Promise<string | undefined> {
  if (run.status !== "held") return undefined;
  const { run: now } = await viewRun(home, run.id);
  io.note(`It was held: ${now.trouble?.message ?? "trouble"}. Trying again.`);
  await decide(home, carrier.requests, now, { choice: "retry" }, localActor());
  return now.question;
}

function resultOf(view: RunView, interrupted: boolean): Result {
  const { run, steps } = view;
  const json = runJson(view);
  const left = [endText(run, systemClock.now()), safeState(run, steps)];
  if (run.status === "completed") return { exit: EXIT.done, json, text: left[0] ?? "" };
  const trouble = run.trouble;
  const lines = trouble
    ? [
        `${run.status} ${trouble.code}  ${trouble.message}`,
        `│ because  ${trouble.because}`,
        `│ state    ${left[1]}`,
      ]
    : [left[0] ?? "", `│ state    ${left[1]}`];
  const next = `│ next     ${nextCommand(run)}`;
  if (run.status === "held") return { exit: EXIT.held, json, text: [...lines, next].join("\n") };
  if (run.endedAt !== undefined) {
    return { exit: trouble ? exitOf(trouble) : EXIT.failed, json, text: [...lines, next].join("\n") };
  }
  if (!interrupted) throw new Error("a run was left before it ended");
  return {
    exit: EXIT.interrupted,
    json,
    text: [`Left ${run.id} where it is safe.`, `│ state    ${left[1]}`, next].join("\n"),
  };
}

async function confirm(io: Io, options: RotateOptions, plan: Plan): Promise<void> {
  if (!io.json) io.note(planText(plan));
  if (options.yes || options.confirm === plan.secret) return;
  const production = plan.snapshot.environment === "production";
  if (!io.canAsk) {
    throw new LockstepError({
      code: "CONFIRMATION_NEEDED",
      message: `Rotating ${plan.secret} needs a yes, and there is no terminal to ask on`,
      because: "nothing is changed without it; nothing was started",
      next: `lockstep rotate ${plan.secret} --yes`,
    });
  }
  const answer = await ask(production ? `Type ${plan.secret} to start: ` : `Rotate ${plan.secret}? y/N `);
  if (production ? answer === plan.secret : /^y(es)?$/i.test(answer)) return;
  throw new LockstepError({
    code: "DECLINED",
    message: "Not started",
    because: `the answer was not ${production ? plan.secret : "yes"}; nothing was changed`,
    next: `lockstep plan ${plan.secret}`,
  });
}

function planChanged(asked: string, plan: Plan): LockstepError {
  return new LockstepError({
    code: "PLAN_CHANGED",
    message: `The plan is ${plan.hash} now, not ${asked}`,
    because: "the configuration, the month or the program changed since it was shown; nothing was started",
    next: `lockstep plan ${plan.secret}`,
  });
}

function inProgress(run: RunRecord): LockstepError {
  return new LockstepError({
    code: "RUN_IN_PROGRESS",
    message: `${run.id} is ${run.status}`,
    because: "one run a secret at a time",
    next: `lockstep show ${run.id}`,
  });
}

import { decide } from "../../app/decisions.ts";
import type { Home } from "../../app/home.ts";
import { localActor, requireRole } from "../../app/people.ts";
import { type Carrier, planFor, runningFor, startRun, viewRun } from "../../app/runs.ts";
import { LockstepError } from "../../core/errors.ts";
import type { Plan } from "../../core/plan.ts";
import type { Reason, RunRecord } from "../../core/record.ts";
import { shellWord } from "../../core/shell.ts";
import { ask } from "../ask.ts";
import { follow, withCarrier, withHome } from "../follow.ts";
import type { Io, Result } from "../io.ts";
import type { Common } from "../main.ts";
import { becauseFlag, planText, rotateCommand } from "../render.ts";

interface RotateOptions extends Common {
  readonly reason: Reason;
  readonly plan?: string;
  readonly yes: boolean;
  readonly confirm?: string;
  readonly supplied: boolean;
  readonly takeOver: boolean;
  readonly because?: string;
}

/** `lockstep rotate`: shows the plan, asks, carries it out or attaches to the run that is there. */
export async function rotate(io: Io, options: RotateOptions, secret: string): Promise<Result> {
  return withHome(options, async (home) => {
    const there = await runningFor(home, secret);
    const plan = planFor(home.config, {
      secret,
      flow: "rotate",
      reason: options.reason,
      sandbox: options.sandbox,
      ...(options.supplied && { supplied: true }),
      ...takeOverOf(options, home.config, secret),
    });
    const same = (run: RunRecord) => requireSame(home, run, plan, options);
    if (there) await same(there);
    else if (options.plan !== undefined && options.plan !== plan.hash) throw planChanged(options.plan, plan);
    else {
      // Nobody types a name for what may not be done.
      requireRole(localActor(home.config), plan.snapshot.role, `A rotate of ${secret}`);
      await confirm(io, options, plan);
    }
    return carryOut(io, home, plan, { there, same, because: options.because });
  });
}

/** A run keeps what it was started for: who asks for something else must not think that it is given. */
async function requireSame(home: Home, there: RunRecord, plan: Plan, asked: RotateOptions): Promise<void> {
  if (there.flow !== "rotate") throw inProgress(there);
  if (asked.plan !== undefined && asked.plan !== there.planHash) throw planChanged(asked.plan, plan);
  // "scheduled" is what stands there when nothing was said, as in the command that goes on with a run.
  if (asked.reason !== "scheduled" && asked.reason !== there.reason)
    throw startedOtherwise(there, `for the reason ${there.reason}, not ${asked.reason}`);
  if (asked.supplied && there.runbook !== plan.runbook)
    throw startedOtherwise(there, `by ${there.runbook}, not ${plan.runbook}`);
  const { plan: theirs } = await viewRun(home, there.id);
  if (asked.takeOver && theirs.snapshot.takeOver === undefined)
    throw startedOtherwise(there, "without --take-over");
}

function startedOtherwise(run: RunRecord, how: string): LockstepError {
  return new LockstepError({
    code: "RUN_IN_PROGRESS",
    message: `${run.id} is ${run.status}, and was started ${how}`,
    because: "its waits, and what can be decided on it, stay as its plan was shown; nothing was changed",
    next: `lockstep show ${run.id}`,
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
    const there = await runningFor(home, secret);
    // It would wait behind a run that waits for a person, and beside it take that run's key for a stranger's.
    if (there?.status === "held" || there?.status === "waiting") throw inProgress(there);
    if (there && there.flow !== "test")
      io.note(`${there.id} is under way; the test begins once it has ended.`);
    return carryOut(io, home, plan, {});
  });
}

/** What a command that carries a plan out was asked for besides. */
interface Wanted {
  /** The run that it goes on with. */
  readonly there?: RunRecord | undefined;
  /** Throws where the run that is there is not what was asked for. */
  readonly same?: (run: RunRecord) => Promise<void>;
  readonly because?: string | undefined;
}

async function carryOut(io: Io, home: Home, plan: Plan, { there, same, because }: Wanted): Promise<Result> {
  return withCarrier(io, home, async (carrier, signal) => {
    const actor = localActor(home.config);
    const { run, attached } = await startRun(home, carrier.requests, plan, actor, { seen: there, because });
    // Also one that was begun while a person looked at the plan.
    if (attached) await same?.(run);
    if (attached)
      io.note(`Attached to ${run.id}, ${run.status}, started ${run.startedAt} by ${run.actor.name}.`);
    else io.note(`Run ${run.id}. ^C leaves it safe.\n  lockstep show ${run.id}    says how it stands`);
    if (attached && because !== undefined && run.status !== "held")
      io.note("--because is not recorded: this run was begun without it.");
    const answered = await retryIfHeld(io, home, carrier, run, because);
    return follow(io, home, run, { signal, answered });
  });
}

/**
 * Rotating again is how a person says "try again" to a held run; what somebody has decided already is carried out instead.
 * Answers with the question that this decides.
 */
async function retryIfHeld(
  io: Io,
  home: Home,
  carrier: Carrier,
  run: RunRecord,
  reason: string | undefined,
): Promise<string | undefined> {
  if (run.status !== "held") return undefined;
  const { run: now, decided } = await viewRun(home, run.id);
  const found = now.trouble?.message ?? "trouble";
  const choice = decided?.choice ?? "retry";
  io.note(
    choice === "retry"
      ? `It was held: ${found}. Trying again.`
      : `It was held: ${found}. ${decided?.by.name} decided: ${choice}. That is carried out.`,
  );
  const decision = { choice, ...(reason !== undefined && { reason }) };
  await decide(home, carrier.requests, now, decision, localActor(home.config));
  return now.question;
}

async function confirm(io: Io, options: RotateOptions, plan: Plan): Promise<void> {
  if (!io.json) io.note(planText(plan));
  if (options.yes || options.confirm === plan.secret) return;
  const production = plan.snapshot.environment === "production";
  if (!io.canAsk) {
    throw new LockstepError({
      code: "CONFIRMATION_NEEDED",
      message: [
        `Rotating ${plan.secret} needs a yes, and there is no terminal to ask on`,
        ...(options.confirm === undefined
          ? []
          : [`--confirm ${shellWord(options.confirm)}, which is not its name`]),
      ].join("\n"),
      because: "nothing is changed without it; nothing was started",
      next: [
        rotateCommand(plan),
        ...(options.plan === undefined ? [] : [`--plan ${options.plan}`]),
        ...(options.takeOver || options.because === undefined ? [] : [becauseFlag(options.because)]),
        "--yes",
      ].join(" "),
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

/** Taking an entry over from another installation is a superadmin's decision, and the record keeps why. */
function takeOverOf(
  options: RotateOptions,
  config: Home["config"],
  secret: string,
): { readonly takeOver?: string } {
  if (!options.takeOver) return {};
  requireRole(localActor(config), "superadmin", "Taking an entry over");
  if (options.because !== undefined) return { takeOver: options.because };
  throw new LockstepError({
    code: "USAGE",
    message: "--take-over needs --because",
    because:
      "two installations that rotate one secret end each other's keys, so the record keeps why this is safe",
    next: `lockstep rotate ${secret} --take-over ${becauseFlag()}`,
  });
}

function planChanged(asked: string, plan: Plan): LockstepError {
  return new LockstepError({
    code: "PLAN_CHANGED",
    message: `The plan is ${plan.hash} now, not ${asked}`,
    because:
      "the configuration, the month, the program or the options changed since it was shown; nothing was started",
    next: plan.snapshot.takeOver
      ? `${rotateCommand(plan)}    shows it, and asks`
      : rotateCommand(plan).replace("lockstep rotate", "lockstep plan"),
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

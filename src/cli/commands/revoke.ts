import { decide } from "../../app/decisions.ts";
import type { Home } from "../../app/home.ts";
import { impactOf } from "../../app/impact.ts";
import { localActor, requireRole } from "../../app/people.ts";
import { planFor, runningFor, startRun, viewRun } from "../../app/runs.ts";
import { LockstepError } from "../../core/errors.ts";
import type { Plan } from "../../core/plan.ts";
import type { RunRecord } from "../../core/record.ts";
import { shellWord } from "../../core/shell.ts";
import { SHORTEST_PREFIX } from "../../core/snapshot.ts";
import { ask } from "../ask.ts";
import { follow, withCarrier, withHome } from "../follow.ts";
import { EXIT, type Io, type Result } from "../io.ts";
import { blocks, table } from "../layout.ts";
import type { Common } from "../main.ts";
import { becauseFlag, heading } from "../render.ts";
import { typedBack } from "../typed-back.ts";

interface RevokeOptions extends Common {
  readonly id?: string;
  readonly breakGlass: boolean;
  readonly because?: string;
  readonly yes: boolean;
  readonly confirm?: string;
}

/** `lockstep revoke`: ends one credential now, without a successor; with broken glass also the one in use. */
export function revoke(io: Io, options: RevokeOptions, secret: string): Promise<Result> {
  return withHome(options, async (home) => {
    const plan = planOf(home, options, secret);
    const there = await runningFor(home, secret);
    if (there) await sameOne(home, there, plan);
    else await confirm(io, home, options, plan);
    return withCarrier(io, home, async (carrier, signal) => {
      const actor = localActor(home.config);
      const { because } = options;
      const { run, attached } = await startRun(home, carrier.requests, plan, actor, { seen: there, because });
      if (attached) await sameOne(home, run, plan);
      io.note(attached ? `Attached to ${run.id}, ${run.status}.` : `Run ${run.id}. ^C leaves it safe.`);
      const held = run.status === "held" ? run.question : undefined;
      const retry = { choice: "retry", ...(because !== undefined && { reason: because }) } as const;
      if (held !== undefined) await decide(home, carrier.requests, run, retry, actor);
      const result = await follow(io, home, run, { signal, answered: held });
      return result.exit === EXIT.done ? { ...result, text: await endText(home, run, plan) } : result;
    });
  });
}

function planOf(home: Home, options: RevokeOptions, secret: string): Plan {
  const { id, breakGlass, because } = options;
  if (id === undefined || (breakGlass && !because))
    throw new LockstepError({
      code: "USAGE",
      message: id === undefined ? "revoke needs --id" : "--break-glass needs --because",
      because:
        id === undefined
          ? "a credential is ended only by its exact id"
          : "the record keeps why a key was ended that copies may hold",
      next: revokeCommand(secret, options),
    });
  if (id.length < SHORTEST_PREFIX) throw tooShort(options, secret);
  if (breakGlass) requireRole(localActor(home.config), "superadmin", "Break-glass");
  return planFor(home.config, {
    secret,
    flow: "revoke",
    reason: breakGlass ? "compromise" : "scheduled",
    sandbox: options.sandbox,
    ending: { id, ...(breakGlass && because !== undefined && { breakGlass: because }) },
  });
}

function tooShort({ id: _id, ...options }: RevokeOptions, secret: string): LockstepError {
  return new LockstepError({
    code: "USAGE",
    message: `--id needs the credential's id, or ${SHORTEST_PREFIX} or more characters of its beginning`,
    because: "a credential is ended only by its exact id, and a shorter beginning may be another one's",
    next: `${revokeCommand(secret, options)}    as the issuer lists it`,
  });
}

/** One run a secret at a time, and a revoke attaches only to one of the same credential, ended in the same way (P8). */
async function sameOne(home: Home, there: RunRecord, plan: Plan): Promise<void> {
  const { plan: theirs } = await viewRun(home, there.id);
  const [a, b] = [theirs.snapshot.ending, plan.snapshot.ending];
  const same = a?.id === b?.id && (a?.breakGlass === undefined) === (b?.breakGlass === undefined);
  if (there.flow === "revoke" && same) return;
  throw new LockstepError({
    code: "RUN_IN_PROGRESS",
    message: `${there.id} is ${there.status}`,
    because: "one run a secret at a time; what it has created or written is not to be ended beside it",
    next: `lockstep show ${there.id}`,
  });
}

async function confirm(io: Io, home: Home, options: RevokeOptions, plan: Plan): Promise<void> {
  if (!io.json) io.note(planText(plan));
  if (options.breakGlass) return confirmBroken(io, home, options, plan);
  if (options.yes || options.confirm === plan.secret) return;
  const { environment } = plan.snapshot;
  if (!io.canAsk)
    throw needed(`Ending a key of ${plan.secret}`, `${revokeCommand(plan.secret, options)} --yes`);
  const production = environment === "production";
  const answer = await ask(production ? `Type ${plan.secret} to end it: ` : "End it? y/N ");
  if (production ? answer === plan.secret : /^y(es)?$/i.test(answer)) return;
  throw declined(plan, options, "the answer was not yes");
}

/** What will break is shown and typed back, each copy and each consumer: nobody does this by mistake. */
async function confirmBroken(io: Io, home: Home, options: RevokeOptions, plan: Plan): Promise<void> {
  const { copies, consumers } = await impactOf(home, plan.secret);
  const list = [...copies.map((one) => one.target), ...consumers.map((one) => one.name)];
  io.note(
    [
      "Whatever of these holds the key is refused from that moment on:",
      blocks([
        ...copies.map((one) => [`  ${one.target}`, one.effect] as const),
        ...consumers.map((one) => [`  ${one.name}`, one.reads] as const),
      ]),
    ].join("\n"),
  );
  if (options.confirm === undefined && !io.canAsk)
    throw needed(
      "Breaking the glass",
      `${revokeCommand(plan.secret, options)} --confirm ${shellWord(list.join(", "))}`,
    );
  const typed = options.confirm ?? (await ask("Type the first column back, separated by commas: "));
  const { missing, besides } = typedBack(list, typed);
  if (missing.length > 0) throw declined(plan, options, `not typed back: ${missing.join(", ")}`);
  if (besides !== "") throw declined(plan, options, `typed besides: ${besides}`);
}

/** The command that asks for this again, with what it still needs. */
function revokeCommand(secret: string, { id, breakGlass, because }: RevokeOptions): string {
  return [
    `lockstep revoke ${secret} --id ${id === undefined ? "<id>" : shellWord(id)}`,
    ...(breakGlass ? ["--break-glass"] : []),
    ...(breakGlass || because !== undefined ? [becauseFlag(because)] : []),
  ].join(" ");
}

function planText({ snapshot, steps, hash }: Plan): string {
  const { secret, environment, issuer } = snapshot;
  return [
    heading(secret, environment, issuer.target),
    `Revoke by revoke@1, plan ${hash}. Nothing takes its place.`,
    "",
    table(steps.map((one, i) => [` ${one.pointOfNoReturn ? "!" : " "} ${i + 1}`, one.id, one.says])),
  ].join("\n");
}

async function endText(home: Home, run: RunRecord, { snapshot, secret }: Plan): Promise<string> {
  const { run: now, steps } = await viewRun(home, run.id);
  const shown = steps.find((step) => step.id === "prove-dead")?.says ?? "";
  const next =
    snapshot.ending?.breakGlass === undefined
      ? `lockstep audit ${run.id}`
      : `lockstep rotate ${secret} --supplied`;
  return [`Ended ${now.old?.id.slice(0, 8) ?? "it"}…: ${shown}`, `next  ${next}`].join("\n");
}

function needed(what: string, next: string): LockstepError {
  return new LockstepError({
    code: "CONFIRMATION_NEEDED",
    message: `${what} needs a confirmation, and there is no terminal to ask on`,
    because: "it cannot be taken back; nothing was started",
    next,
  });
}

function declined({ secret }: Plan, options: RevokeOptions, because: string): LockstepError {
  return new LockstepError({
    code: "DECLINED",
    message: "Not started",
    because,
    next: revokeCommand(secret, options),
  });
}

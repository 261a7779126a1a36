import { decide, questionFor } from "../../app/decisions.ts";
import { localActor, requireRole } from "../../app/people.ts";
import { nextCommand, safeState } from "../../app/run-words.ts";
import { type RunView, viewRun, wayBackOf } from "../../app/runs.ts";
import type { Decision } from "../../core/circumstances.ts";
import { LockstepError } from "../../core/errors.ts";
import { ask } from "../ask.ts";
import { follow, withCarrier, withHome } from "../follow.ts";
import { EXIT, type Io, type Result } from "../io.ts";
import { hanging } from "../layout.ts";
import type { Common } from "../main.ts";
import { becauseFlag } from "../render.ts";
import { runJson } from "../run-json.ts";
import { choicesFor, choicesText, troubleLines } from "../run-text.ts";

interface ResolveOptions extends Common {
  readonly retry: boolean;
  readonly settle: boolean;
  readonly rollback: boolean;
  readonly breakGlass: boolean;
  readonly because?: string;
  readonly confirm?: string;
  readonly yes: boolean;
}

/** `lockstep resolve`: what can be decided on a held run, and the decision (X-14, X-15). */
export function resolve(io: Io, options: ResolveOptions, id: string): Promise<Result> {
  return withHome(options, async (home) => {
    const view = await viewRun(home, id);
    const asks = io.canAsk && choicesFor(view).length > 0;
    const choice = choiceOf(options) ?? (asks ? await askFor(io, view) : undefined);
    if (!choice) return shown(view);
    // Nobody types a name for a decision that is not taken.
    questionFor(view.run, choice);
    await confirmed(io, view, choice, options);
    const actor = localActor(home.config);
    if (choice === "break-glass") requireRole(actor, "superadmin", "Break-glass");
    return withCarrier(io, home, async (carrier, signal) => {
      const decision = { choice, ...(options.because !== undefined && { reason: options.because }) };
      await decide(home, carrier.requests, view.run, decision, actor);
      const result = await follow(io, home, view.run, { signal, answered: view.run.question, known: view });
      const { run } = await viewRun(home, id);
      // What was asked for was done.
      return choice === "rollback" && run.trouble?.code === "RUN_ROLLED_BACK"
        ? { ...result, exit: EXIT.done }
        : result;
    });
  });
}

/** `lockstep rollback`: puts the old value back everywhere and ends the new key (X-14). */
export function rollback(io: Io, options: Omit<ResolveOptions, "rollback">, id: string): Promise<Result> {
  return resolve(io, { ...options, retry: false, settle: false, breakGlass: false, rollback: true }, id);
}

function choiceOf(options: ResolveOptions): Decision["choice"] | undefined {
  const asked = (["retry", "settle", "rollback"] as const).filter((one) => options[one] === true);
  const all = options.breakGlass ? [...asked, "break-glass" as const] : asked;
  if (all.length <= 1) return all[0];
  throw new LockstepError({
    code: "USAGE",
    message: `${all.map((one) => `--${one}`).join(" and ")} exclude each other`,
    because: "one decision at a time",
    next: "lockstep resolve --help",
  });
}

function shown(view: RunView): Result {
  const { run, steps } = view;
  const choices = choicesFor(view);
  const text = [
    safeState(run, steps),
    ...troubleLines(run),
    ...(choices.length > 0
      ? ["You can decide:", ...choicesText(view)]
      : [`There is nothing to decide: it is ${run.status}.`]),
    ...(run.status === "held" ? [] : [`next  ${nextCommand(run)}`]),
  ].join("\n");
  const exit = run.status === "held" ? EXIT.held : run.status === "waiting" ? EXIT.waits : EXIT.done;
  return { exit, json: { ...runJson(view), choices }, text };
}

async function askFor(io: Io, view: RunView): Promise<Decision["choice"]> {
  io.note(shown(view).text);
  const choices = choicesFor(view).map((one) => one.choice);
  const answer = await ask(`${choices.join(", ")}? `);
  const choice = choices.find((one) => one === answer);
  if (choice) return choice;
  throw declined("the answer is none of the choices", view.run.id);
}

/** What cannot be taken back is confirmed by the secret's name. */
async function confirmed(
  io: Io,
  { run, plan }: RunView,
  choice: Decision["choice"],
  options: ResolveOptions,
): Promise<void> {
  if (choice === "retry" || choice === "settle") return;
  if (choice === "rollback" && (options.yes || options.confirm === plan.secret)) return;
  if (choice === "break-glass" && options.confirm === plan.secret && options.because) return;
  const why = choice === "break-glass" || options.because ? [becauseFlag(options.because)] : [];
  const command =
    choice === "rollback" ? `lockstep rollback ${run.id}` : `lockstep resolve ${run.id} --break-glass`;
  if (!io.canAsk || (choice === "break-glass" && !options.because))
    throw new LockstepError({
      code: "CONFIRMATION_NEEDED",
      message: `${choice === "rollback" ? "Rolling back" : "Breaking the glass"} needs a confirmation`,
      because: "it cannot be taken back; nothing was decided",
      next: [command, `--confirm ${plan.secret}`, ...why].join(" "),
    });
  // P10: nothing is done that was not shown.
  const lines = wayBackOf(plan).filter(({ id }) => (id === "break-glass") === (choice === "break-glass"));
  io.note(lines.map(({ says }) => hanging(`  ${says}`, 4)).join("\n"));
  if ((await ask(`Type ${plan.secret} to go on: `)) !== plan.secret)
    throw declined(`the answer was not ${plan.secret}`, run.id);
}

function declined(because: string, id: string): LockstepError {
  return new LockstepError({
    code: "DECLINED",
    message: "Nothing was decided",
    because,
    next: `lockstep show ${id}`,
  });
}

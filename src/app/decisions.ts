import type { Decision } from "../core/circumstances.ts";
import { LockstepError, troubleOf } from "../core/errors.ts";
import type { Actor, RunId, RunRecord } from "../core/record.ts";
import { auditLogIn } from "../db/audit-log.ts";
import { type DecisionRecord, recordDecision } from "../db/decisions.ts";
import { requestCancel } from "../db/runs.ts";
import { answeredTask } from "../db/tasks.ts";
import type { Requests } from "../engine/requests.ts";
import type { Home } from "./home.ts";
import { requireRole } from "./people.ts";
import { nextCommand } from "./run-words.ts";
import { enqueue, type RunView, viewRun } from "./runs.ts";

/**
 * Tells a run that is held, or waits for a task, what a person decided; to go on in spite of a task is no decision. Of two on one
 * question the first stands; the same one again is sent again, because whoever made it may have died before it was. Throws
 * RUN_NOT_WAITING, TASK_TAKEN.
 */
export async function decide(
  home: Pick<Home, "database">,
  requests: Requests,
  run: RunRecord,
  decision: Decision,
  actor: Actor,
): Promise<void> {
  requireRole(actor, (await viewRun(home, run.id)).plan.snapshot.role, `Deciding on ${run.id}`);
  const { choice } = decision;
  const question = questionFor(run, choice);
  const answered = choice === "cancel" ? undefined : await answeredTask(home.database, run.id);
  if (answered) throw answeredAlready(run);
  const stands = await recordDecision(home.database, { run: run.id, question, choice, by: actor });
  if (stands.choice !== choice) throw decidedOtherwise(run, stands);
  await auditLogIn(home.database).append({
    action: `secret.${run.flow}.decision`,
    actor,
    secret: run.secret,
    run: run.id,
    context: { choice, ...(decision.reason !== undefined && { reason: decision.reason }) },
  });
  await requests.tell(run.id, question, { ...decision, by: actor });
}

/** The question that such a decision would answer. Throws RUN_NOT_WAITING where nothing is asked, or a task is. */
export function questionFor(run: RunRecord, choice: Decision["choice"]): string {
  const { question, status } = run;
  if (status === "waiting" && (choice === "retry" || choice === "settle")) throw waitsForItsTask(run);
  if (question === undefined || (status !== "held" && status !== "waiting")) throw notWaiting(run);
  return question;
}

/**
 * Asks a run to stop; throws RUN_NOT_CANCELLABLE once a store has been written. Records who asked. One that is held because
 * the end of a key was refused decides by a look whether it may be left.
 */
export async function askToCancel(home: Home, requests: Requests, id: RunId, actor: Actor): Promise<RunView> {
  const view = await viewRun(home, id);
  requireRole(actor, view.plan.snapshot.role, `Cancelling ${id}`);
  const audit = auditLogIn(home.database);
  const deciding = view.plan.steps.filter((line) => isDecision(line.undoes));
  // What was announced may have happened; that a step was begun says nothing.
  const announced = await Promise.all(deciding.map((line) => audit.intendedAt(id, line.id)));
  const written = deciding.find((_, i) => announced[i] !== undefined);
  if (view.run.endedAt !== undefined)
    throw notCancellable(
      id,
      `it is ${view.run.status}`,
      "a run that has ended has nothing left to stop",
      `lockstep show ${id}`,
    );
  const looks = view.run.status === "held" && written?.undoes === "no way back";
  if (written && !looks) {
    throw notCancellable(
      id,
      `the step ${written.id} has begun to write a store`,
      "from the first store write on nothing is taken back without a person's decision on each key",
      nextCommand(view.run),
    );
  }
  await audit.append({
    action: `secret.${view.run.flow}.cancel.requested`,
    actor,
    secret: view.run.secret,
    run: id,
    context: {},
  });
  await requestCancel(home.database, id, actor);
  await enqueue(requests, view.run, view.plan);
  if (view.run.status === "held" || view.run.status === "waiting")
    await decide(home, requests, view.run, { choice: "cancel" }, actor).catch((thrown: unknown) => {
      // The run goes on by another decision, and reads the wish at the beginning of its next step.
      if (troubleOf(thrown).code !== "TASK_TAKEN") throw thrown;
    });
  return view;
}

function isDecision(undoes: string | null): boolean {
  return undoes === "no way back" || (undoes?.includes("a person decides") ?? false);
}

function notCancellable(id: RunId, found: string, because: string, next: string): LockstepError {
  return new LockstepError({
    code: "RUN_NOT_CANCELLABLE",
    message: `${id} cannot be cancelled: ${found}`,
    because,
    next,
  });
}

function notWaiting(run: RunRecord): LockstepError {
  return new LockstepError({
    code: "RUN_NOT_WAITING",
    message: `${run.id} is ${run.status}: there is nothing to decide`,
    because: "only a run that is held, or waits for a person, takes a decision",
    next: `lockstep show ${run.id}`,
  });
}

function waitsForItsTask({ id }: RunRecord): LockstepError {
  return new LockstepError({
    code: "RUN_NOT_WAITING",
    message: `${id} waits for a person's task, not for that decision`,
    because: "a task is done or declined; nothing was decided, and the task is still open",
    next: `lockstep answer ${id}    says what is to be done`,
  });
}

function answeredAlready({ id }: RunRecord): LockstepError {
  return new LockstepError({
    code: "TASK_TAKEN",
    message: `The task of ${id} is answered already`,
    because: "the run goes on with that answer; nothing was decided",
    next: `lockstep show ${id}`,
  });
}

function decidedOtherwise(run: RunRecord, { choice, by, at }: DecisionRecord): LockstepError {
  return new LockstepError({
    code: "TASK_TAKEN",
    message: `${by.name} decided on ${run.id} already, at ${at}: ${choice}`,
    because:
      "the first decision stands, so that a run does not go another way than the one who decided was told",
    next: `lockstep show ${run.id}`,
  });
}

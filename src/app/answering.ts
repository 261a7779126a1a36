import { randomUUID } from "node:crypto";
import type { Answer } from "../core/circumstances.ts";
import { LockstepError } from "../core/errors.ts";
import type { Actor, RunId } from "../core/record.ts";
import type { SealPurpose } from "../core/sealed.ts";
import { Secret } from "../core/secret-value.ts";
import { systemClock } from "../core/time.ts";
import { auditLogIn } from "../db/audit-log.ts";
import { answeredTask, answerTask, claimTask, openTasks, type TaskRecord } from "../db/tasks.ts";
import type { Requests } from "../engine/requests.ts";
import { handOver } from "../sealing/hand-over.ts";
import { sealedValues } from "../sealing/sealed-values.ts";
import type { Home } from "./home.ts";
import { requireRole } from "./people.ts";
import { viewRun } from "./runs.ts";

/** The task that a run waits for. Throws RUN_UNKNOWN and RUN_NOT_WAITING. */
export async function taskOf(home: Home, run: RunId): Promise<TaskRecord> {
  const view = await viewRun(home, run);
  const task = (await openTasks(home.database, run))[0];
  if (task) return task;
  throw new LockstepError({
    code: "RUN_NOT_WAITING",
    message: `${run} is ${view.run.status} and waits for no task`,
    because: "only a task that is open can be answered",
    next: `lockstep show ${run}`,
  });
}

/** The answer that a run waits for and that was given: whoever gave it may have died before the run was told. */
export function answerUnderWay(home: Home, run: RunId): Promise<TaskRecord | undefined> {
  return answeredTask(home.database, run);
}

/** Tells a run again what was answered; it takes up the first of them. */
export async function tellAgain(
  requests: Requests,
  { run, question, answer: kept }: TaskRecord,
): Promise<void> {
  await requests.tell(run, question, kept);
}

/** Takes the task for this person before anything is shown or typed. Throws ROLE_MISSING, TASK_TAKEN. */
export async function claim(home: Home, task: TaskRecord, actor: Actor, take: boolean): Promise<void> {
  const { plan, run } = await viewRun(home, task.run);
  requireRole(actor, plan.snapshot.role, `The task of ${task.run}`);
  await claimTask(home.database, task, actor, take);
  await auditLogIn(home.database).append({
    action: "task.claimed",
    actor,
    secret: run.secret,
    run: task.run,
    step: task.step,
    context: { question: task.question, take },
  });
}

/** Hands the run's value to an operator who carries it to its place; the audit entry comes first (P7, P9). */
export async function revealTo(
  home: Home,
  task: TaskRecord,
  actor: Actor,
  to: { readonly how: "terminal" | "command"; take(field: string, text: string): void },
): Promise<void> {
  const { run } = await viewRun(home, task.run);
  const purpose: SealPurpose = task.task.kind === "carry" ? task.task.value : "pending";
  await auditLogIn(home.database).append({
    action: "value.revealed",
    actor,
    secret: run.secret,
    run: task.run,
    step: task.step,
    context: { how: to.how, value: purpose },
  });
  const sealed = sealedValues(home.database, home.ring, task.run, run.secret);
  const kept = (await sealed.find(purpose))[0];
  if (kept) return handOver(await sealed.open(kept.id), to.take);
  throw new LockstepError({
    code: "RUN_NOT_WAITING",
    message: `${task.run} holds no value to carry`,
    because: "its value is forgotten once it stands everywhere",
    next: `lockstep show ${task.run}`,
  });
}

/** What a person answered: that it is done, with the fields that were typed, or that it will not be done. */
export interface Said {
  readonly is: Answer["is"];
  readonly fields?: Readonly<Record<string, string>>;
  readonly reason?: string;
}

/** Seals what was typed, marks the task as answered, and tells the run. Throws TASK_TAKEN when another was faster. */
export async function answer(
  home: Home,
  requests: Requests,
  task: TaskRecord,
  actor: Actor,
  said: Said,
): Promise<void> {
  const { run } = await viewRun(home, task.run);
  const { fields, ...rest } = said;
  const values = sealedValues(home.database, home.ring, task.run, run.secret);
  const sealed =
    fields &&
    // Each paste by itself: what is sealed for a purpose stays, and an earlier one may be of a person who lost the task.
    (await values.seal(
      `pasted/${task.question}/${randomUUID()}`,
      Object.fromEntries(Object.entries(fields).map(([name, text]) => [name, Secret.of(text)])),
    ));
  const message: Answer = {
    ...rest,
    by: actor,
    at: systemClock.now(),
    ...(sealed && { sealed: sealed.id, fingerprints: sealed.fingerprints }),
  };
  try {
    await auditLogIn(home.database).append({
      action: "task.answered",
      actor,
      secret: run.secret,
      run: task.run,
      step: task.step,
      context: {
        question: task.question,
        is: said.is,
        ...(said.reason !== undefined && { reason: said.reason }),
      },
    });
    await answerTask(home.database, task, message);
  } catch (thrown) {
    // Nobody will judge it.
    if (sealed) await values.drop(sealed.id).catch(() => {});
    throw thrown;
  }
  await requests.tell(task.run, task.question, message);
}

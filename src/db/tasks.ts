import type { Answer } from "../core/circumstances.ts";
import { LockstepError } from "../core/errors.ts";
import type { Actor, RunId } from "../core/record.ts";
import type { Task } from "../core/task.ts";
import type { Instant } from "../core/time.ts";
import type { Queries } from "./database.ts";
import { jsonText } from "./plain.ts";

/** An operator's task as it stands. */
export interface TaskRecord {
  readonly run: RunId;
  /** The key under which the run waits for the answer. */
  readonly question: string;
  readonly step: string;
  readonly task: Task;
  readonly openedAt: Instant;
  readonly claimedBy?: Actor;
  readonly answeredBy?: Actor;
  readonly answeredAt?: Instant;
  readonly answer?: Answer;
}

/** Opens a task; a replay finds it there. */
export async function openTask(
  queries: Queries,
  { run, question, step, task }: Pick<TaskRecord, "run" | "question" | "step" | "task">,
): Promise<void> {
  await queries.query(
    "INSERT INTO lockstep.task (run, question, step, task) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
    [run, question, step, jsonText(task, "task")],
  );
}

/** The tasks that wait for an answer, oldest first; of one run, or of all. */
export async function openTasks(queries: Queries, run?: RunId): Promise<readonly TaskRecord[]> {
  const rows = await queries.query<TaskRow>(
    `SELECT task.* FROM lockstep.task JOIN lockstep.run ON run.id = task.run
     WHERE answered_at IS NULL AND run.status = 'waiting' AND run.question = task.question
       AND ($1::text IS NULL OR task.run = $1) ORDER BY opened_at`,
    [run ?? null],
  );
  return rows.map(recordOf);
}

/** Claims a task for one person: compare-and-set. Throws TASK_TAKEN when another has it, unless `take` says to take it over. */
export async function claimTask(queries: Queries, task: TaskRecord, by: Actor, take: boolean): Promise<void> {
  const rows = await queries.query(
    `UPDATE lockstep.task SET claimed_by = $3, claimed_at = date_trunc('milliseconds', clock_timestamp())
     WHERE run = $1 AND question = $2 AND answered_at IS NULL
       AND (claimed_by IS NULL OR claimed_by ->> 'name' = $4 OR $5::boolean) RETURNING run`,
    [task.run, task.question, jsonText(by), by.name, take],
  );
  if (rows.length === 0) throw taken(await again(queries, task));
}

/** The task that a run waits for and that is answered, where the run has not taken the answer up. */
export async function answeredTask(queries: Queries, run: RunId): Promise<TaskRecord | undefined> {
  const rows = await queries.query<TaskRow>(
    `SELECT task.* FROM lockstep.task JOIN lockstep.run ON run.id = task.run
     WHERE answer IS NOT NULL AND run.status = 'waiting' AND run.question = task.question AND task.run = $1`,
    [run],
  );
  return rows[0] && recordOf(rows[0]);
}

/** Marks a task as answered by whoever claimed it; the one who does so sends the answer. Throws TASK_TAKEN. */
export async function answerTask(queries: Queries, task: TaskRecord, answer: Answer): Promise<void> {
  const { by } = answer;
  const rows = await queries.query(
    `UPDATE lockstep.task SET answered_by = $3, answered_at = date_trunc('milliseconds', clock_timestamp()), answer = $5
     WHERE run = $1 AND question = $2 AND answered_at IS NULL AND claimed_by ->> 'name' = $4 RETURNING run`,
    [task.run, task.question, jsonText(by), by.name, jsonText(answer, "answer")],
  );
  if (rows.length === 0) throw taken(await again(queries, task));
}

async function again(queries: Queries, { run, question }: TaskRecord): Promise<TaskRecord | undefined> {
  const rows = await queries.query<TaskRow>("SELECT * FROM lockstep.task WHERE run = $1 AND question = $2", [
    run,
    question,
  ]);
  return rows[0] && recordOf(rows[0]);
}

function taken(task: TaskRecord | undefined): LockstepError {
  const answered = task?.answeredBy;
  return new LockstepError({
    code: "TASK_TAKEN",
    message: answered
      ? `The task is answered already, by ${answered.name}`
      : `${task?.claimedBy?.name ?? "Somebody else"} has the task`,
    because: "a task is done by one person, so that nothing is done twice",
    next: answered ? `lockstep show ${task?.run}` : `lockstep answer ${task?.run} --take`,
  });
}

interface TaskRow {
  run: RunId;
  question: string;
  step: string;
  task: Task;
  opened_at: Instant;
  claimed_by: Actor | null;
  answered_by: Actor | null;
  answered_at: Instant | null;
  answer: Answer | null;
}

function recordOf(row: TaskRow): TaskRecord {
  return {
    run: row.run,
    question: row.question,
    step: row.step,
    task: row.task,
    openedAt: row.opened_at,
    ...(row.claimed_by !== null && { claimedBy: row.claimed_by }),
    ...(row.answered_by !== null && { answeredBy: row.answered_by }),
    ...(row.answered_at !== null && { answeredAt: row.answered_at }),
    ...(row.answer !== null && { answer: row.answer }),
  };
}

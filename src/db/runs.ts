import { createHash } from "node:crypto";
import { LockstepError, type Trouble } from "../core/errors.ts";
import type {
  Actor,
  Flow,
  Reason,
  RunId,
  RunRecord,
  RunStatus,
  StepRecord,
  StepState,
} from "../core/record.ts";
import type { Instant } from "../core/time.ts";
import type { Database, Queries } from "./database.ts";
import { jsonText, plainText, wholeJson } from "./plain.ts";

/** What a new run is started with. */
export interface RunRequest {
  readonly secret: string;
  readonly flow: Flow;
  readonly runbook: string;
  readonly planHash: string;
  /** The compiled plan as plain data, kept so that `show` needs no engine. */
  readonly plan: unknown;
  readonly reason: Reason;
  /** Why, in the words of whoever starts it. */
  readonly because?: string;
  readonly actor: Actor;
}

/** The run that a request led to; `attached` when it was there already, and then its flow may be another one. */
export interface Reservation {
  readonly run: RunRecord;
  readonly attached: boolean;
}

/** A run with the plan it was started with. */
export interface RunWithPlan extends RunRecord {
  readonly plan: unknown;
}

/** Which runs to list; all that is given must hold. */
export interface RunFilter {
  readonly secret?: string;
  readonly flow?: Flow;
  /** Only runs that have not ended. */
  readonly active?: boolean;
  /** Default 50. */
  readonly limit?: number;
}

/** A person's wish to cancel. */
export interface CancelRequest {
  readonly by: Actor;
  readonly at: Instant;
}

const ENDED = "('completed', 'cancelled', 'failed')";

/**
 * A short name of a run for vendors' descriptions: `ls-` and 12 characters of base32, the same on every replay and in no other
 * installation, so that a lost reply's orphan is found by it.
 */
export function runTag(installation: string, run: RunId): string {
  const alphabet = "abcdefghijklmnopqrstuvwxyz234567";
  const digest = createHash("sha256").update(`lockstep run tag\n${installation}\n${run}`).digest();
  // 8 bits of the digest a character, of which 5 are used: simpler than repacking, and as uniform.
  return `ls-${[...digest.subarray(0, 12)].map((byte) => alphabet[byte & 31]).join("")}`;
}

/**
 * Takes the next number for that secret and flow, or attaches to the run that is changing the secret now: only one rotate,
 * revoke or recover of a secret is under way in a database (P8). A test changes nothing and always gets its own run.
 */
export async function reserveRun(database: Database, request: RunRequest): Promise<Reservation> {
  const { secret, flow } = request;
  const plan = wholeJson(request.plan, "plan");
  const changes = flow !== "test" && flow !== "follow-up";
  return database.transaction(async (queries) => {
    // Two starters at once: the second waits here and then sees the first one's run.
    await queries.query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [`lockstep run ${secret}`]);
    const active = changes ? await activeRun(queries, secret) : undefined;
    if (active !== undefined) return { run: active, attached: true };
    const counted = await queries.query<{ n: number }>(
      "SELECT coalesce(max(n), 0) + 1 AS n FROM lockstep.run WHERE secret = $1 AND flow = $2",
      [secret, flow],
    );
    const n = counted[0]?.n ?? 1;
    const id = `${secret}.${flow}.${n}`;
    const rows = await queries.query<RunRow>(
      `INSERT INTO lockstep.run (id, secret, flow, n, runbook, plan_hash, plan, reason, because, actor, tag)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING *`,
      [
        id,
        secret,
        flow,
        n,
        request.runbook,
        request.planHash,
        plan,
        request.reason,
        request.because === undefined ? null : plainText(request.because),
        jsonText(request.actor),
        runTag(database.installation, id),
      ],
    );
    return { run: recordOf(only(rows, id)), attached: false };
  });
}

/** One run with its plan. Throws RUN_UNKNOWN. */
export async function getRun(queries: Queries, id: RunId): Promise<RunWithPlan> {
  const row = only(await queries.query<RunRow>("SELECT * FROM lockstep.run WHERE id = $1", [id]), id);
  return { ...recordOf(row), plan: row.plan };
}

/** One run as it stands, without its plan, which never changes. Throws RUN_UNKNOWN. */
export async function getRunRecord(queries: Queries, id: RunId): Promise<RunRecord> {
  const rows = await queries.query<RunRow>(`SELECT ${COLUMNS} FROM lockstep.run WHERE id = $1`, [id]);
  return recordOf(only(rows, id));
}

/** Runs, newest first, without their plans. */
export async function listRuns(queries: Queries, filter: RunFilter = {}): Promise<readonly RunRecord[]> {
  const rows = await queries.query<RunRow>(
    `SELECT ${COLUMNS} FROM lockstep.run
     WHERE ($1::text IS NULL OR secret = $1) AND ($2::text IS NULL OR flow = $2)
       AND ($3::boolean IS NOT TRUE OR status NOT IN ${ENDED})
     ORDER BY started_at DESC, n DESC LIMIT $4`,
    [filter.secret ?? null, filter.flow ?? null, filter.active ?? null, filter.limit ?? 50],
  );
  return rows.map(recordOf);
}

/** The run that is changing the secret now, if any. */
export async function activeRun(queries: Queries, secret: string): Promise<RunRecord | undefined> {
  const rows = await queries.query<RunRow>(
    `SELECT ${COLUMNS} FROM lockstep.run WHERE secret = $1 AND flow NOT IN ('test', 'follow-up') AND status NOT IN ${ENDED}`,
    [secret],
  );
  return rows[0] && recordOf(rows[0]);
}

/** The steps that a run has come to, in the order in which they began. */
export async function getSteps(queries: Queries, run: RunId): Promise<readonly StepRecord[]> {
  const rows = await queries.query<StepRow>(
    `SELECT step.*, EXISTS (SELECT FROM lockstep.audit
         WHERE audit.run = step.run AND audit.step = step.id AND audit.action LIKE '%.intended'
           AND audit.action NOT LIKE '%.undo.intended') AS announced
     FROM lockstep.step WHERE run = $1 ORDER BY seq`,
    [run],
  );
  return rows.map((row) => ({
    id: row.id,
    state: row.state,
    attempts: row.attempts,
    ...(row.announced && { announced: true as const }),
    ...(row.started_at !== null && { startedAt: row.started_at }),
    ...(row.ended_at !== null && { endedAt: row.ended_at }),
    ...(row.says !== null && { says: row.says }),
    ...(row.trouble !== null && { trouble: row.trouble }),
    calls: row.calls,
  }));
}

/** Notes a person's wish to cancel; the first one stands. True unless the run has already ended. Throws RUN_UNKNOWN. */
export async function requestCancel(queries: Queries, run: RunId, actor: Actor): Promise<boolean> {
  const rows = await queries.query(
    `UPDATE lockstep.run SET
       cancel_by = coalesce(cancel_by, $2),
       cancel_at = coalesce(cancel_at, date_trunc('milliseconds', clock_timestamp()))
     WHERE id = $1 AND status NOT IN ${ENDED} RETURNING id`,
    [run, jsonText(actor)],
  );
  if (rows.length === 0) await getRun(queries, run);
  return rows.length > 0;
}

/** Who asked for the run to be cancelled, and when; undefined when nobody did. Throws RUN_UNKNOWN. */
export async function cancelRequested(queries: Queries, run: RunId): Promise<CancelRequest | undefined> {
  const rows = await queries.query<{ cancel_by: Actor | null; cancel_at: Instant | null }>(
    "SELECT cancel_by, cancel_at FROM lockstep.run WHERE id = $1",
    [run],
  );
  const { cancel_by: by, cancel_at: at } = only(rows, run);
  return by === null || at === null ? undefined : { by, at };
}

interface RunRow {
  id: RunId;
  secret: string;
  flow: Flow;
  status: RunStatus;
  runbook: string;
  plan_hash: string;
  plan?: unknown;
  reason: Reason;
  because: string | null;
  actor: Actor;
  tag: string;
  started_at: Instant;
  ended_at: Instant | null;
  trouble: Trouble | null;
  question: string | null;
  old: { id: string; label: string } | null;
  new: { id: string; label: string } | null;
}

interface StepRow {
  id: string;
  state: StepState;
  attempts: number;
  announced: boolean;
  started_at: Instant | null;
  ended_at: Instant | null;
  says: string | null;
  trouble: Trouble | null;
  calls: StepRecord["calls"];
}

const COLUMNS =
  "id, secret, flow, status, runbook, plan_hash, reason, because, actor, tag, started_at, ended_at, trouble, question, old, new";

function recordOf(row: RunRow): RunRecord {
  return {
    id: row.id,
    secret: row.secret,
    flow: row.flow,
    status: row.status,
    runbook: row.runbook,
    planHash: row.plan_hash,
    reason: row.reason,
    ...(row.because !== null && { because: row.because }),
    actor: row.actor,
    tag: row.tag,
    startedAt: row.started_at,
    ...(row.ended_at !== null && { endedAt: row.ended_at }),
    ...(row.trouble !== null && { trouble: row.trouble }),
    ...(row.question !== null && { question: row.question }),
    ...(row.old !== null && { old: row.old }),
    ...(row.new !== null && { new: row.new }),
  };
}

function only<Row>(rows: readonly Row[], run: RunId): Row {
  const row = rows[0];
  if (row !== undefined) return row;
  throw new LockstepError({
    code: "RUN_UNKNOWN",
    message: `There is no run ${run}`,
    because: "a run is named <secret>.<flow>.<number>, and this one is not in the database",
    next: "lockstep runs",
  });
}

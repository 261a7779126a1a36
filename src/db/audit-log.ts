import { LockstepError } from "../core/errors.ts";
import type { Actor, AuditEntry, AuditLog, RunId } from "../core/record.ts";
import type { Instant } from "../core/time.ts";
import type { Database, Queries } from "./database.ts";
import { jsonText, plainText } from "./plain.ts";
import { codeOf } from "./trouble.ts";

/** An entry as it stands in the log. `seq` grows in the order of writing and may have gaps. */
export interface AuditRecord extends AuditEntry {
  readonly seq: number;
  readonly at: Instant;
}

/** Which entries to list; all that is given must hold. */
export interface AuditFilter {
  readonly secret?: string;
  readonly run?: RunId;
  readonly step?: string;
  /** The action or its beginning up to a dot: `secret.rotate`. */
  readonly action?: string;
  readonly from?: Instant;
  /** Not included. */
  readonly to?: Instant;
  /** Only entries after this one, for following. */
  readonly afterSeq?: number;
  /** The newest so many; default 200. */
  readonly limit?: number;
}

/** The audit log in the table `audit`, which refuses every change of what it holds. */
export function auditLogIn(queries: Queries): AuditLog {
  return {
    append: (entry) => insertAudit(queries, entry),
    intendedAt: async (run, step, attempt) => {
      // `secret.<flow>.step.intended`. That of an undo is no announcement of the step's own effect.
      const rows = await queries.query<{ at: Instant }>(
        `SELECT at FROM lockstep.audit
         WHERE run = $1 AND step = $2 AND action LIKE '%.intended' AND action NOT LIKE '%.undo.intended'
           AND ($3::int IS NULL OR (context->>'attempt')::int = $3) ORDER BY seq LIMIT 1`,
        [run, step, attempt ?? null],
      );
      return rows[0]?.at;
    },
  };
}

/** Adds an entry inside a transaction of the caller's. Throws AUDIT_UNWRITABLE, and then the transaction must not commit. */
export async function insertAudit(queries: Queries, entry: AuditEntry): Promise<void> {
  try {
    await queries.query(
      `INSERT INTO lockstep.audit (action, actor, secret, run, step, context)
       VALUES ($1, $2, $3, $4, $5, $6)`,
      [
        plainText(entry.action),
        jsonText(entry.actor, "actor"),
        entry.secret ?? null,
        entry.run ?? null,
        entry.step ?? null,
        jsonText(entry.context, "context"),
      ],
    );
  } catch (cause) {
    const code = codeOf(cause);
    const because =
      cause instanceof LockstepError
        ? `${cause.message}; `
        : code
          ? `the database refused it (${code}); `
          : "";
    throw new LockstepError(
      {
        code: "AUDIT_UNWRITABLE",
        message: `the audit entry ${entry.action} could not be written`,
        because: `${because}what cannot be recorded is not done (P9)`,
        next: "lockstep doctor",
      },
      { cause },
    );
  }
}

/** Throws AUDIT_UNWRITABLE where no entry could be written now; writes none. */
export async function tryAudit(database: Database, entry: AuditEntry): Promise<void> {
  const taken = new Error("the entry is taken back");
  const tried = database.transaction(async (queries) => {
    await insertAudit(queries, entry);
    throw taken;
  });
  await tried.catch((thrown: unknown) => {
    if (thrown !== taken) throw thrown;
  });
}

/** Entries of the log, oldest first; of more than `limit` the newest, or after `afterSeq` the next. */
export async function listAudit(queries: Queries, filter: AuditFilter = {}): Promise<readonly AuditRecord[]> {
  const following = filter.afterSeq !== undefined;
  const rows = await queries.query<AuditRow>(
    `SELECT seq, at, action, actor, secret, run, step, context FROM lockstep.audit
     WHERE ($1::text IS NULL OR secret = $1) AND ($2::text IS NULL OR run = $2) AND ($3::text IS NULL OR step = $3)
       AND ($4::text IS NULL OR action = $4 OR starts_with(action, $4 || '.'))
       AND ($5::timestamptz IS NULL OR at >= $5) AND ($6::timestamptz IS NULL OR at < $6)
       AND ($7::bigint IS NULL OR seq > $7)
     ORDER BY seq ${following ? "ASC" : "DESC"} LIMIT $8`,
    [
      filter.secret ?? null,
      filter.run ?? null,
      filter.step ?? null,
      filter.action ?? null,
      filter.from ?? null,
      filter.to ?? null,
      filter.afterSeq ?? null,
      filter.limit ?? 200,
    ],
  );
  const records = rows.map(recordOf);
  return following ? records : records.reverse();
}

interface AuditRow {
  seq: number;
  at: Instant;
  action: string;
  actor: Actor;
  secret: string | null;
  run: string | null;
  step: string | null;
  context: Record<string, unknown>;
}

function recordOf(row: AuditRow): AuditRecord {
  return {
    seq: row.seq,
    at: row.at,
    action: row.action,
    actor: row.actor,
    ...(row.secret !== null && { secret: row.secret }),
    ...(row.run !== null && { run: row.run }),
    ...(row.step !== null && { step: row.step }),
    context: row.context,
  };
}

import type { Credential, Fingerprints } from "../core/credential.ts";
import { LockstepError } from "../core/errors.ts";
import { type AuditEntry, findingsOf, keylessId, type Owed, type Reason } from "../core/record.ts";
import type { Instant } from "../core/time.ts";
import { insertAudit } from "./audit-log.ts";
import type { Database, Queries } from "./database.ts";
import { closeFinding, openFinding } from "./findings.ts";
import { putGeneration } from "./ledger.ts";
import { replacePlaces } from "./places.ts";
import { jsonText, plainText } from "./plain.ts";
import { activeRun } from "./runs.ts";

/** A rotation that happened before Lockstep came. */
export interface ImportedRotation {
  readonly at: Instant;
  readonly actor: string;
  readonly reason: Reason;
  readonly old: Credential;
  readonly new: Credential;
  readonly notes: string;
}

/** What an adoption puts on record. */
export interface AdoptionRecord {
  readonly secret: string;
  readonly at: Instant;
  readonly credential: Credential;
  readonly fingerprints: Fingerprints;
  /** Immutable ids by copy id. */
  readonly places: Readonly<Record<string, string>>;
  readonly rotations: readonly ImportedRotation[];
  /** What else of the record still lives: nobody would end it any more. */
  readonly owed: readonly Owed[];
}

/**
 * Records the present generation, its places, and what happened before, in one transaction with its audit entry; idempotent.
 * Answers with how many rotations were not there before. Throws RUN_IN_PROGRESS where a run changes the secret (P8).
 */
export function recordAdoption(
  database: Database,
  adoption: AdoptionRecord,
  audit: AuditEntry,
): Promise<number> {
  const { secret, at, credential, fingerprints, places, rotations, owed } = adoption;
  return database.transaction(async (queries) => {
    // The lock of those who start runs: none begins between this look and our commit.
    await queries.query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", [`lockstep run ${secret}`]);
    await refuseWhileRunning(queries, secret);
    await replacePlaces(queries, secret, places);
    await queries.query(
      // Not retired: nobody has proved that this one is dead.
      `UPDATE lockstep.generation SET state = 'previous', since = $3
       WHERE secret = $1 AND state = 'current' AND credential_id <> $2`,
      [secret, credential.id, at],
    );
    await putGeneration(queries, { secret, at }, credential, fingerprints, "current");
    for (const id of [keylessId(secret), ...findingsOf(secret, credential.id)])
      await closeFinding(queries, id);
    for (const one of owed) await openFinding(queries, one);
    let added = 0;
    for (const rotation of rotations) added += await importRotation(queries, secret, rotation);
    await insertAudit(queries, { ...audit, context: { ...audit.context, imported: added } });
    return added;
  });
}

/** Throws RUN_IN_PROGRESS where a run changes the secret. */
export async function refuseWhileRunning(queries: Queries, secret: string): Promise<void> {
  const run = await activeRun(queries, secret);
  if (!run) return;
  throw new LockstepError({
    code: "RUN_IN_PROGRESS",
    message: `${run.id} is ${run.status}`,
    because: "what a run is changing now cannot be adopted",
    next: `lockstep show ${run.id}`,
  });
}

/** One that a run of ours has recorded is not imported again: our own log names it by the day and the beginning of its id. */
async function importRotation(queries: Queries, secret: string, row: ImportedRotation): Promise<number> {
  const rows = await queries.query(
    `INSERT INTO lockstep.rotation (run, secret, at, actor, reason, old, new, notes, imported)
     SELECT NULL, $1, $2::timestamptz, $3, $4, $5, $6, $7, true
     WHERE NOT EXISTS (
       SELECT FROM lockstep.rotation WHERE secret = $1 AND NOT imported
         AND starts_with(new ->> 'id', $8) AND (at AT TIME ZONE 'UTC')::date = ($2::timestamptz AT TIME ZONE 'UTC')::date)
     ON CONFLICT DO NOTHING RETURNING id`,
    [
      secret,
      row.at,
      plainText(row.actor),
      row.reason,
      jsonText(row.old, "old"),
      jsonText(row.new, "new"),
      plainText(row.notes),
      row.new.id,
    ],
  );
  return rows.length;
}

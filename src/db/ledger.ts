import type { Credential, Fingerprints, Generation, GenerationState } from "../core/credential.ts";
import type { Ledger, Reason, RotationRow } from "../core/record.ts";
import type { Instant } from "../core/time.ts";
import { insertAudit } from "./audit-log.ts";
import type { Database, Queries } from "./database.ts";
import { jsonText, plainText } from "./plain.ts";

/** A row of the rotation log as it is kept. An imported one happened before Lockstep came and had no run. */
export interface RecordedRotation extends Omit<RotationRow, "run"> {
  readonly run?: RotationRow["run"];
  readonly imported: boolean;
}

/** The record of generations and rotations in the tables `generation` and `rotation`. */
export function ledgerIn(database: Database): Ledger {
  return {
    current: async (secret) => {
      const rows = await database.query<GenerationRow>(
        "SELECT * FROM lockstep.generation WHERE secret = $1 AND state = 'current'",
        [secret],
      );
      return rows[0] && generationOf(rows[0]);
    },
    recordRotation: (row, fingerprints, audit) =>
      database.transaction(async (queries) => {
        // The row is the mark of the whole transaction: where it stands, the rest stands too.
        if (!(await insertRotation(queries, row))) return;
        await queries.query(
          // Not retired: nobody has proved that this one is dead.
          `UPDATE lockstep.generation SET state = 'previous', since = $3
           WHERE secret = $1 AND state = 'current' AND credential_id <> $2`,
          [row.secret, row.new.id, row.at],
        );
        await putGeneration(queries, row, row.old, fingerprints.old, "retired");
        await putGeneration(queries, row, row.new, fingerprints.new, "current");
        await insertAudit(queries, audit);
      }),
  };
}

/** All credentials of a secret's line that are on record, newest first. */
export async function listGenerations(queries: Queries, secret: string): Promise<readonly Generation[]> {
  const rows = await queries.query<GenerationRow>(
    "SELECT * FROM lockstep.generation WHERE secret = $1 ORDER BY since DESC, state",
    [secret],
  );
  return rows.map(generationOf);
}

/** The rotation log, oldest first; of one secret, or of all. */
export async function listRotations(queries: Queries, secret?: string): Promise<readonly RecordedRotation[]> {
  const rows = await queries.query<StoredRotation>(
    "SELECT * FROM lockstep.rotation WHERE $1::text IS NULL OR secret = $1 ORDER BY at, id",
    [secret ?? null],
  );
  return rows.map((row) => ({
    ...(row.run !== null && { run: row.run }),
    secret: row.secret,
    at: row.at,
    actor: row.actor,
    reason: row.reason,
    old: row.old,
    new: row.new,
    notes: row.notes,
    imported: row.imported,
  }));
}

/** When each secret was rotated last, from the record; a secret that never was is absent (HK-01). */
export async function lastRotations(queries: Queries): Promise<ReadonlyMap<string, Instant>> {
  const rows = await queries.query<{ secret: string; at: Instant }>(
    "SELECT secret, max(at) AS at FROM lockstep.rotation GROUP BY secret",
  );
  return new Map(rows.map(({ secret, at }) => [secret, at]));
}

async function insertRotation(queries: Queries, row: RotationRow): Promise<boolean> {
  const inserted = await queries.query(
    `INSERT INTO lockstep.rotation (run, secret, at, actor, reason, old, new, notes)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (run) DO NOTHING RETURNING id`,
    [
      row.run,
      row.secret,
      row.at,
      plainText(row.actor),
      row.reason,
      jsonText(row.old, "old"),
      jsonText(row.new, "new"),
      plainText(row.notes),
    ],
  );
  return inserted.length > 0;
}

async function putGeneration(
  queries: Queries,
  { secret, at }: RotationRow,
  credential: Credential,
  fingerprints: Fingerprints,
  state: GenerationState,
): Promise<void> {
  await queries.query(
    `INSERT INTO lockstep.generation (secret, credential_id, credential, fingerprints, state, since)
     VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (secret, credential_id) DO UPDATE SET
       credential = excluded.credential, fingerprints = excluded.fingerprints,
       state = excluded.state, since = excluded.since`,
    [secret, credential.id, jsonText(credential, "credential"), jsonText(fingerprints), state, at],
  );
}

interface GenerationRow {
  secret: string;
  credential: Credential;
  fingerprints: Fingerprints;
  state: GenerationState;
  since: Instant;
}

interface StoredRotation {
  run: string | null;
  secret: string;
  at: Instant;
  actor: string;
  reason: Reason;
  old: Credential;
  new: Credential;
  notes: string;
  imported: boolean;
}

function generationOf(row: GenerationRow): Generation {
  return {
    secret: row.secret,
    credential: row.credential,
    fingerprints: row.fingerprints,
    state: row.state,
    since: row.since,
  };
}

import {
  type Credential,
  type Fingerprints,
  type Generation,
  type GenerationState,
  NOBODY,
} from "../core/credential.ts";
import {
  type AuditEntry,
  type EndRow,
  findingsOf,
  keylessId,
  type Ledger,
  type Reason,
  type RotationRow,
} from "../core/record.ts";
import type { Instant } from "../core/time.ts";
import { insertAudit } from "./audit-log.ts";
import type { Database, Queries } from "./database.ts";
import { closeFinding, openFinding } from "./findings.ts";
import { placesIn } from "./places.ts";
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
    generations: (secret) => listGenerations(database, secret),
    known: (by) => knownGenerations(database, by),
    ...placesIn(database),
    owe: (owed) => openFinding(database, owed),
    settle: (id) => closeFinding(database, id),
    recordEnd: (row, audit) => database.transaction((queries) => insertEnd(queries, row, audit)),
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
        if (row.old.id !== NOBODY.id) await putGeneration(queries, row, row.old, fingerprints.old, "retired");
        await putGeneration(queries, row, row.new, fingerprints.new, "current");
        const shownRight = [row.old, row.new].flatMap(({ id }) => findingsOf(row.secret, id));
        for (const id of [keylessId(row.secret), ...shownRight]) await closeFinding(queries, id);
        await insertAudit(queries, audit);
      }),
  };
}

async function knownGenerations(
  queries: Queries,
  by: Parameters<Ledger["known"]>[0],
): Promise<readonly Generation[]> {
  const [id, values] = "id" in by ? [by.id, []] : [null, Object.values(by.fingerprints)];
  const rows = await queries.query<GenerationRow>(
    `SELECT * FROM lockstep.generation WHERE credential_id = $1
       OR EXISTS (SELECT FROM jsonb_each_text(fingerprints) AS field WHERE field.value = ANY ($2::text[]))
     ORDER BY since DESC, secret`,
    [id, values],
  );
  return rows.map(generationOf);
}

/** Retires it where it is on record; one that never was is named by the audit entry alone. What was found of it is closed. */
async function insertEnd(queries: Queries, row: EndRow, audit: AuditEntry): Promise<void> {
  await queries.query(
    `UPDATE lockstep.generation SET state = 'retired', since = $3
     WHERE secret = $1 AND credential_id = $2 AND state <> 'retired'`,
    [row.secret, row.credential.id, row.at],
  );
  for (const id of findingsOf(row.secret, row.credential.id))
    if (id !== row.owed?.id) await closeFinding(queries, id);
  if (row.owed) await openFinding(queries, row.owed);
  const written = await queries.query("SELECT FROM lockstep.audit WHERE run = $1 AND action = $2", [
    row.run,
    audit.action,
  ]);
  if (written.length === 0) await insertAudit(queries, audit);
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

/** Puts one credential into a secret's line, or moves it there. */
export async function putGeneration(
  queries: Queries,
  { secret, at }: Pick<RotationRow, "secret" | "at">,
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

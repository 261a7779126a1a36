import { randomUUID } from "node:crypto";
import { type Credential, type Fingerprints, sameFingerprints } from "../core/credential.ts";
import type { RunId } from "../core/record.ts";
import type { SealedRecord, SealedValues, SealPurpose } from "../core/sealed.ts";
import { Secret, type Values } from "../core/secret-value.ts";
import { envelope, keyIdOf } from "./envelope.ts";
import { fingerprinter } from "./fingerprint.ts";
import type { KeyRing } from "./key-ring.ts";
import { wrongKeys } from "./ring-trouble.ts";
import type { Rows } from "./rows.ts";

/** The sealed values of one run, in the table `sealed`. A value opens only in the row and for the run it was sealed for. */
export function sealedValues(rows: Rows, ring: KeyRing, run: RunId, secret: string): SealedValues {
  const { seal, open } = envelope(ring);
  const fingerprint = fingerprinter(ring);
  return {
    seal: async (purpose, values, credential) => {
      const credentialId = credential?.id ?? "";
      const first = await lookUp(rows, run, purpose, credentialId);
      if (first !== undefined) return first;
      const id = randomUUID();
      const value = await seal(textOf(values), purposeOf(id, run, purpose));
      await rows.query(
        `INSERT INTO lockstep.sealed (id, run, secret, purpose, credential_id, credential, fingerprints, kid, value)
         SELECT $1::uuid, $2, $3, $4, $5, $6::json, $7::jsonb, $8, $9
         FROM lockstep.run WHERE id = $2 AND ended_at IS NULL FOR SHARE
         ON CONFLICT (run, purpose, credential_id) DO NOTHING`,
        [
          id,
          run,
          secret,
          purpose,
          credentialId,
          credential === undefined ? null : JSON.stringify(credential),
          JSON.stringify(fingerprint(values)),
          keyIdOf(value),
          value,
        ],
      );
      const kept = await lookUp(rows, run, purpose, credentialId);
      // A process that was frozen, and whose run another one has ended since: nobody would drop it any more.
      if (kept === undefined) throw new Error(`nothing is sealed for ${run} after its end`);
      return kept;
    },
    find: async (purpose) => {
      const found = await rows.query<SealedRow>(
        `SELECT ${COLUMNS} FROM lockstep.sealed WHERE run = $1 AND purpose = $2 ORDER BY seq DESC`,
        [run, purpose],
      );
      return found.map(recordOf);
    },
    open: async (id) => {
      const found = await rows.query<SealedRow & { purpose: SealPurpose; value: string }>(
        `SELECT ${COLUMNS}, purpose, value FROM lockstep.sealed WHERE id::text = $1 AND run = $2`,
        [id, run],
      );
      const row = found[0];
      if (row === undefined) throw wrongKeys(`the run ${run} holds no sealed value ${id}`);
      const values = valuesOf(await open(row.value, purposeOf(row.id, run, row.purpose)));
      // What stands in clear beside it is not authenticated by the envelope; this is.
      if (!sameFingerprints(fingerprint(values), row.fingerprints)) {
        throw wrongKeys(`the fingerprints beside the sealed value ${id} are not its own`);
      }
      return values;
    },
    drop: async (id) => {
      await rows.query("DELETE FROM lockstep.sealed WHERE id::text = $1 AND run = $2", [id, run]);
    },
    dropAll: async () => {
      await rows.query("DELETE FROM lockstep.sealed WHERE run = $1", [run]);
    },
  };
}

/** What {@link reseal} did. */
export interface Resealed {
  readonly resealed: number;
  /** Were under the writing key before. */
  readonly already: number;
}

/** Seals every value again under the writing key; may be stopped and repeated. Throws KEYRING_WRONG at the first that does not open. */
export async function reseal(rows: Rows, ring: KeyRing): Promise<Resealed> {
  const { seal, open } = envelope(ring);
  await ring.refresh();
  const found = await rows.query<{
    id: string;
    run: string;
    purpose: SealPurpose;
    kid: string;
    value: string;
  }>("SELECT id, run, purpose, kid, value FROM lockstep.sealed ORDER BY seq");
  let resealed = 0;
  let already = 0;
  for (const row of found) {
    if (row.kid === ring.writing) {
      already += 1;
      continue;
    }
    const purpose = purposeOf(row.id, row.run, row.purpose);
    const value = await seal(await open(row.value, purpose), purpose);
    // Not if it was dropped or sealed again meanwhile.
    const changed = await rows.query(
      "UPDATE lockstep.sealed SET value = $2, kid = $3 WHERE id = $1 AND value = $4 RETURNING id",
      [row.id, value, keyIdOf(value), row.value],
    );
    resealed += changed.length;
  }
  return { resealed, already };
}

interface SealedRow {
  id: string;
  fingerprints: Fingerprints;
  credential: Credential | null;
}

const COLUMNS = "id, fingerprints, credential";

async function lookUp(
  rows: Rows,
  run: RunId,
  purpose: SealPurpose,
  credentialId: string,
): Promise<SealedRecord | undefined> {
  const found = await rows.query<SealedRow>(
    `SELECT ${COLUMNS} FROM lockstep.sealed WHERE run = $1 AND purpose = $2 AND credential_id = $3`,
    [run, purpose, credentialId],
  );
  return found[0] && recordOf(found[0]);
}

function recordOf(row: SealedRow): SealedRecord {
  return {
    id: row.id,
    fingerprints: row.fingerprints,
    ...(row.credential !== null && { credential: row.credential }),
  };
}

function purposeOf(id: string, run: RunId, purpose: SealPurpose): string {
  return `value ${id} ${run} ${purpose}`;
}

function textOf(values: Values): string {
  return JSON.stringify(
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value.reveal()])),
  );
}

function valuesOf(text: string): Values {
  const fields: Record<string, string> = JSON.parse(text);
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, Secret.of(value)]));
}

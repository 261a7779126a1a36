import type { Fingerprints } from "../core/credential.ts";
import type { KeptReceipt, Ledger } from "../core/record.ts";
import type { Instant } from "../core/time.ts";
import type { Queries } from "./database.ts";
import { jsonText } from "./plain.ts";

/** The part of the ledger about places, in the table `place`: their immutable ids (P6), and what the last rotation left there. */
export function placesIn(
  database: Queries,
): Pick<Ledger, "places" | "keepPlaces" | "receipts" | "keepReceipts"> {
  return {
    places: async (secret) => {
      const rows = await database.query<{ copy: string; target_id: string }>(
        "SELECT copy, target_id FROM lockstep.place WHERE secret = $1 AND target_id IS NOT NULL",
        [secret],
      );
      return Object.fromEntries(rows.map((row) => [row.copy, row.target_id]));
    },
    keepPlaces: async (secret, places) => {
      await database.query(
        `INSERT INTO lockstep.place AS kept (secret, copy, target_id)
         SELECT $1, * FROM unnest($2::text[], $3::text[])
         ON CONFLICT (secret, copy) DO UPDATE SET target_id = excluded.target_id, at = excluded.at
           WHERE kept.target_id IS NULL`,
        [secret, Object.keys(places), Object.values(places)],
      );
    },
    receipts: async (secret) => {
      const rows = await database.query<{ copy: string; fingerprints: Fingerprints; changed_at: Instant }>(
        `SELECT copy, fingerprints, changed_at FROM lockstep.place
         WHERE secret = $1 AND fingerprints IS NOT NULL AND changed_at IS NOT NULL`,
        [secret],
      );
      return Object.fromEntries(
        rows.map(({ copy, fingerprints, changed_at: changedAt }): [string, KeptReceipt] => [
          copy,
          { fingerprints, changedAt },
        ]),
      );
    },
    keepReceipts: async (secret, receipts) => {
      await database.query(
        `INSERT INTO lockstep.place (secret, copy, fingerprints, changed_at)
         SELECT $1, * FROM unnest($2::text[], $3::jsonb[], $4::timestamptz[])
         ON CONFLICT (secret, copy) DO UPDATE SET
           fingerprints = excluded.fingerprints, changed_at = excluded.changed_at`,
        [
          secret,
          receipts.map(({ copy }) => copy),
          receipts.map(({ fingerprints }) => jsonText(fingerprints)),
          receipts.map(({ changedAt }) => changedAt ?? null),
        ],
      );
    },
  };
}

/** Puts other ids in the place of those on record: an adoption after a change by hand. What was written there no longer counts. */
export async function replacePlaces(
  queries: Queries,
  secret: string,
  places: Readonly<Record<string, string>>,
): Promise<void> {
  await queries.query(
    `INSERT INTO lockstep.place AS kept (secret, copy, target_id)
     SELECT $1, * FROM unnest($2::text[], $3::text[])
     ON CONFLICT (secret, copy) DO UPDATE SET
       fingerprints = CASE WHEN kept.target_id = excluded.target_id THEN kept.fingerprints END,
       changed_at = CASE WHEN kept.target_id = excluded.target_id THEN kept.changed_at END,
       target_id = excluded.target_id, at = excluded.at`,
    [secret, Object.keys(places), Object.values(places)],
  );
}

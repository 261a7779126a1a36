import { envelope } from "./envelope.ts";
import { rootMark } from "./fingerprint.ts";
import { FINGERPRINT_ID } from "./key-material.ts";
import type { KeyRing } from "./key-ring.ts";
import { wrongKeys } from "./ring-trouble.ts";
import type { Rows } from "./rows.ts";

const SONG = "this installation's keys";

/** Whether anything was ever sealed in this database; then a missing key ring is a loss and not a beginning. */
export async function hasSealed(rows: Rows): Promise<boolean> {
  const found = await rows.query<{ yes: boolean }>(
    "SELECT EXISTS (SELECT FROM lockstep.canary) OR EXISTS (SELECT FROM lockstep.sealed) AS yes",
  );
  return found[0]?.yes === true;
}

/**
 * Proves that this ring is the database's: it must open the canary of every key that was ever written with here, and have the
 * same fingerprint root. The first process leaves the canaries. Throws KEYRING_WRONG. To be called before a run is taken: a
 * process with the wrong keys would end it for ever.
 */
export async function proveKeys(rows: Rows, ring: KeyRing): Promise<void> {
  const before = await canaries(rows);
  await proveAll(before, ring);
  if (before.get(ring.writing) && before.has(FINGERPRINT_ID)) return;
  const own = await envelope(ring).seal(SONG, purposeOf(ring.writing));
  // The root first: of two rings that begin at once, the loser must not leave a canary that the winner cannot open.
  for (const [kid, value] of [
    [FINGERPRINT_ID, rootMark(ring)],
    [ring.writing, own],
  ] as const) {
    await rows.query("INSERT INTO lockstep.canary (kid, value) VALUES ($1, $2) ON CONFLICT DO NOTHING", [
      kid,
      value,
    ]);
    await proveAll(await canaries(rows), ring);
  }
}

/** By key id; null where values are sealed with a key that has no canary. */
async function canaries(rows: Rows): Promise<ReadonlyMap<string, string | null>> {
  const found = await rows.query<{ kid: string; value: string | null }>(
    `SELECT kid, value FROM lockstep.canary
     UNION ALL SELECT DISTINCT kid, NULL FROM lockstep.sealed WHERE kid NOT IN (SELECT kid FROM lockstep.canary)`,
  );
  return new Map(found.map(({ kid, value }) => [kid, value]));
}

async function proveAll(found: ReadonlyMap<string, string | null>, ring: KeyRing): Promise<void> {
  const { open } = envelope(ring);
  for (const [kid, value] of found) {
    if (kid === FINGERPRINT_ID) {
      if (value !== rootMark(ring))
        throw wrongKeys("the ring has another root of fingerprints than this database");
    } else if (value === null) {
      if ((await ring.find(kid)) === undefined)
        throw wrongKeys(`values are sealed with ${kid}, which the ring does not have`);
    } else if ((await open(value, purposeOf(kid))) !== SONG) {
      throw wrongKeys(`the canary of the key ${kid} is not ours`);
    }
  }
}

function purposeOf(kid: string): string {
  return `canary ${kid}`;
}

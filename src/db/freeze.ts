import type { Actor } from "../core/record.ts";
import type { Instant } from "../core/time.ts";
import type { Queries } from "./database.ts";
import { jsonText, plainText } from "./plain.ts";

/** A stop of all new effects by a person. */
export interface Freeze {
  readonly by: Actor;
  readonly reason: string;
  readonly at: Instant;
}

/** The freeze of this installation, if there is one. */
export async function frozenSince(queries: Queries): Promise<Freeze | undefined> {
  const rows = await queries.query<{ by: Actor; reason: string; at: Instant }>(
    "SELECT by, reason, at FROM lockstep.freeze",
  );
  return rows[0];
}

/** Freezes; the first one stands. */
export async function freeze(queries: Queries, by: Actor, reason: string): Promise<void> {
  await queries.query("INSERT INTO lockstep.freeze (by, reason) VALUES ($1, $2) ON CONFLICT DO NOTHING", [
    jsonText(by),
    plainText(reason),
  ]);
}

/** Lifts the freeze. */
export async function unfreeze(queries: Queries): Promise<void> {
  await queries.query("DELETE FROM lockstep.freeze");
}

import type { RunId } from "../core/record.ts";
import type { Queries } from "./database.ts";

/** The run that looks for late duplicates of another run, if it is there already (HK-13). */
export async function followUpOf(queries: Queries, secret: string, run: RunId): Promise<RunId | undefined> {
  const rows = await queries.query<{ id: RunId }>(
    `SELECT id FROM lockstep.run
     WHERE secret = $1 AND flow = 'follow-up' AND plan #>> '{snapshot,follows,run}' = $2 ORDER BY n LIMIT 1`,
    [secret, run],
  );
  return rows[0]?.id;
}

import type { Instant } from "../core/time.ts";
import type { Queries } from "./database.ts";
import { plainText } from "./plain.ts";

/** Something wrong that is open until shown right. */
export interface Finding {
  readonly id: string;
  readonly secret: string;
  readonly severity: "sev-1" | "finding";
  readonly says: string;
  readonly next: string;
  readonly openedAt: Instant;
}

/** Opens a finding; one of that id that is open already stays as it is, a closed one opens again. */
export async function openFinding(queries: Queries, finding: Omit<Finding, "openedAt">): Promise<void> {
  await queries.query(
    `INSERT INTO lockstep.finding AS kept (id, secret, severity, says, next) VALUES ($1, $2, $3, $4, $5)
     ON CONFLICT (id) DO UPDATE SET closed_at = NULL, says = excluded.says, next = excluded.next,
       opened_at = CASE WHEN kept.closed_at IS NULL THEN kept.opened_at ELSE excluded.opened_at END`,
    [finding.id, finding.secret, finding.severity, plainText(finding.says), plainText(finding.next)],
  );
}

/** Closes a finding that was shown right. */
export async function closeFinding(queries: Queries, id: string): Promise<void> {
  await queries.query(
    "UPDATE lockstep.finding SET closed_at = clock_timestamp() WHERE id = $1 AND closed_at IS NULL",
    [id],
  );
}

/** All open findings, worst and oldest first; of one secret, or of all. */
export async function openFindings(queries: Queries, secret?: string): Promise<readonly Finding[]> {
  const rows = await queries.query<Omit<Finding, "openedAt"> & { opened_at: Instant }>(
    `SELECT id, secret, severity, says, next, opened_at FROM lockstep.finding
     WHERE closed_at IS NULL AND ($1::text IS NULL OR secret = $1) ORDER BY severity = 'sev-1' DESC, opened_at`,
    [secret ?? null],
  );
  return rows.map(({ opened_at, ...rest }) => ({ ...rest, openedAt: opened_at }));
}

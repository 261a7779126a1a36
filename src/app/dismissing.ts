import { LockstepError } from "../core/errors.ts";
import type { Actor } from "../core/record.ts";
import { insertAudit } from "../db/audit-log.ts";
import { closeFinding, type Finding, openFindings } from "../db/findings.ts";
import type { Home } from "./home.ts";
import { requireRole } from "./people.ts";

/**
 * Closes a finding on a person's word, in one transaction with its audit entry: what no look of ours can show right, such as a
 * key that is known by its label alone. It opens again if it is found again. Throws USAGE and ROLE_MISSING.
 */
export async function dismiss(
  { database, config }: Pick<Home, "database" | "config">,
  actor: Actor,
  id: string,
  reason: string,
): Promise<Finding> {
  const finding = (await openFindings(database)).find((one) => one.id === id);
  if (!finding) throw notOpen(id);
  const { secret, says } = finding;
  requireRole(actor, config.secrets[secret]?.role ?? "superadmin", `Dismissing a finding of ${secret}`);
  if (finding.severity === "sev-1") throw closesByItself(finding);
  await database.transaction(async (queries) => {
    const context = { finding: id, says, reason };
    await insertAudit(queries, { action: "finding.dismissed", actor, secret, context });
    await closeFinding(queries, id);
  });
  return finding;
}

function notOpen(id: string): LockstepError {
  return new LockstepError({
    code: "USAGE",
    message: `No open finding is called ${id}`,
    because: "it is closed already, or was never found",
    next: "lockstep status    shows what is open, each finding with the command that dismisses it",
  });
}

function closesByItself({ id, next }: Finding): LockstepError {
  return new LockstepError({
    code: "USAGE",
    message: `${id} is a SEV-1, which nobody can dismiss`,
    because: "it closes once it is shown right",
    next,
  });
}

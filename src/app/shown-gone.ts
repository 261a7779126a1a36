import { type AuditEntry, credentialFound } from "../core/record.ts";
import type { StepContext } from "../core/step.ts";
import { between } from "../core/time.ts";
import { insertAudit } from "../db/audit-log.ts";
import { closeFinding, type Finding, openFindings } from "../db/findings.ts";
import type { Home } from "./home.ts";

/** What such a look is made with. */
export type Looking = Pick<StepContext, "snapshot" | "actor" | "now"> & {
  readonly issuer: Pick<StepContext["issuer"], "list">;
  readonly ledger: Pick<StepContext["ledger"], "current">;
};

/**
 * Closes what was found of credentials that are gone, be it by a person's hand at the vendor, each in one transaction with its
 * audit entry; answers with what it closed. Gone is what the issuer's list does not hold while it holds the key on record, which
 * shows that it is that account's, and longer after it was found than the issuer's changes take to be seen.
 */
export async function closeShownGone(
  { database }: Pick<Home, "database">,
  { issuer, ledger, snapshot, actor, now }: Looking,
): Promise<readonly Finding[]> {
  const { secret, propagationMs } = snapshot;
  const old = (await openFindings(database, secret)).filter(
    (one) => credentialFound(one) !== undefined && between(one.openedAt, now()) >= propagationMs,
  );
  if (old.length === 0) return [];
  const [current, list] = await Promise.all([ledger.current(secret), issuer.list()]);
  if (!current || list.is !== "done") return [];
  const listed = new Set(list.value.map(({ id }) => id));
  if (!listed.has(current.credential.id)) return [];
  const gone = old.filter((one) => !listed.has(credentialFound(one) ?? ""));
  for (const { id, says } of gone)
    await database.transaction(async (queries) => {
      const proof = `gone: not among the ${listed.size} credentials listed, where the key on record is`;
      const entry: AuditEntry = {
        action: "finding.closed",
        actor,
        secret,
        context: { finding: id, says, proof },
      };
      await insertAudit(queries, entry);
      await closeFinding(queries, id);
    });
  return gone;
}

import { troubleOf } from "../core/errors.ts";
import type { Actor, RunRecord } from "../core/record.ts";
import { auditLogIn } from "../db/audit-log.ts";
import { type Freeze, freeze, frozenSince, unfreeze } from "../db/freeze.ts";
import { listRuns } from "../db/runs.ts";
import type { Requests } from "../engine/requests.ts";
import { decide } from "./decisions.ts";
import type { Home } from "./home.ts";
import { requireRole } from "./people.ts";

/** Lets no new effect begin in this installation until {@link liftFreeze}; the first freeze stands. Throws ROLE_MISSING. */
export async function startFreeze({ database }: Home, actor: Actor, reason: string): Promise<Freeze> {
  requireRole(actor, "ops", "A freeze");
  await auditLogIn(database).append({ action: "freeze.started", actor, context: { reason } });
  await freeze(database, actor, reason);
  return (await frozenSince(database)) ?? { by: actor, reason, at: "" };
}

/** Lifts the freeze, and lets the runs that were held by it try again. Throws ROLE_MISSING. */
export async function liftFreeze(
  home: Home,
  requests: Requests,
  actor: Actor,
  reason?: string,
): Promise<readonly RunRecord[]> {
  requireRole(actor, "ops", "Lifting a freeze");
  await auditLogIn(home.database).append({ action: "freeze.lifted", actor, context: { reason } });
  await unfreeze(home.database);
  const resumed: RunRecord[] = [];
  for (const run of await listRuns(home.database, { active: true, limit: 1_000 })) {
    if (run.status !== "held" || run.trouble?.code !== "FROZEN") continue;
    try {
      await decide(home, requests, run, { choice: "retry", reason: "the freeze is lifted" }, actor);
      resumed.push(run);
    } catch (thrown) {
      // Its role may be a higher one than this person's, and then somebody else lets it go on; or it goes another way already.
      if (!["ROLE_MISSING", "TASK_TAKEN"].includes(troubleOf(thrown).code)) throw thrown;
    }
  }
  return resumed;
}

import { compile, type Plan } from "../core/plan.ts";
import type { RunId } from "../core/record.ts";
import type { Followed, Snapshot } from "../core/snapshot.ts";
import { type Instant, systemClock } from "../core/time.ts";
import { auditLogIn } from "../db/audit-log.ts";
import { followUpOf } from "../db/follow-ups.ts";
import { getRun, reserveRun } from "../db/runs.ts";
import type { Requests } from "../engine/requests.ts";
import { followUp } from "../runbooks/follow-up.ts";
import type { Home } from "./home.ts";
import type { RunInput } from "./run-input.ts";

/** What a follow-up is planned with: the followed run's own snapshot, since its adapters know what it made. */
export function followingSnapshot(snapshot: Snapshot, follows: Followed): Snapshot {
  const { ending: _ending, revokeWithinMs: _within, ownConnections: _own, ...rest } = snapshot;
  return { ...rest, flow: "follow-up", follows };
}

/** What a follow-up has to know of a run that ended. */
export function followedBy(
  { run, tag, runbook }: { readonly run: RunId; readonly tag: string; readonly runbook: string },
  mintedAt: Instant,
  held: Followed["held"],
): Followed {
  const byHand = runbook.startsWith("supplied@");
  return { run, tag, mintedAt, ...(held && { held }), ...(byHand && { byHand }) };
}

/**
 * Starts the run that looks for late duplicates of another one, as its last act. Idempotent by that run: its last journal entry
 * may be carried out twice. It waits in a queue of its own, so that it does not hold up the next rotation.
 */
export async function startFollowUp(
  { database }: Pick<Home, "database">,
  requests: Requests,
  run: RunId,
  input: RunInput,
  held: Followed["held"],
): Promise<void> {
  const { secret } = input.snapshot;
  const id = (await followUpOf(database, secret, run)) ?? (await reserve(database, run, input, held));
  const { plan: kept, ...there } = await getRun(database, id);
  const plan = kept as Plan;
  const following: RunInput = {
    snapshot: plan.snapshot,
    runbook: there.runbook,
    planHash: there.planHash,
    tag: there.tag,
    actor: there.actor,
  };
  await requests.start({ id, secret: `${secret}/follow-up`, input: following });
}

async function reserve(
  database: Home["database"],
  run: RunId,
  { snapshot, tag, runbook }: RunInput,
  held: Followed["held"],
): Promise<RunId> {
  const minted = await auditLogIn(database).intendedAt(run, "mint");
  const follows = followedBy({ run, tag, runbook }, minted ?? systemClock.now(), held);
  const plan = compile(followUp, followingSnapshot(snapshot, follows));
  const { run: reserved } = await reserveRun(database, {
    secret: snapshot.secret,
    flow: "follow-up",
    runbook: plan.runbook,
    planHash: plan.hash,
    plan,
    reason: snapshot.reason,
    actor: { name: "lockstep", assurance: "lockstep" },
  });
  return reserved.id;
}

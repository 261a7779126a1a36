import { LockstepError } from "../core/errors.ts";
import { compile, type Plan } from "../core/plan.ts";
import type { Actor } from "../core/record.ts";
import type { Snapshot } from "../core/snapshot.ts";
import { RUNBOOKS } from "./runbooks.ts";

/** What travels with a run through the engine: plain data, sealed there, without values. */
export interface RunInput {
  readonly snapshot: Snapshot;
  readonly runbook: string;
  readonly planHash: string;
  readonly tag: string;
  readonly actor: Actor;
  /** Why, in that person's words; for the record alone, so the plan does not change with it. */
  readonly because?: string;
}

/** The plan of a run, compiled again; throws PLAN_CHANGED when this program would carry out another one than was shown. */
export function planOf(input: RunInput): Plan {
  const runbook = RUNBOOKS[input.runbook];
  const plan = runbook && compile(runbook, input.snapshot);
  if (plan?.hash === input.planHash) return plan;
  throw new LockstepError({
    code: "PLAN_CHANGED",
    message: `This program makes another plan of ${input.runbook} than the one that was shown (${input.planHash})`,
    because: "a run carries out exactly the plan it was started with",
    next: "lockstep worker    of the version of Lockstep that started the run",
  });
}

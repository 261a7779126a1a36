import type { Proof } from "../../core/outcome.ts";
import type { Receipt } from "../../core/store.ts";
import { after } from "../../core/time.ts";
import type { WorkflowRun } from "../../vendors/github/shapes.ts";
import { type Config, type Deps, problem, SLACK_MS } from "./place.ts";

/**
 * Every status of a run that has not ended (heroku-github.md B5). In the order in which a run goes through them, so that
 * one that moves on between two calls is met at its next place.
 */
const UNFINISHED = ["requested", "pending", "queued", "in_progress", "waiting"] as const;

/** Calls of one look. */
export const DRAIN_CALLS = UNFINISHED.length;

const NAMED = 3;

/** Whether every run that was queued before the write, and so may hold the old value, has ended (HK-23). */
export async function drained(config: Config, deps: Deps, receipt: Receipt): Promise<Proof> {
  const { client, clock } = deps;
  const since = receipt.changedAt ?? receipt.at;
  // A run queued in the same second may have read either value.
  const until = after(since, SLACK_MS);
  const open = new Map<number, WorkflowRun>();
  let more = 0;
  for (const status of UNFINISHED) {
    const answer = await client.runsBefore(config.repository, status, until);
    if (answer.is !== "done")
      return { is: answer.is === "refused" ? "refuted" : "unknown", trouble: answer.trouble };
    const { items, total } = answer.value;
    for (const run of items) if (run.createdAt <= until && !isProof(config, run)) open.set(run.id, run);
    more += Math.max(0, total - items.length);
  }
  if (open.size + more === 0) {
    const says = `no workflow run of ${config.repository} from before ${since} is queued or in progress`;
    return { is: "proved", at: clock.now(), says };
  }
  return { is: "unknown", trouble: unfinished(config, [...open.values()], open.size + more) };
}

/** A run of the proof computes with the value and hands it to nobody. */
function isProof({ proof }: Config, { file }: WorkflowRun): boolean {
  return proof !== undefined && file === proof.workflow;
}

function unfinished({ repository }: Config, runs: readonly WorkflowRun[], all: number) {
  const named = runs.slice(0, NAMED).map(({ id, name, status }) => `${id} ${name} (${status})`);
  const rest = all - named.length;
  const list = [...named, ...(rest > 0 ? [`${rest} more`] : [])].join(", ");
  const first = runs[0];
  return problem(
    "DRAIN_UNFINISHED",
    `${all} workflow run${all === 1 ? "" : "s"} of ${repository} from before the write ${all === 1 ? "has" : "have"} not ended: ${list}`,
    "a run reads its secrets when it is queued, so it may still use the old value",
    first
      ? `lockstep rotate <secret>    once it has ended; gh run cancel ${first.id} --repo ${repository} ends it`
      : "lockstep rotate <secret>    once they have ended",
  );
}

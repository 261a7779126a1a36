import type { RunRecord, StepRecord } from "../core/record.ts";
import { between, durationText, type Instant } from "../core/time.ts";

/** How long a run took, or has taken so far. */
export function durationOfRun(run: RunRecord, now: Instant): string {
  return durationText(between(run.startedAt, run.endedAt ?? now));
}

/** The safe state in one sentence: what lives, who holds what. What may have happened counts as not known. */
export function safeState(run: RunRecord, steps: readonly StepRecord[]): string {
  const old = run.old ? `the old key ${run.old.label}` : "the old key";
  const fresh = run.new ? `the new key ${run.new.label}` : "the new key";
  const state = (id: string) => steps.find((step) => step.id === id)?.state ?? "pending";
  const done = (id: string) => state(id) === "done";
  const untouched = (id: string) => ["pending", "waiting", "undone"].includes(state(id));
  if (run.flow === "test") return "Nothing was changed: a test only reads.";
  if (run.status === "completed")
    return `${cap(fresh)} is in the vault and in every copy; ${old} is proved dead.`;
  if (run.status === "cancelled" || run.status === "failed") {
    return `${cap(old)} is in the vault and nothing of this run is left.`;
  }
  if (done("revoke")) return `${cap(fresh)} is in the vault and in every copy; ${old} has been ended.`;
  if (!untouched("revoke")) return `${cap(fresh)} is in the vault; ${old} may have been ended.`;
  if (done("store"))
    return `Both keys work; the vault holds ${fresh}, and some copies may still hold ${old}.`;
  if (!untouched("store")) return `Both keys work; the vault holds one of them, ${old} or ${fresh}.`;
  if (!untouched("mint"))
    return `${cap(old)} is in the vault; ${fresh} may exist, and no copy has been changed.`;
  return `${cap(old)} is in the vault; nothing has been changed.`;
}

function cap(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The next command for a run. */
export function nextCommand(run: RunRecord): string {
  if (run.status === "held") return `lockstep rotate ${run.secret}    tries the open step again`;
  if (run.status === "completed") return `lockstep audit ${run.id}`;
  if (run.status === "failed") return run.trouble?.next ?? `lockstep test ${run.secret}`;
  if (run.status === "cancelled") return `lockstep plan ${run.secret}`;
  return `lockstep rotate ${run.secret}    goes on with it and shows the rest`;
}

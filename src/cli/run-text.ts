import type { RunRecord } from "../core/record.ts";
import { between, durationText, type Instant } from "../core/time.ts";

/** How long a run took, or has taken so far. */
export function durationOfRun(run: RunRecord, now: Instant): string {
  return durationText(between(run.startedAt, run.endedAt ?? now));
}

/** The safe state in one sentence: what lives, who holds what. */
export function safeState(run: RunRecord, done: ReadonlySet<string>): string {
  const old = run.old ? `the old key ${run.old.label}` : "the old key";
  const fresh = run.new ? `the new key ${run.new.label}` : "a new key";
  if (run.flow === "test") return "Nothing was changed: a test only reads.";
  if (run.status === "completed")
    return `${cap(fresh)} is in the vault and in every copy; ${old} is proved dead.`;
  if (run.status === "cancelled" || run.status === "failed")
    return `${cap(old)} is in the vault and works; nothing of this run is left.`;
  if (done.has("revoke")) return `${cap(fresh)} is in the vault and in every copy; ${old} has been ended.`;
  if (done.has("store"))
    return `Both keys work; the vault holds ${fresh}, and some copies may still hold ${old}.`;
  if (done.has("mint")) return `Both keys work; the vault holds ${old}, no copy has been changed.`;
  return `${cap(old)} works and is in the vault; nothing has been changed.`;
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

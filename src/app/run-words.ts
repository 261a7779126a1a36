import type { ErrorCode, Trouble } from "../core/errors.ts";
import type { RunId, RunRecord, StepRecord } from "../core/record.ts";
import { OTHER_PLAN } from "../engine/sealed.ts";
import { LEFT } from "../runbooks/steps/mint.ts";

/** Why a parked run rests, and what comes first. */
export function whyParked(why: string): { readonly because: string; readonly first: string } {
  if (why === OTHER_PLAN)
    return {
      because:
        "a run carries out exactly the plan it was started with, and another version of Lockstep began it",
      first: "start a worker of the version that began it, and stop those of this one",
    };
  return {
    because:
      "its journal was not written by this installation, was changed, or does not open with these keys",
    first: "give this installation its own key ring back; else look at both keys at the issuer by hand",
  };
}

/** That a run rests, as trouble; `others` are parked besides. */
export function parkedTrouble(run: RunId, why: string, others = 0): Trouble {
  const { because, first } = whyParked(why);
  return {
    code: "RUN_PARKED",
    message: `${run}${others > 0 ? ` and ${others} more` : ""} is parked: ${why}`,
    because,
    next: `lockstep show ${run}    then ${first}`,
  };
}

/** The safe state in one sentence: what lives, who holds what. What may have happened counts as not known. */
export function safeState(run: RunRecord, steps: readonly StepRecord[]): string {
  if (run.flow === "test") return "Nothing was changed: a test only reads.";
  if (run.flow === "follow-up") return followUpState(run);
  if (run.flow === "revoke") return revokeState(run, steps);
  return run.endedAt === undefined ? openState(run, steps) : endedState(run, steps);
}

function keysOf(run: RunRecord): { readonly old: string; readonly fresh: string } {
  return {
    old: run.old ? `the old key ${run.old.label}` : "the old key",
    fresh: run.new ? `the new key ${run.new.label}` : "the new key",
  };
}

function endedState(run: RunRecord, steps: readonly StepRecord[]): string {
  const { old, fresh } = keysOf(run);
  if (run.status === "completed") {
    const shown = steps.find((step) => step.id === "prove-dead")?.says;
    const proved = shown === undefined || shown.startsWith("old refused");
    const end = isSupplied(run) && !proved ? `of ${old}: ${shown}` : `${old} is proved dead`;
    return `${cap(fresh)} is in the vault and in every copy; ${end}.`;
  }
  if (run.trouble?.code === "RUN_ROLLED_BACK")
    return `${cap(old)} is in the vault and in every copy again; ${fresh} is proved dead.`;
  if (run.trouble?.code === "OLD_TOKEN_INVALID")
    return "The vault's key is refused by its issuer; nothing was created or written.";
  if (steps.some(({ says }) => says === LEFT)) return `${LEFT}.`;
  // What was supplied without the run's tag, or is created yet, no walk back can end.
  if (steps.some(({ id, announced }) => id === "announce" && announced))
    return `${cap(old)} is in the vault; what was created for this run is ended, or an open finding once it is seen.`;
  return `${cap(old)} is in the vault and nothing of this run is left.`;
}

/** Trouble by which one of the keys may be refused, though the run has ended neither. */
const DOUBTFUL: readonly (ErrorCode | undefined)[] = [
  "NEW_NOT_VALID",
  "ROLLBACK_IMPOSSIBLE",
  "VENDOR_REFUSED_CREDENTIAL",
];

/** What lives while nothing was ended. A supplied key takes the place of one that may be refused already. */
function livingOf({ status, trouble, runbook }: RunRecord): string {
  if (status === "held" && DOUBTFUL.includes(trouble?.code)) return "This run has ended neither key";
  return isSupplied({ runbook }) ? "The new key works" : "Both keys work";
}

function openState(run: RunRecord, steps: readonly StepRecord[]): string {
  const { old, fresh } = keysOf(run);
  const step = (id: string) => steps.find((one) => one.id === id);
  const done = (id: string) => step(id)?.state === "done";
  const begun = (id: string) => mayHaveHappened(step(id));
  const both = livingOf(run);
  const vault = done("store")
    ? `${cap(fresh)} is in the vault`
    : `The vault holds ${begun("store") ? `${old} or ${fresh}` : old}`;
  if (done("break-glass")) return `${vault}; ${old} was ended at once, and what still holds it is refused.`;
  if (begun("end-new")) return `${cap(old)} is in the vault and in every copy; ${fresh} may have been ended.`;
  if (steps.some((one) => one.id.startsWith("restore/") && mayHaveHappened(one))) {
    return done("restore/vault")
      ? `${both}; ${old} is back in the vault and in every copy.`
      : `${both}; the run is on its way back, and copies may hold ${old} or ${fresh}.`;
  }
  if (done("revoke")) return `${cap(fresh)} is in the vault and in every copy; ${old} has been ended.`;
  if (begun("revoke")) return `${cap(fresh)} is in the vault; ${old} may have been ended.`;
  if (begun("break-glass")) return `${vault}; ${old} may have been ended.`;
  if (done("store")) return `${both}; the vault holds ${fresh}, and some copies may still hold ${old}.`;
  if (begun("store")) return `${both}; the vault holds ${old} or ${fresh}.`;
  if (begun("mint") || begun("announce"))
    return `${cap(old)} is in the vault; ${fresh} may exist, and no copy has been changed.`;
  return `${cap(old)} is in the vault; nothing has been changed.`;
}

function revokeState(run: RunRecord, steps: readonly StepRecord[]): string {
  if (run.status === "completed") {
    const shown = steps.find((step) => step.id === "prove-dead")?.says ?? "shown to be gone";
    return `The key that was to be ended is ended: ${shown}.`;
  }
  return mayHaveHappened(steps.find((step) => step.id === "revoke"))
    ? "The key that is to be ended may have been ended; no copy has been changed."
    : "Nothing has been changed; the key that is to be ended lives.";
}

function followUpState({ status }: RunRecord): string {
  return status === "completed"
    ? "What landed late is ended, or an open finding; the vault and its copies were not touched."
    : "The vault and its copies are not touched; a late duplicate of the run that is followed may live.";
}

function isSupplied({ runbook }: Pick<RunRecord, "runbook">): boolean {
  return runbook.startsWith("supplied@");
}

/** Whether a step may have had an effect that still stands. */
export function mayHaveHappened(step: StepRecord | undefined): boolean {
  if (!step || step.state === "undone") return false;
  return step.announced === true || step.state === "done";
}

function cap(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** The next command for a run; what it does stands four spaces behind it. */
export function nextCommand(run: RunRecord): string {
  if (run.status === "held") return `lockstep resolve ${run.id}    says what can be decided`;
  if (run.status === "waiting") return `lockstep answer ${run.id}    says what is to be done`;
  if (run.status === "completed") return `lockstep audit ${run.id}`;
  if (run.status === "failed") return run.trouble?.next ?? `lockstep test ${run.secret}`;
  if (run.status === "cancelled") return run.trouble?.next ?? `lockstep plan ${run.secret}`;
  if (run.flow === "rotate") return `lockstep rotate ${run.secret}    goes on with it and shows the rest`;
  return "lockstep worker    carries it out, where no other process does";
}

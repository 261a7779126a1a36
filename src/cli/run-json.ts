import { linesOf, type RunView } from "../app/runs.ts";
import { add } from "../core/plan.ts";
import type { Calls } from "../core/step.ts";

/** A run for programs: the document at the end of `rotate`, and of `show`, which has every request with its vendor's id. */
export function runJson(view: RunView, { requests = false } = {}) {
  const { run, steps } = view;
  const kept = new Map(steps.map((step) => [step.id, step]));
  return {
    run: run.id,
    secret: run.secret,
    flow: run.flow,
    status: run.status,
    runbook: run.runbook,
    planHash: run.planHash,
    reason: run.reason,
    because: run.because ?? null,
    actor: run.actor,
    old: run.old ?? null,
    new: run.new ?? null,
    steps: linesOf(view).map(({ id }) => {
      const step = kept.get(id);
      return {
        id,
        state: step?.state ?? "pending",
        startedAt: step?.startedAt ?? null,
        endedAt: step?.endedAt ?? null,
        attempts: step?.attempts ?? 0,
        says: step?.says ?? null,
        ...(step?.trouble && { trouble: step.trouble }),
        ...(requests && { requests: step?.calls ?? [] }),
      };
    }),
    calls: steps
      .flatMap((step) => step.calls)
      .reduce<Calls>((sum, call) => add(sum, { [call.vendor]: 1 }), {}),
    startedAt: run.startedAt,
    endedAt: run.endedAt ?? null,
    ...(run.trouble && { error: run.trouble }),
  };
}

import { type CallRecord, collectCalls } from "./calls.ts";
import { type ActResult, type Circumstances, failed, type StepPorts } from "./circumstances.ts";
import { forSecret, isOutage, troubleOf } from "./errors.ts";
import type { Progress } from "./record.ts";
import type { Step, StepContext } from "./step.ts";

type Done = Extract<ActResult, { is: "done" }>;

/**
 * Runs a body, keeps the vendor calls it made, records how it went in progress and audit, and turns a throw into data.
 * What is only shown goes on beside the body and is there before the entry ends: it need not delay a vendor call.
 */
export async function noted(
  step: Step,
  at: Circumstances,
  shows: {
    readonly change: Parameters<Progress["step"]>[2];
    /** What a done result says for people, where the step ends with it. */
    readonly ends?: (result: Done) => string;
  },
  body: (showing: (shown: Promise<void>) => void) => Promise<ActResult>,
): Promise<ActResult> {
  const { ports } = at;
  const shown: Promise<void>[] = [];
  const showing = (one: Promise<void>) => {
    one.catch(() => {});
    shown.push(one);
  };
  try {
    showing(ports.progress.step(ports.run, step.id, { ...shows.change, startedAt: at.journal.now() }));
    const { value: ended, calls } = await collectCalls(() =>
      body(showing).catch(async (thrown: unknown) => {
        if (isOutage(thrown)) throw thrown;
        const touched = await wasAnnounced(step, ports);
        const uncertain = touched;
        return failed(troubleOf(thrown), { touched, uncertain, unsettled: step.effect !== "none" });
      }),
    );
    const result = inFull(ended, ports.secret);
    await Promise.all(shown);
    await record(step, at, result, { calls, ...(shows.ends && { ends: shows.ends }) });
    return result;
  } catch (thrown) {
    if (isOutage(thrown)) throw thrown;
    // The record itself could not be written: what was done stands, but nothing further is done on its strength. That it was
    // refused, as an end has to be that is left again, nobody has heard.
    return failed(troubleOf(thrown), { touched: true, unsettled: true, uncertain: step.effect !== "none" });
  }
}

async function record(
  step: Step,
  at: Circumstances,
  result: ActResult,
  { calls, ends }: { readonly calls: readonly CallRecord[]; readonly ends?: (result: Done) => string },
): Promise<void> {
  const { ports } = at;
  const trouble = result.is === "failed" && !result.stopped ? result.trouble : undefined;
  const shown = ports.progress.step(ports.run, step.id, {
    calls,
    ...(trouble ? { state: "failed", trouble } : {}),
    ...(result.is === "done" && ends ? { state: "done", says: ends(result), endedAt: at.journal.now() } : {}),
  });
  if (step.effect === "none" || !result.touched) return shown;
  shown.catch(() => {});
  const requests = calls.map(({ vendor, method, route, status, requestId }) => ({
    vendor,
    method,
    route,
    status,
    requestId,
  }));
  const how = result.is === "done" ? { found: result.found } : { trouble: result.trouble };
  await ports.audit.append(
    entry(step, ports.context(at.facts), result.is === "done" ? "done" : "failed", {
      ...how,
      attempt: at.attempt,
      requests,
    }),
  );
  await shown;
}

function inFull(result: ActResult, secret: string): ActResult {
  return result.is === "failed" ? { ...result, trouble: forSecret(result.trouble, secret) } : result;
}

/** Whether an effect of this step, or of that attempt of it, was announced, by this process of the run or an earlier one: it may have happened. */
export async function wasAnnounced(
  step: Step,
  { audit, run }: StepPorts,
  attempt?: number,
): Promise<boolean> {
  return step.effect !== "none" && (await audit.intendedAt(run, step.id, attempt)) !== undefined;
}

/** An audit entry about a step. */
export function entry(step: Step, c: StepContext, what: string, context: Readonly<Record<string, unknown>>) {
  return {
    action: `secret.${c.snapshot.flow}.step.${what}`,
    actor: c.actor,
    secret: c.snapshot.secret,
    run: c.run,
    step: step.id,
    context: { target: step.target?.(c.snapshot), ...context },
  };
}

import { type CallRecord, collectCalls } from "./calls.ts";
import { isOutage, LockstepError, type Trouble, troubleOf } from "./errors.ts";
import type { Facts } from "./facts.ts";
import type { Journal } from "./journal.ts";
import type { NotDone, Outcome } from "./outcome.ts";
import type { AuditLog, Progress, RunEnd, RunId } from "./record.ts";
import { INTENDED } from "./record.ts";
import type { Look, Step, StepContext } from "./step.ts";
import { between, type Instant, type Milliseconds } from "./time.ts";

/** What a step's act left in the journal. `touched`: an effect was announced, so it may have happened. */
export type ActResult =
  | { readonly is: "done"; readonly value: unknown; readonly touched: boolean; readonly found: boolean }
  | {
      readonly is: "failed";
      readonly trouble: Trouble;
      readonly touched: boolean;
      /** It may have happened and looking could not tell. */
      readonly unsettled: boolean;
      /** A person cancelled before the step began. */
      readonly stopped: boolean;
    };

/** What a step's proof left in the journal. */
export type ProveResult =
  | { readonly is: "proved"; readonly says: string }
  | { readonly is: "failed"; readonly trouble: Trouble };

/** What carrying out needs from outside the domain. */
export interface StepPorts {
  readonly run: RunId;
  readonly secret: string;
  readonly audit: AuditLog;
  readonly progress: Progress;
  context(facts: Partial<Facts>): StepContext;
  /** A person's wish to stop, if any. */
  stopAsked(): Promise<boolean>;
  pause(ms: Milliseconds): Promise<void>;
  began(): Promise<void>;
  /** Shows what is known by now (old and new credential); called at every step with all facts so far. */
  learned(facts: Partial<Facts>): Promise<void>;
  waiting(step: Step, until: Instant): Promise<void>;
  /** Shows that the run waits for a decision under that key. */
  held(trouble: Trouble, question: string): Promise<void>;
  resumed(): Promise<void>;
  ended(end: RunEnd, facts: Partial<Facts>): Promise<RunEnd>;
}

interface Circumstances {
  readonly facts: Facts;
  readonly attempt: number;
  readonly cancellable: boolean;
  readonly journal: Journal;
  readonly ports: StepPorts;
}

/** Waits between tries of something that certainly did not happen; a vendor's own Retry-After takes their place. */
const BACKOFF: readonly Milliseconds[] = [500, 1_000, 2_000, 4_000];
const LONGEST_WAIT: Milliseconds = 60_000;
const LOOKS_AFTER_UNKNOWN = 3;
const PROVE_WITHIN: Milliseconds = 60_000;
const PROVE_EVERY: Milliseconds = 1_000;
const PROVE_EVERY_AT_MOST: Milliseconds = 15_000;

/** needs → look → intend → still ours? → do. Body of one journal entry: repeatable at any point, never throws. */
export function act(step: Step, at: Circumstances): Promise<ActResult> {
  return outlasting(at.ports, () => actOnce(step, at));
}

async function actOnce(step: Step, at: Circumstances): Promise<ActResult> {
  const { ports } = at;
  return noted(step, at, { state: "acting", attempts: at.attempt }, async () => {
    await ports.learned(at.facts);
    if (at.cancellable && (await ports.stopAsked()))
      return failed(cancelled(ports.secret), { stopped: true });
    const c = ports.context(at.facts);
    const blocked = await blockedBy(step, c, at);
    if (blocked) return blocked;
    return step.effect === "none" ? observeOnly(step, c, at) : takeEffect(step, c, at);
  });
}

/** Evidence first, gathered fresh; then the guards, in order, first objection wins. */
async function blockedBy(step: Step, c: StepContext, at: Circumstances): Promise<ActResult | undefined> {
  const seen = step.observes
    ? await persist(() => step.observes?.(c, at.facts) as Promise<Outcome<unknown>>, at)
    : undefined;
  if (seen && seen.is !== "done") return failed(seen.trouble);
  const given = { facts: at.facts, observed: seen?.value, snapshot: c.snapshot, now: c.now() };
  for (const guard of step.needs ?? []) {
    const objection = guard.holds(given as never);
    if (objection) return failed(objection);
  }
  return undefined;
}

async function observeOnly(step: Step, c: StepContext, at: Circumstances): Promise<ActResult> {
  const outcome = await persist(() => step.does(c, at.facts), at);
  return outcome.is === "done"
    ? doneWith(outcome.value, { touched: false, found: false })
    : failed(outcome.trouble);
}

/** Looks where an earlier attempt may have acted, announces the effect, and acts; an unknown end goes back to looking. */
async function takeEffect(step: Step, c: StepContext, at: Circumstances): Promise<ActResult> {
  const { ports } = at;
  let mustLook = (await ports.audit.intendedAt(ports.run, step.id)) !== undefined;
  let touched = mustLook;
  let last: Trouble | undefined;
  for (let tries = 0; tries <= LOOKS_AFTER_UNKNOWN; tries += 1) {
    if (mustLook || step.looksFirst) {
      const found = await look(step, c, at);
      if (found.is === "present") return doneWith(found.value, { touched, found: true });
      if (found.is === "unsettled") return failed(found.trouble, { touched, unsettled: touched });
    }
    await ports.audit.append(entry(step, c, INTENDED, { attempt: at.attempt, says: step.says(c.snapshot) }));
    touched = true;
    await at.journal.owned();
    const outcome = await persist(() => step.does(c, at.facts), at);
    if (outcome.is === "done") return doneWith(outcome.value, { touched, found: false });
    if (outcome.is !== "unknown") return failed(outcome.trouble, { touched });
    // A request that waits for somebody's approval may land later; another one would only make two of them.
    if (outcome.trouble.code === "VAULT_APPROVAL_PENDING")
      return failed(outcome.trouble, { touched, unsettled: true });
    last = outcome.trouble;
    mustLook = true;
  }
  return failed(last ?? cancelled(ports.secret), { touched, unsettled: true });
}

/** What is there. A leftover of ours that cannot be used is undone first, and then nothing is there. */
async function look(
  step: Step,
  c: StepContext,
  at: Circumstances,
): Promise<{ is: "present"; value: unknown } | { is: "absent" } | { is: "unsettled"; trouble: Trouble }> {
  const looks = step.looks;
  if (!looks) return { is: "absent" };
  const found = await persistLook(() => looks(c, at.facts), at);
  if (found.is === "present" || found.is === "absent") return found;
  if (found.is !== "leftover") return { is: "unsettled", trouble: found.trouble };
  const cleared = await undoNow(step, c, at);
  return cleared.is === "done" ? { is: "absent" } : { is: "unsettled", trouble: cleared.trouble };
}

/** Undoes a step. Body of one journal entry; safe to repeat, because every undo looks for what is there. */
export function undo(step: Step, at: Circumstances): Promise<UndoResult> {
  return outlasting(at.ports, () => undoOnce(step, at));
}

type UndoResult = { readonly is: "done" } | { readonly is: "failed"; readonly trouble: Trouble };

async function undoOnce(step: Step, at: Circumstances): Promise<UndoResult> {
  const result = await noted(step, at, {}, async () => {
    const undone = await undoNow(step, at.ports.context(at.facts), at);
    return undone.is === "done"
      ? doneWith(null, { touched: true, found: false })
      : failed(undone.trouble, { touched: true });
  });
  if (result.is === "failed") return { is: "failed", trouble: result.trouble };
  await at.ports.progress.step(at.ports.run, step.id, { state: "undone", says: "undone" });
  return { is: "done" };
}

async function undoNow(step: Step, c: StepContext, at: Circumstances): Promise<Outcome<void>> {
  const way = step.undoes;
  if (typeof way !== "object" || !("does" in way)) return { is: "done", value: undefined };
  await at.ports.audit.append(entry(step, c, "undo.intended", { says: way.says }));
  await at.journal.owned();
  return persist(() => way.does(c), at);
}

/** Asks for the proof until it is there, refuted, or the deadline has passed. Body of one journal entry. */
export function prove(step: Step, acted: ActResult, at: Circumstances): Promise<ProveResult> {
  return outlasting(at.ports, () => proveOnce(step, acted, at));
}

async function proveOnce(step: Step, acted: ActResult, at: Circumstances): Promise<ProveResult> {
  if (acted.is !== "done") throw new Error("only a done step is proved");
  const within = step.proveWithinMs ?? PROVE_WITHIN;
  let result: ProveResult | undefined;
  await noted(step, at, { state: "proving" }, async () => {
    const c = at.ports.context(at.facts);
    const since = c.now();
    for (;;) {
      const proof = step.proves
        ? await step.proves(c, at.facts, acted.value)
        : ({ is: "proved", says: saysOf(acted.value) } as const);
      if (proof.is === "proved") {
        result = { is: "proved", says: acted.found ? `${proof.says} (already done)` : proof.says };
        return doneWith(null, { touched: false, found: false });
      }
      if (proof.is === "refuted" || between(since, c.now()) >= within) {
        result = { is: "failed", trouble: proof.trouble };
        return failed(proof.trouble);
      }
      // Ever longer waits: an hour of release phase, asked about every second, would use up the vendor's hourly limit.
      await at.ports.pause(
        Math.min(Math.max(PROVE_EVERY, between(since, c.now()) / 10), PROVE_EVERY_AT_MOST),
      );
    }
  }).then((noting) => {
    if (!result && noting.is === "failed") result = { is: "failed", trouble: noting.trouble };
  });
  const final = result ?? { is: "failed", trouble: troubleOf(new Error("a proof ended without a result")) };
  if (final.is === "proved") {
    await at.ports.progress.step(at.ports.run, step.id, {
      state: "done",
      says: final.says,
      endedAt: at.journal.now(),
    });
  }
  return final;
}

function saysOf(value: unknown): string {
  return value !== null && typeof value === "object" && "says" in value && typeof value.says === "string"
    ? value.says
    : "";
}

/** Tries again what certainly did not happen, a bounded number of times. */
async function persist<T>(call: () => Promise<Outcome<T>>, at: Circumstances): Promise<Outcome<T>> {
  for (let tries = 0; ; tries += 1) {
    const outcome = await call().catch((thrown: unknown): NotDone => {
      if (isOutage(thrown)) throw thrown;
      return { is: "unknown", trouble: troubleOf(thrown) };
    });
    if (outcome.is !== "done" && outcome.trouble.code === "DATABASE_UNREACHABLE")
      throw new LockstepError(outcome.trouble);
    const wait = outcome.is === "retryable" ? (outcome.afterMs ?? BACKOFF[tries]) : undefined;
    if (wait === undefined || tries >= BACKOFF.length || wait > LONGEST_WAIT) return outcome;
    await at.ports.pause(wait);
  }
}

async function persistLook(call: () => Promise<Look<unknown>>, at: Circumstances): Promise<Look<unknown>> {
  const outcome = await persist(async (): Promise<Outcome<Look<unknown>>> => {
    const found = await call();
    return found.is === "retryable" ? found : { is: "done", value: found };
  }, at);
  return outcome.is === "done" ? outcome.value : outcome;
}

/** Runs a body, keeps the vendor calls it made, records how it went in progress and audit, and turns a throw into data. */
async function noted(
  step: Step,
  at: Circumstances,
  change: Parameters<Progress["step"]>[2],
  body: () => Promise<ActResult>,
): Promise<ActResult> {
  const { ports } = at;
  let calls: readonly CallRecord[] = [];
  try {
    await ports.progress.step(ports.run, step.id, { ...change, startedAt: at.journal.now() });
    const collected = await collectCalls(() =>
      body().catch((thrown: unknown) => {
        if (isOutage(thrown)) throw thrown;
        return failed(troubleOf(thrown), { unsettled: step.effect !== "none" });
      }),
    );
    calls = collected.calls;
    const result = collected.value;
    await record(step, at, result, calls);
    return result;
  } catch (thrown) {
    if (isOutage(thrown)) throw thrown;
    // The record itself could not be written: what was done stands, but nothing further is done on its strength.
    return failed(troubleOf(thrown), { touched: true, unsettled: true });
  }
}

async function record(
  step: Step,
  at: Circumstances,
  result: ActResult,
  calls: readonly CallRecord[],
): Promise<void> {
  const { ports } = at;
  const trouble = result.is === "failed" && !result.stopped ? result.trouble : undefined;
  await ports.progress.step(ports.run, step.id, { calls, ...(trouble ? { state: "failed", trouble } : {}) });
  if (step.effect === "none" || !result.touched) return;
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
}

function entry(step: Step, c: StepContext, what: string, context: Readonly<Record<string, unknown>>) {
  return {
    action: `secret.${c.snapshot.flow}.step.${what}`,
    actor: c.actor,
    secret: c.snapshot.secret,
    run: c.run,
    step: step.id,
    context: { target: step.target?.(c.snapshot), ...context },
  };
}

function doneWith(value: unknown, how: { touched: boolean; found: boolean }): ActResult {
  return { is: "done", value, ...how };
}

function failed(
  trouble: Trouble,
  how: Partial<{ touched: boolean; unsettled: boolean; stopped: boolean }> = {},
): ActResult {
  return { is: "failed", trouble, touched: false, unsettled: false, stopped: false, ...how };
}

function cancelled(secret: string): Trouble {
  return {
    code: "RUN_CANCELLED",
    message: "The run was cancelled",
    because: "a person asked for it before the first store was written",
    next: `lockstep plan ${secret}`,
  };
}

/** Between looks for our own database, in milliseconds. */
const OUTAGE_PAUSE: Milliseconds = 1_000;

/**
 * Repeats a body for as long as our own database is away. That is no outcome of a step: it could not be recorded anyway,
 * and the body may be repeated at any point, because it looks before it acts a second time.
 */
export async function outlasting<T>(ports: Pick<StepPorts, "pause">, body: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await body();
    } catch (thrown) {
      if (!isOutage(thrown)) throw thrown;
      await ports.pause(OUTAGE_PAUSE);
    }
  }
}

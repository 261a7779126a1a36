import {
  type ActResult,
  type Circumstances,
  type Decision,
  doneWith,
  failed,
  type ProveResult,
  runCancelled,
} from "./circumstances.ts";
import type { Trouble } from "./errors.ts";
import { entry, noted, wasAnnounced } from "./noted.ts";
import { type Outcome, refused } from "./outcome.ts";
import { withPermits } from "./permit.ts";
import { outlasting, persist, persistLook } from "./persist.ts";
import { INTENDED } from "./record.ts";
import { isPointOfNoReturn, type Look, type Step, type StepContext } from "./step.ts";
import { between, type Milliseconds } from "./time.ts";

const STOPPED = "a person asked for it before the first store was written";
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
  const change = { state: "acting", attempts: at.attempt } as const;
  const shows = step.proves ? { change } : { change, ends: (done: Done) => tell(step, done) };
  return noted(step, at, shows, async (showing) => {
    showing(ports.learned(at.facts));
    const wish = at.cancellable ? ports.stopAsked() : false;
    // Asked together, because each answer is a wait for the database; not yet where an observation takes its time first.
    const freeze = step.effect !== "none" && !step.observes && ports.frozen();
    const [announced, stop, early] = await Promise.all([wasAnnounced(step, ports), wish, freeze]);
    // What a process announced before it died may have happened, whatever keeps this one from looking. How earlier attempts
    // ended is recorded.
    const uncertain = announced && (at.attempt === 1 || (await wasAnnounced(step, ports, at.attempt)));
    const before = { touched: announced, uncertain };
    if (stop && !(announced && isPointOfNoReturn(step)))
      return failed(runCancelled(ports.secret, STOPPED), { stopped: true, ...before });
    const c = ports.context(at.facts);
    if (at.settled) return settle(step, c, at, at.settled);
    const seen = await evidenceFor(step, c, at);
    const blocked = objectionTo(step, c, at, seen);
    if (blocked) return failed(blocked, before);
    if (step.effect === "none") return observeOnly(step, c, at);
    const frozen = early === false ? await ports.frozen() : early;
    return takeEffect(step, c, at, { ...before, frozen, seen });
  });
}

type Seen = Outcome<unknown> | undefined;

/** Gathered fresh; nothing where the step decides on facts alone. */
async function evidenceFor(step: Step, c: StepContext, at: Circumstances): Promise<Seen> {
  return step.observes && persist(() => step.observes?.(c, at.facts) as Promise<Outcome<unknown>>, at);
}

/** The guards, in order, over evidence that could be gathered; first objection wins. */
function objectionTo(step: Step, c: StepContext, at: Circumstances, seen: Seen): Trouble | undefined {
  if (seen && seen.is !== "done") return seen.trouble;
  const given = { facts: at.facts, observed: seen?.value, snapshot: c.snapshot, now: c.now() };
  for (const guard of step.needs ?? []) {
    const objection = guard.holds(given as never);
    if (objection) return objection;
  }
  return undefined;
}

async function observeOnly(step: Step, c: StepContext, at: Circumstances): Promise<ActResult> {
  const outcome = await persist(() => step.does(c, at.facts, at.answer), at);
  return outcome.is === "done"
    ? doneWith(outcome.value, { touched: false, found: false })
    : failed(outcome.trouble);
}

/** A person says that it is done: only what is seen counts, and nothing is sent. */
async function settle(step: Step, c: StepContext, at: Circumstances, said: Decision): Promise<ActResult> {
  const touched = step.effect !== "none";
  const looks = step.settles ?? step.looks;
  const original = at.heldFor && { original: at.heldFor };
  const not = (found: string) => failed({ ...notSettled(step, found, at, c.run), ...original }, { touched });
  if (!looks) return not("this step cannot be done by hand");
  const found = await persistLook(() => looks(c, at.facts, said), at);
  if (found.is === "present") return doneWith(found.value, { touched, found: true });
  if (found.is === "absent" || found.is === "leftover") return not("looking does not show that it is done");
  return failed({ ...found.trouble, ...original }, { touched, unsettled: touched });
}

/** What was announced before: at all, and by a process that did not say how it went. */
interface Begun {
  readonly touched: boolean;
  readonly uncertain: boolean;
}

/** Looks where an earlier attempt may have acted, announces the effect, and acts; an unknown end goes back to looking. */
async function takeEffect(
  step: Step,
  c: StepContext,
  at: Circumstances,
  { frozen, seen, ...before }: Begun & { readonly frozen: Trouble | undefined; readonly seen: Seen },
): Promise<ActResult> {
  const { ports } = at;
  const owned = () => at.journal.owned();
  let { touched, uncertain } = before;
  let last: Trouble | undefined;
  let sent = false;
  const send = async (): Promise<Outcome<unknown>> => {
    // What allowed the act was seen before: looks, waits of a rate limit, or a machine that slept have made it older.
    // Where there was nothing to see, as of a key that a list did not show, the look has found something by now.
    const nothing = seen?.is === "done" && seen.value === undefined;
    const stale = step.observes && (sent || nothing || objectionTo(step, c, at, seen));
    const blocked = stale ? objectionTo(step, c, at, await evidenceFor(step, c, at)) : undefined;
    if (blocked) return refused(blocked);
    sent = true;
    return withPermits(owned, () => step.does(c, at.facts, at.answer));
  };
  for (let tries = 0; tries <= LOOKS_AFTER_UNKNOWN; tries += 1) {
    if (touched || step.looksFirst) {
      const found = await look(step, c, at);
      if (found.is === "present") return doneWith(found.value, { touched, found: true, uncertain });
      if (found.is === "unsettled") return failed(found.trouble, { touched, unsettled: touched, uncertain });
    }
    if (frozen) return failed(frozen, { touched, uncertain });
    if (at.answer?.is === "declined") return declined(step, c, at, { touched, uncertain });
    // On record before the effect (P11). A write to a vendor asks once more whether the run is ours, right before it is sent.
    const intended = entry(step, c, INTENDED, { attempt: at.attempt, says: step.says(c.snapshot) });
    await Promise.all([ports.audit.append(intended), owned()]);
    touched = true;
    const outcome = await persist(send, at);
    if (outcome.is === "done") return doneWith(outcome.value, { touched, found: false, uncertain });
    if (outcome.is !== "unknown") return failed(outcome.trouble, { touched, uncertain });
    uncertain = true;
    // A request that waits for somebody's approval may land later; another one would only make two of them.
    if (outcome.trouble.code === "VAULT_APPROVAL_PENDING")
      return failed(outcome.trouble, { touched, unsettled: true, uncertain });
    last = outcome.trouble;
  }
  return failed(last ?? runCancelled(ports.secret, STOPPED), { touched, unsettled: true, uncertain });
}

/** Whoever declines does nothing, and nothing is announced: a place that was never written needs no way back. */
async function declined(
  step: Step,
  c: StepContext,
  at: Circumstances,
  how: { readonly touched: boolean; readonly uncertain: boolean },
): Promise<ActResult> {
  const outcome = await step.does(c, at.facts, at.answer);
  return outcome.is === "done"
    ? doneWith(outcome.value, { ...how, found: false })
    : failed(outcome.trouble, how);
}

/** What is there. A leftover of ours that cannot be used is undone first, and then nothing is there. */
async function look(
  step: Step,
  c: StepContext,
  at: Circumstances,
): Promise<{ is: "present"; value: unknown } | { is: "absent" } | { is: "unsettled"; trouble: Trouble }> {
  const looks = step.looks;
  if (!looks) return { is: "absent" };
  const found: Look<unknown> = await persistLook(() => looks(c, at.facts), at);
  if (found.is === "present" || found.is === "absent") return found;
  if (found.is !== "leftover") return { is: "unsettled", trouble: found.trouble };
  const cleared = await undoNow(step, c, at, { frozen: await at.ports.frozen(), again: true });
  return cleared.is === "done" ? { is: "absent" } : { is: "unsettled", trouble: cleared.trouble };
}

/** What a person would be asked for, where it is there already; null where that is not seen. Body of one journal entry. */
export function foundThere(step: Step, at: Circumstances): Promise<ActResult | null> {
  return outlasting(at.ports, async () => {
    const c = at.ports.context(at.facts);
    const found = await persistLook(async () => (await step.looks?.(c, at.facts)) ?? { is: "absent" }, at);
    if (found.is !== "present") return null;
    const touched = await wasAnnounced(step, at.ports);
    const change = { state: "acting", attempts: at.attempt } as const;
    return noted(step, at, { change }, async () => doneWith(found.value, { touched, found: true }));
  });
}

/** Undoes a step. Body of one journal entry; safe to repeat, because every undo looks for what is there. */
export function undo(step: Step, at: Circumstances): Promise<UndoResult> {
  return outlasting(at.ports, () => undoOnce(step, at, at.ports.frozen));
}

/** Takes back a step that was just carried out and harms: a part of what is being done, which a freeze lets finish. */
export function revert(step: Step, at: Circumstances): Promise<UndoResult> {
  return outlasting(at.ports, () => undoOnce(step, at, async () => undefined));
}

type UndoResult = { readonly is: "done" } | { readonly is: "failed"; readonly trouble: Trouble };

async function undoOnce(
  step: Step,
  at: Circumstances,
  frozen: () => Promise<Trouble | undefined>,
): Promise<UndoResult> {
  let says = "undone";
  const result = await noted(step, at, { change: {} }, async () => {
    const how = { frozen: await frozen(), again: false };
    const undone = await undoNow(step, at.ports.context(at.facts), at, how);
    if (undone.is !== "done") return failed(undone.trouble, { touched: true });
    says = undone.value ?? says;
    return doneWith(null, { touched: true, found: false });
  });
  if (result.is === "failed") return { is: "failed", trouble: result.trouble };
  await at.ports.progress.step(at.ports.run, step.id, { state: "undone", says });
  return { is: "done" };
}

async function undoNow(
  step: Step,
  c: StepContext,
  at: Circumstances,
  { frozen, again }: { readonly frozen: Trouble | undefined; readonly again: boolean },
): Promise<Outcome<string | undefined>> {
  const way = step.undoes;
  if (typeof way !== "object" || !way.does) return { is: "done", value: undefined };
  if (frozen) return refused(frozen);
  const { does } = way;
  await at.ports.audit.append(entry(step, c, "undo.intended", { says: way.says }));
  const owned = () => at.journal.owned();
  await owned();
  return persist(() => withPermits(owned, () => does(c, at.facts, again)), at);
}

/** Asks for the proof until it is there, refuted, or the deadline has passed. Body of one journal entry. */
export function prove(step: Step, acted: ActResult, at: Circumstances): Promise<ProveResult> {
  return outlasting(at.ports, () => proveOnce(step, acted, at));
}

async function proveOnce(step: Step, acted: ActResult, at: Circumstances): Promise<ProveResult> {
  const { proves } = step;
  if (acted.is !== "done" || !proves) throw new Error("only a done step with a proof is proved");
  const within = step.proveWithinMs ?? PROVE_WITHIN;
  const owned = () => at.journal.owned();
  let says = "";
  const shows = { change: { state: "proving" }, ends: () => says } as const;
  const result = await noted(step, at, shows, async () => {
    const c = at.ports.context(at.facts);
    const since = c.now();
    for (;;) {
      // A proof may start a job of its own.
      const proof = await withPermits(owned, () => proves(c, at.facts, acted.value));
      if (proof.is === "proved") {
        says = acted.found ? `${proof.says} (already done)` : proof.says;
        return doneWith(null, { touched: false, found: acted.found });
      }
      const passed = between(since, c.now());
      if (proof.is === "refuted" || passed >= within) return failed(proof.trouble);
      // Ever longer waits: an hour of release phase, asked about every second, would use up the vendor's hourly limit.
      const wait = proof.askAgainMs ?? Math.min(Math.max(PROVE_EVERY, passed / 10), PROVE_EVERY_AT_MOST);
      await at.ports.pause(Math.min(wait, within - passed));
    }
  });
  return result.is === "done" ? { is: "proved", says } : { is: "failed", trouble: result.trouble };
}

type Done = Extract<ActResult, { is: "done" }>;

/** What a step without a proof of its own says when it is done. */
function tell(step: Step, { value, found }: Done): string {
  const own = value !== null && typeof value === "object" && "says" in value ? value.says : undefined;
  const says = step.tells?.(value) ?? (typeof own === "string" ? own : "");
  return found ? `${says} (already done)` : says;
}

function notSettled(step: Step, found: string, { heldFor }: Circumstances, run: string): Trouble {
  return {
    code: "NOT_SETTLED",
    message: `${step.id}: ${found}`,
    because: "what a person did by hand counts once it is seen, and this does not show it",
    next: heldFor?.next ?? `lockstep resolve ${run} --retry`,
  };
}

import { act } from "./carry-out.ts";
import type { Decision } from "./circumstances.ts";
import type { Trouble } from "./errors.ts";
import type { Facts } from "./facts.ts";
import { noteDown } from "./persist.ts";
import type { RunEnd } from "./record.ts";
import { finish, newQuestion, type Running, walkBack } from "./running.ts";
import { isPointOfNoReturn, type Step } from "./step.ts";
import { after, between, type Instant, type Milliseconds } from "./time.ts";

/** What follows a hold: the open steps are tried again (or only looked at), the run goes back, or it is over. */
type Led =
  | { readonly is: "again"; readonly settled?: Decision }
  | { readonly is: "back" }
  | { readonly is: "over"; readonly end: RunEnd };

/** A held run that nobody answers asks again so often. */
const ASK_AGAIN: Milliseconds = 24 * 3_600_000;
/** Past the time within which the old key must be ended, it asks so often (HK-14). */
const ASK_AGAIN_LATE: Milliseconds = 15 * 60_000;

interface Begun {
  readonly status: "cancelled" | "failed";
  readonly trouble: Trouble;
}

/** What is known when a run comes to be held. */
interface Known {
  /** A walk back that got stuck: it goes on back, never forward, because what it ended cannot be used any more. */
  readonly begunBack?: Begun;
  /** What a person has decided already, in place of an answer to a task. */
  readonly decided?: Decision | undefined;
}

/** Waits for a decision, where none was made, and carries it out. */
export async function hold(run: Running, trouble: Trouble, place: string, known: Known = {}): Promise<Led> {
  let why = trouble;
  let back = known.begunBack;
  for (let round = 1; ; round += 1) {
    const decided = round === 1 ? known.decided : undefined;
    const decision = decided ?? (await decisionOn(run, why, `${place}/${round}`));
    if ((decision.choice === "retry" || decision.choice === "settle") && !back) {
      await noteDown(run.journal, run.ports, `held/${place}/again/${round}`, () => run.ports.resumed());
      return decision.choice === "settle" ? { is: "again", settled: decision } : { is: "again" };
    }
    if (decision.choice === "break-glass") {
      // On the way back the new key may be ended already: the old one must stay then, and the walk go on.
      const stuck = back ? undefined : await breakGlass(run, `${place}/${round}`);
      // The task in whose place it came is still to be done.
      if (decided && !stuck) return { is: "again" };
      why = stuck ?? why;
    } else if (
      run.heads === "on" &&
      run.begun.every((step) => !isPointOfNoReturn(step) || onlyRefused(run, step))
    ) {
      const objection = await mayLeave(run, `${place}/${round}`);
      if (objection) {
        why = objection;
        continue;
      }
      back = decision.choice === "cancel" || !back ? { status: "cancelled", trouble } : back;
      const stuck = await walkBack(run, `${place}/back/${round}`);
      if (!stuck)
        return { is: "over", end: await finish(run, { status: back.status, trouble: back.trouble }) };
      why = stuck;
    } else if (decision.choice === "rollback" && run.heads === "on") {
      const objection = await mayRollBack(run, `${place}/${round}`);
      if (!objection) return { is: "back" };
      why = objection;
    } else if (decision.choice === "cancel" && run.heads === "on") {
      const ended = run.begun.find(({ undoes }) => undoes === "impossible");
      why = ended ? notLeft(run, ended, "it may have happened") : why;
    }
  }
}

/** Asks until a person decides. A new key for each question: an answer that came too late for one must not decide the next. */
async function decisionOn(run: Running, why: Trouble, place: string): Promise<Decision> {
  const { journal, ports } = run;
  const question = newQuestion(run, `decision/${place}`);
  const told = whileHeld(run, why);
  for (let n = 1; ; n += 1) {
    const since = await noteDown(journal, ports, `held/${place}/${n}`, async () => {
      if (n === 1) await ports.held(told, question);
      else await ports.reminded(told, question, n);
      return journal.now();
    });
    const decision = await journal.answer<Decision>(question, askAgainAt(run, since));
    if (decision) return decision;
  }
}

/** A secret is not tested while a run of it is held: a retry looks at the same, and goes on where it finds it right. */
function whileHeld(run: Running, why: Trouble): Trouble {
  const [command = "", ...rest] = why.next.split(/ {4,}/);
  const original = why.original && { original: whileHeld(run, why.original) };
  if (command !== `lockstep test ${run.snapshot.secret}`) return { ...why, ...original };
  const id = run.ports.run;
  return {
    ...why,
    ...original,
    next:
      rest.length > 0
        ? `lockstep resolve ${id} --retry    ${rest.join(" ")}`
        : `lockstep resolve ${id} --retry`,
  };
}

/** When a person who was asked at that moment is asked once more: after a day, and sooner while a compromised key lives on (HK-14). */
export function askAgainAt({ snapshot, startedAt }: Running, since: Instant): Instant {
  if (snapshot.revokeWithinMs === undefined) return after(since, ASK_AGAIN);
  const deadline = after(startedAt, snapshot.revokeWithinMs);
  return between(since, deadline) > 0 ? deadline : after(since, ASK_AGAIN_LATE);
}

/** An end that was refused whenever it was asked for: it did not happen, and a look can show so. */
function onlyRefused({ stands }: Running, step: Step): boolean {
  return step.undoes === "impossible" && step.looks !== undefined && !stands.has(step);
}

/** Whether what was refused is seen not to have happened, so that the run may be left; nothing of it is to be undone then. */
async function mayLeave(run: Running, place: string): Promise<Trouble | null> {
  const refused = run.begun.filter(isPointOfNoReturn);
  for (const step of refused) {
    const objection = await noteDown(run.journal, run.ports, `${step.id}/leave/${place}`, () =>
      unhappened(run, step),
    );
    if (objection) return objection;
  }
  run.begun.splice(0, run.begun.length, ...run.begun.filter((step) => !refused.includes(step)));
  return null;
}

async function unhappened(run: Running, step: Step): Promise<Trouble | null> {
  const { ports, facts } = run;
  const found = await step.looks?.(ports.context(facts), facts as Facts);
  if (found?.is === "absent") {
    await ports.progress.step(ports.run, step.id, {
      state: "undone",
      says: "refused, and seen not to have happened",
    });
    return null;
  }
  return notLeft(
    run,
    step,
    found && "trouble" in found ? found.trouble.message : "it is seen to have happened",
  );
}

function notLeft({ ports }: Running, { id }: Step, says: string): Trouble {
  return {
    code: "RUN_NOT_CANCELLABLE",
    message: `This run cannot be left at ${id}: ${says}`,
    because: "a run is left only where it is certain that nothing was ended",
    next: `lockstep resolve ${ports.run} --retry`,
  };
}

/** A rollback puts the old value back everywhere: only while the old key works, and nothing was sent to end it. */
function mayRollBack(run: Running, place: string): Promise<Trouble | null> {
  const { journal, ports } = run;
  const ended = run.begun.find((step) => step.undoes === "impossible");
  return noteDown(journal, ports, `rollback/${place}`, async () => {
    const sealed = run.facts.checked?.sealed;
    if (ended || !run.facts.pending || !sealed)
      return impossible(
        run,
        ended ? `${ended.id} has begun to end the old key` : "nothing is to be put back",
      );
    const c = ports.context(run.facts);
    const old = await c.issuer.introspect(await c.sealed.open(sealed));
    if (old.is === "alive") return null;
    const trouble = impossible(run, `the old key is not shown to work: ${old.trouble.message}`);
    return old.is === "dead" ? trouble : { ...trouble, next: `lockstep rollback ${ports.run}    asks again` };
  });
}

function impossible(run: Running, found: string): Trouble {
  return {
    code: "ROLLBACK_IMPOSSIBLE",
    message: `This run cannot be rolled back: ${found}`,
    because: "the old value is put back only while it is certain to work",
    next: `lockstep resolve ${run.ports.run} --retry`,
  };
}

/** Ends the old key at once, on a person's word, and then waits on: what cannot be proved any more is no reason to let a leaked key live. */
async function breakGlass(run: Running, place: string): Promise<Trouble | undefined> {
  const { journal, ports } = run;
  const { old, validated } = run.facts;
  const ending = run.breakGlass;
  if (!old || !validated || !ending) return undefined;
  const at = { facts: run.facts as Facts, attempt: 1, journal, ports };
  const acted = await journal.once(`break-glass/${place}`, () => act(ending, at));
  if (acted.touched && !run.begun.includes(ending)) run.begun.push(ending);
  return acted.is === "failed" ? acted.trouble : undefined;
}

import { ask, declined, taskOf } from "./asking.ts";
import { act, foundThere, prove, revert } from "./carry-out.ts";
import type {
  ActResult,
  Answer,
  Asked,
  Circumstances,
  Decision,
  ProveResult,
  StepPorts,
} from "./circumstances.ts";
import type { Trouble } from "./errors.ts";
import type { FactName, Facts } from "./facts.ts";
import { hold } from "./hold.ts";
import type { Journal } from "./journal.ts";
import { noteDown } from "./persist.ts";
import type { RunEnd } from "./record.ts";
import type { Runbook } from "./runbook.ts";
import { finish, type Running, walkBack } from "./running.ts";
import type { Snapshot } from "./snapshot.ts";
import { type Entry, isPointOfNoReturn, type Step } from "./step.ts";

/** How one step went on its latest attempt. */
interface StepEnd {
  readonly step: Step;
  readonly act: ActResult;
  readonly prove?: ProveResult;
  /** What a person decided in place of an answer to its task. */
  readonly decided?: Decision;
}

/** Where a part of a runbook led: to its end, to the end of the run, or to the way back. */
type Led =
  | { readonly is: "through" }
  | { readonly is: "over"; readonly end: RunEnd }
  | { readonly is: "back" }
  | { readonly is: "from"; readonly gives: FactName };

/**
 * Carries out a runbook: the one place that decides what follows what. Never throws: trouble before the first store
 * write walks back through the undoes, trouble after it holds the run for a person.
 *
 * Everything that decides the path comes out of the journal, so that a replay takes the same one.
 */
export async function interpret(
  runbook: Runbook,
  snapshot: Snapshot,
  journal: Journal,
  ports: StepPorts,
): Promise<RunEnd> {
  const startedAt = await noteDown(journal, ports, "start", async () => {
    await ports.began();
    return journal.now();
  });
  const history = { uncertain: false, requests: [] };
  const people = { questions: new Set<string>(), asked: new Map<Step, Asked>() };
  const steps = { begun: [], stands: new Set<Step>(), tried: new Map<string, number>() };
  const way = { snapshot, journal, ports, startedAt, history, ...steps, ...people };
  const { breakGlass } = runbook;
  const there: Running = { ...way, facts: {}, heads: "on", ...(breakGlass && { breakGlass }) };
  const entries = runbook.entries(snapshot);
  const back = { tried: new Map<string, number>(), entries: runbook.back?.(snapshot) ?? [] };
  for (let turns = 0, from: FactName | undefined; ; turns += 1) {
    // What a person has written before the way back is no answer any more.
    const on: Running = turns === 0 ? there : { ...there, asked: new Map() };
    const led = await carryOutAll(on, entries, from);
    if (led.is === "over") return led.end;
    if (led.is === "through") return finish(there, { status: "completed" });
    // Without the fact that the new key is validated, a run that rotates its own access acts with the old one: ending the
    // new key with itself would leave nobody to show that it is gone.
    const { validated: _validated, ...facts } = there.facts;
    const heading: Running = { ...there, facts, heads: "back", tried: back.tried };
    const returned = await carryOutAll(heading, back.entries);
    if (returned.is === "over") return returned.end;
    if (returned.is !== "from")
      return finish(heading, { status: "cancelled", trouble: rolledBack(snapshot) });
    await turnRound(there, turns);
    from = returned.gives;
  }
}

/** What the way back has done counts no more: the way there is gone once more from a fact on. */
async function turnRound({ journal, ports, begun }: Running, turns: number): Promise<void> {
  const returning = begun.filter(({ undoes }) => undoes === "impossible");
  begun.splice(0, begun.length, ...begun.filter((step) => !returning.includes(step)));
  await noteDown(journal, ports, `turned/${turns}`, async () => {
    for (const { id } of returning)
      await ports.progress.step(ports.run, id, { state: "undone", says: "the run goes forward again" });
  });
}

/** All of them, or from the one on that gives a fact. One that none of them gives is for whoever called. */
async function carryOutAll(run: Running, entries: readonly Entry[], from?: FactName): Promise<Led> {
  const at = (fact: FactName) => entries.findIndex(({ gives }) => gives === fact);
  for (let next = from === undefined ? 0 : at(from); next < entries.length; next += 1) {
    const led = await carryOutEntry(run, entries[next] as Entry);
    if (led.is === "from" && at(led.gives) >= 0) next = at(led.gives) - 1;
    else if (led.is !== "through") return led;
  }
  return { is: "through" };
}

async function carryOutEntry(run: Running, entry: Entry): Promise<Led> {
  const values: Record<string, unknown> = {};
  for (const wave of entry.waves) {
    const led = await carryOutWave(run, wave, values);
    if (led.is !== "through") return led;
  }
  Object.assign(run.facts, { [entry.gives]: entry.collects ? values : Object.values(values)[0] });
  return { is: "through" };
}

/** One wave until every step of it is done, or the run is over or goes back instead. */
async function carryOutWave(
  run: Running,
  wave: readonly Step[],
  values: Record<string, unknown>,
): Promise<Led> {
  const id = wave[0]?.id ?? "none";
  let open = wave;
  let said: Pick<Attempt, "settled" | "heldFor"> = {};
  while (open.length > 0) {
    const attempt = (run.tried.get(id) ?? 0) + 1;
    run.tried.set(id, attempt);
    const ends = await attemptAll(run, open, { attempt, ...said });
    for (const { step, act: acted, prove: proved } of ends) {
      if (acted.is === "done" && (!step.proves || proved?.is === "proved")) values[step.id] = acted.value;
    }
    open = open.filter((step) => !(step.id in values));
    // A person whose answer was refused is asked again; everybody else's trouble needs a decision.
    if (open.length === 0 || ends.every((one) => !isBad(one) || answerRefused(one))) continue;
    const { trouble, unsettled, stopped } = verdictOf(ends);
    const decided = ends.find((one) => one.decided)?.decided;
    const place = `${id}/${attempt}`;
    await revertOne(run, ends, attempt);
    const stays = unsettled || trouble.code === "FROZEN" || decided?.choice === "break-glass";
    const walks = run.heads === "on" && !stays && canWalkBack(run.begun);
    const led = walks
      ? await goBack(run, trouble, place, stopped ? "cancelled" : "failed")
      : await hold(run, trouble, place, { decided });
    if (led.is !== "again") return led;
    const heldFor = trouble.original ?? trouble;
    said = led.settled ? { settled: led.settled, heldFor } : {};
    const from = led.settled
      ? undefined
      : open.flatMap((step) => step.repeats?.(heldFor, run.snapshot) ?? [])[0];
    if (from) return { is: "from", gives: from };
  }
  return { is: "through" };
}

async function goBack(run: Running, trouble: Trouble, place: string, status: "cancelled" | "failed") {
  const stuck = await walkBack(run, place);
  if (stuck) return hold(run, stuck, place, { begunBack: { status, trouble } });
  return { is: "over", end: await finish(run, { status, trouble }) } as const;
}

interface Attempt {
  readonly attempt: number;
  readonly settled?: Decision;
  /** What the run was held for then. */
  readonly heldFor?: Trouble;
}

/** What Lockstep does itself comes first; people are asked only where nothing is in the way. */
async function attemptAll(run: Running, steps: readonly Step[], how: Attempt): Promise<readonly StepEnd[]> {
  for (const step of steps) await waitFor(run, step, how.attempt);
  const tasks = new Map(steps.map((step) => [step, how.settled ? undefined : taskOf(run, step)]));
  const ends = await attemptRound(
    run,
    steps.filter((step) => !tasks.get(step)),
    how,
  );
  if (ends.some(isBad)) return ends;
  for (const [step, task] of tasks) {
    if (!task) continue;
    const found = await alreadyThere(run, step, how);
    if (found) {
      ends.push(...found);
      continue;
    }
    const answer = await ask(run, step, task, how.attempt);
    // What was decided is carried out before anybody is asked for more.
    if ("choice" in answer) return [...ends, { step, act: declined(run, answer), decided: answer }];
    ends.push(...(await attemptRound(run, [step], how, answer)));
  }
  return ends;
}

async function waitFor(run: Running, step: Step, attempt: number): Promise<void> {
  if (!step.waits) return;
  const until = step.waits(run.snapshot, run.facts as Facts);
  await noteDown(run.journal, run.ports, `${step.id}/wait/${attempt}`, () => run.ports.waiting(step, until));
  await run.journal.sleepUntil(until);
}

/** What is seen to be there is not asked for. */
async function alreadyThere(run: Running, step: Step, how: Attempt): Promise<StepEnd[] | undefined> {
  if (!step.looksFirst) return undefined;
  const at = circumstancesOf(run, how);
  const found = await run.journal.once(`${step.id}/look/${how.attempt}`, () => foundThere(step, at));
  return found ? proveRound([{ step, act: found }], at) : undefined;
}

function circumstancesOf(
  run: Running,
  { attempt, settled, heldFor }: Attempt,
  answer?: Answer,
): Circumstances {
  return {
    facts: run.facts as Facts,
    attempt,
    cancellable: run.heads === "on" && canWalkBack(run.begun),
    journal: run.journal,
    ports: run.ports,
    ...(settled && { settled }),
    ...(heldFor && { heldFor }),
    ...(answer && { answer }),
  };
}

/** All acts, then all proves: rounds of single entries, because branches of several are not deterministic. */
async function attemptRound(
  run: Running,
  steps: readonly Step[],
  how: Attempt,
  answer?: Answer,
): Promise<StepEnd[]> {
  if (steps.length === 0) return [];
  const at = circumstancesOf(run, how, answer);
  const acts = await run.journal.round(
    steps.map((step) => ({
      key: `${step.id}/act/${how.attempt}`,
      body: () => act(step, settledAsAsked(run, step, at)),
    })),
  );
  const paired = steps.map((step, i) => ({ step, act: acts[i] as ActResult }));
  for (const { step, act: acted } of paired) {
    if (acted.is === "failed" && acted.trouble.code === "VAULT_APPROVAL_PENDING")
      run.history.requests.push(acted.trouble.message);
    if (acted.uncertain && step.effect === "once") run.history.uncertain = true;
    if (step.effect !== "none" && acted.touched && !run.begun.includes(step)) run.begun.push(step);
    if (acted.is === "done" || acted.uncertain) run.stands.add(step);
  }
  return proveRound(paired, at);
}

/** By hand counts what was done since the person was asked. */
function settledAsAsked({ asked }: Running, step: Step, at: Circumstances): Circumstances {
  const since = asked.get(step);
  return at.settled && since ? { ...at, settled: { ...at.settled, asked: since } } : at;
}

async function proveRound(ends: readonly StepEnd[], at: Circumstances): Promise<StepEnd[]> {
  const done = ends.filter((one) => one.act.is === "done" && one.step.proves);
  if (done.length === 0) return [...ends];
  const proves = await at.journal.round(
    done.map(({ step, act: acted }) => ({
      key: `${step.id}/prove/${at.attempt}`,
      body: () => prove(step, acted, at),
    })),
  );
  return ends.map((one) => {
    const proved = proves[done.indexOf(one)];
    return proved ? { ...one, prove: proved } : one;
  });
}

/** Takes back single steps whose refuted proof demands it, before the run is held: a consumer that crashes gets its old value (HK-21). */
async function revertOne(run: Running, ends: readonly StepEnd[], attempt: number): Promise<void> {
  for (const { step, prove: proved } of ends) {
    if (proved?.is !== "failed" || !step.reverts?.(proved.trouble)) continue;
    // What does not succeed here stays begun, and the run is held for it in any case.
    await run.journal.once(`${step.id}/revert/${attempt}`, () =>
      revert(step, {
        facts: run.facts as Facts,
        attempt,
        journal: run.journal,
        ports: run.ports,
      }),
    );
  }
}

function isBad({ act: acted, prove: proved }: StepEnd): boolean {
  return acted.is === "failed" || proved?.is === "failed";
}

function answerRefused({ act: acted }: StepEnd): boolean {
  return acted.is === "failed" && acted.trouble.code === "ANSWER_REFUSED";
}

/** Going back by ourselves is allowed only while every effect so far has an undo of its own. */
function canWalkBack(begun: readonly Step[]): boolean {
  return begun.every((step) => !isPointOfNoReturn(step));
}

/** The worst of what went wrong in a wave: anything unsettled outweighs a clean refusal. */
function verdictOf(ends: readonly StepEnd[]): { trouble: Trouble; unsettled: boolean; stopped: boolean } {
  const bad = ends.flatMap(({ act: acted, prove: proved }) => {
    if (acted.is === "failed")
      return [{ trouble: acted.trouble, unsettled: acted.unsettled, stopped: acted.stopped }];
    if (proved?.is === "failed") return [{ trouble: proved.trouble, unsettled: false, stopped: false }];
    return [];
  });
  const worst = bad.find((one) => one.unsettled) ?? bad.find((one) => !one.stopped) ?? bad[0];
  if (!worst) throw new Error("a verdict was asked about a wave without trouble");
  return worst;
}

function rolledBack({ secret }: Snapshot): Trouble {
  return {
    code: "RUN_ROLLED_BACK",
    message: "The run was rolled back: every copy holds the old value again, and the new key is ended",
    because: "a person decided so",
    next: `lockstep plan ${secret}`,
  };
}

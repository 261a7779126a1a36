import { type ActResult, act, type ProveResult, prove, type StepPorts, undo } from "./carry-out.ts";
import type { Trouble } from "./errors.ts";
import type { Facts } from "./facts.ts";
import type { Journal, Key } from "./journal.ts";
import type { RunEnd } from "./record.ts";
import type { Runbook } from "./runbook.ts";
import type { Snapshot } from "./snapshot.ts";
import type { Entry, Step } from "./step.ts";
import { after } from "./time.ts";

/** What a person decides on a held run. */
export interface Decision {
  readonly choice: "retry" | "cancel";
}

/** How long a held run waits before it asks again; a person's answer ends the wait at once. */
const HELD_FOR = 30 * 86_400_000;

/** How one step went on its latest attempt. */
interface StepEnd {
  readonly step: Step;
  readonly act: ActResult;
  readonly prove?: ProveResult;
}

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
  const facts: Partial<Facts> = {};
  const begun: Step[] = [];
  await noteDown(journal, ports, "start", () => ports.began());
  for (const entry of runbook.entries(snapshot)) {
    const values: Record<string, unknown> = {};
    for (const wave of entry.waves) {
      const end = await carryOutWave({ wave, snapshot, facts, begun, journal, ports, values });
      if (end) return end;
    }
    Object.assign(facts, { [entry.gives]: factOf(entry, values) });
  }
  return noteDown(journal, ports, "end", () => ports.ended({ status: "completed" }, facts));
}

/** How long to wait when the record cannot be written. */
const NOTE_AGAIN = 5_000;

/** An entry that only writes the record. It waits until it can: a throw would end the run for good, with the record still open. */
function noteDown<T>(journal: Journal, ports: StepPorts, key: Key, note: () => Promise<T>): Promise<T> {
  return journal.once(key, async () => {
    for (;;) {
      try {
        return await note();
      } catch {
        await ports.pause(NOTE_AGAIN);
      }
    }
  });
}

function factOf(entry: Entry, values: Readonly<Record<string, unknown>>): unknown {
  return entry.collects ? values : Object.values(values)[0];
}

interface Wave {
  readonly wave: readonly Step[];
  readonly snapshot: Snapshot;
  readonly facts: Partial<Facts>;
  /** Steps that may have had an effect, oldest first: what a walk back has to undo. */
  readonly begun: Step[];
  readonly journal: Journal;
  readonly ports: StepPorts;
  readonly values: Record<string, unknown>;
}

/** One wave until every step of it is done; an end when the run is over instead. */
async function carryOutWave(w: Wave): Promise<RunEnd | undefined> {
  let open = w.wave;
  for (let attempt = 1; ; attempt += 1) {
    const ends = await attemptAll(w, open, attempt);
    for (const { step, act: acted, prove: proved } of ends) {
      if (acted.is === "done" && proved?.is === "proved") w.values[step.id] = acted.value;
    }
    open = open.filter((step) => !(step.id in w.values));
    if (open.length === 0) return undefined;
    const over = await settle(w, ends, attempt);
    if (over) return over;
  }
}

/** All acts, then all proves: rounds of single entries, because branches of several are not deterministic. */
async function attemptAll(w: Wave, steps: readonly Step[], attempt: number): Promise<readonly StepEnd[]> {
  for (const step of steps) {
    if (!step.waits) continue;
    const until = step.waits(w.snapshot, w.facts as Facts);
    await noteDown(w.journal, w.ports, `${step.id}/wait/${attempt}`, () => w.ports.waiting(step, until));
    await w.journal.sleepUntil(until);
  }
  const cancellable = canWalkBack(w.begun);
  const acts = await w.journal.round(
    steps.map((step) => ({
      key: `${step.id}/act/${attempt}`,
      body: () =>
        act(step, { facts: w.facts as Facts, attempt, cancellable, journal: w.journal, ports: w.ports }),
    })),
  );
  const paired = steps.map((step, i) => ({ step, act: acts[i] as ActResult }));
  for (const { step, act: acted } of paired) {
    if (step.effect !== "none" && acted.touched && !w.begun.includes(step)) w.begun.push(step);
  }
  const done = paired.filter((one) => one.act.is === "done");
  const proves = await w.journal.round(
    done.map(({ step, act: acted }) => ({
      key: `${step.id}/prove/${attempt}`,
      body: () =>
        prove(step, acted, {
          facts: w.facts as Facts,
          attempt,
          cancellable,
          journal: w.journal,
          ports: w.ports,
        }),
    })),
  );
  return paired.map((one) => {
    const proved = proves[done.indexOf(one)];
    return proved ? { ...one, prove: proved } : one;
  });
}

/** After trouble: walk back, or hold until a person decides. Undefined means that the open steps are tried again. */
async function settle(w: Wave, ends: readonly StepEnd[], attempt: number): Promise<RunEnd | undefined> {
  const { trouble, unsettled, stopped } = verdictOf(ends);
  const place = `${w.wave[0]?.id ?? "none"}/${attempt}`;
  if (!unsettled && canWalkBack(w.begun)) {
    const status = stopped ? "cancelled" : "failed";
    const stuck = await walkBack(w, place);
    return stuck === undefined ? finish(w, status, trouble) : hold(w, stuck, place, { status, trouble });
  }
  return hold(w, trouble, place);
}

/** Waits for a decision. A walk back that got stuck goes on back, never forward: what it ended cannot be used any more. */
async function hold(
  w: Wave,
  trouble: Trouble,
  place: string,
  begunBack?: { readonly status: "cancelled" | "failed"; readonly trouble: Trouble },
): Promise<RunEnd | undefined> {
  let why = trouble;
  let back = begunBack;
  for (let round = 1; ; round += 1) {
    // A new key for each question: an answer that came too late for one must not decide the next.
    const question = `decision/${place}/${round}`;
    const since = await noteDown(w.journal, w.ports, `held/${place}/${round}`, async () => {
      await w.ports.held(why, question);
      return w.journal.now();
    });
    const decision = await w.journal.answer<Decision>(question, after(since, HELD_FOR));
    if (decision?.choice === "retry" && !back) {
      await noteDown(w.journal, w.ports, `held/${place}/retry/${round}`, () => w.ports.resumed());
      return undefined;
    }
    if (decision && canWalkBack(w.begun)) {
      back = decision.choice === "cancel" || !back ? { status: "cancelled", trouble } : back;
      const stuck = await walkBack(w, `${place}/back/${round}`);
      if (stuck === undefined) return finish(w, back.status, back.trouble);
      why = stuck;
    }
  }
}

/** Undoes what has begun, latest first. Answers with trouble when an undo does not succeed; it is never swallowed. */
async function walkBack(w: Wave, place: string): Promise<Trouble | undefined> {
  // Without the fact that the new key is validated, a run that rotates its own access acts with the old one: ending the
  // new key with itself would leave nobody to show that it is gone.
  const { validated: _validated, ...facts } = w.facts;
  for (const step of [...w.begun].reverse()) {
    const key = `${step.id}/undo/${place}`;
    const result = await w.journal.once(key, () =>
      undo(step, {
        facts: facts as Facts,
        attempt: 1,
        cancellable: true,
        journal: w.journal,
        ports: w.ports,
      }),
    );
    if (result.is !== "done") return result.trouble;
  }
  return undefined;
}

async function finish(w: Wave, status: "cancelled" | "failed", trouble: Trouble): Promise<RunEnd> {
  return noteDown(w.journal, w.ports, "end", () => w.ports.ended({ status, trouble }, w.facts));
}

/** Going back by ourselves is allowed only while every effect so far has an undo of its own. */
function canWalkBack(begun: readonly Step[]): boolean {
  return begun.every(
    (step) => step.undoes === "nothing" || (typeof step.undoes === "object" && "does" in step.undoes),
  );
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
  if (!worst) throw new Error("settle was asked about a wave without trouble");
  return worst;
}

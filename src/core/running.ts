import { undo } from "./carry-out.ts";
import type { Asked, StepPorts } from "./circumstances.ts";
import type { Trouble } from "./errors.ts";
import type { Facts } from "./facts.ts";
import type { Journal } from "./journal.ts";
import { noteDown } from "./persist.ts";
import type { RunEnd } from "./record.ts";
import type { Snapshot } from "./snapshot.ts";
import type { Step } from "./step.ts";
import type { Instant } from "./time.ts";

/** A run while it is carried out. Everything in it comes out of the journal. */
export interface Running {
  readonly snapshot: Snapshot;
  readonly journal: Journal;
  readonly ports: StepPorts;
  readonly startedAt: Instant;
  readonly facts: Partial<Facts>;
  /** Steps that may have had an effect, oldest first: what a walk back has to undo. */
  readonly begun: Step[];
  /** Those of them of which some attempt was done, or its outcome open: every other was refused whenever it was sent. */
  readonly stands: Set<Step>;
  readonly history: { uncertain: boolean; readonly requests: string[] };
  /** Keys under which people were asked. */
  readonly questions: Set<string>;
  /** How often each wave was tried, by the id of its first step. */
  readonly tried: Map<string, number>;
  /** When each step first asked a person. */
  readonly asked: Map<Step, Asked>;
  /** `back` once a person has decided to roll back. */
  readonly heads: "on" | "back";
  /** Ends the old credential at once, where the runbook has such a step. */
  readonly breakGlass?: Step;
}

/** A key under which nobody was asked yet: a step of the way there may stand on the way back too, and an answer of then must not decide now. */
export function newQuestion({ questions }: Running, key: string): string {
  const question = questions.has(key) ? `${key}/back` : key;
  questions.add(question);
  return question;
}

/** Undoes what has begun, latest first. Answers with trouble when an undo does not succeed; it is never swallowed. */
export async function walkBack(run: Running, place: string): Promise<Trouble | undefined> {
  const { validated: _validated, ...facts } = run.facts;
  for (const step of [...run.begun].reverse()) {
    const result = await run.journal.once(`${step.id}/undo/${place}`, () =>
      undo(step, {
        facts: facts as Facts,
        attempt: 1,
        journal: run.journal,
        ports: run.ports,
      }),
    );
    if (result.is !== "done") return result.trouble;
  }
  return undefined;
}

/** Writes the end of the run down. */
export function finish(run: Running, end: RunEnd): Promise<RunEnd> {
  return noteDown(run.journal, run.ports, "end", () => run.ports.ended(end, run.facts, run.history));
}

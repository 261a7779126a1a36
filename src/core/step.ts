import type { Answer, Decision, RunHistory } from "./circumstances.ts";
import type { Trouble } from "./errors.ts";
import type { FactName, Facts } from "./facts.ts";
import type { Given, Guard } from "./guard.ts";
import type { Issuer } from "./issuer.ts";
import type { Outcome, Proof, ProofGrade } from "./outcome.ts";
import type { Actor, Ledger, RunId } from "./record.ts";
import type { Fingerprinter, SealedValues } from "./sealed.ts";
import type { CopySnapshot, Snapshot } from "./snapshot.ts";
import type { Receipt, Store, Vault } from "./store.ts";
import type { Task } from "./task.ts";
import type { Instant, Milliseconds } from "./time.ts";

/** What a step works with. Adapters act with the credential that is right at this point of the run (design 4, rule 7). */
export interface StepContext {
  readonly run: RunId;
  /** Unique to the run and the installation; part of whatever the run creates at a vendor. */
  readonly tag: string;
  readonly actor: Actor;
  readonly snapshot: Snapshot;
  readonly issuer: Issuer;
  readonly vault: Vault;
  store(copy: string): Store;
  readonly sealed: SealedValues;
  readonly fingerprint: Fingerprinter;
  readonly ledger: Ledger;
  /** Which installation this is; the claim beside the secret names it. */
  readonly installation: string;
  /** When a step of this run first announced its effect; undefined when nothing of it can have happened. */
  announced(step: string): Promise<Instant | undefined>;
  /** The copies that the configuration names now, which may be others than the plan's. */
  configured(): Promise<readonly CopySnapshot[]>;
  now(): Instant;
}

/** What a look finds. `leftover`: something of this run is there that cannot be used and must be undone first. */
export type Look<T> =
  | { readonly is: "absent" }
  | { readonly is: "present"; readonly value: T }
  | { readonly is: "leftover"; readonly says: string }
  | Exclude<Outcome<never>, { is: "done" }>;

/**
 * How to go back: nothing to undo, no way back, an effect of ours, or only by a person's decision on a held run. The last
 * may say what taking back this one step alone does, for {@link StepDefinition.reverts}.
 */
export type Undo =
  | "nothing"
  | "impossible"
  | { readonly says: string; readonly by?: never; does: UndoEffect }
  | { readonly says: string; readonly by: "decision"; readonly does?: UndoEffect };

/** What a step may ask by, besides plan and facts; undefined as its task means that nobody needs to be asked. */
interface Asking {
  readonly tag: string;
  readonly history: RunHistory;
}

/**
 * Takes back what a step did; looks for what is there, so that it may be repeated. `again`: the step is done once more after it.
 * Answers with what is said of it, where that is more than that it is undone.
 */
type UndoEffect = (
  c: StepContext,
  facts: Partial<Facts>,
  again: boolean,
) => Promise<Outcome<string | undefined>>;

/** A written procedure's step; see design 4 for the question that each part answers. */
export interface StepDefinition<T extends FactName, Value, Observed> {
  readonly id: string;
  readonly takes: readonly T[];
  readonly by: "api" | "operator";
  readonly effect: "none" | "repeatable" | "once";
  /** One line for people from the plan's facts; no values. */
  says(s: Snapshot): string;
  /** What may happen besides, printed with the plan so that nothing happens outside it (P10). */
  readonly conditional?: readonly string[];
  /** The place that is touched, in words. */
  target?(s: Snapshot): string;
  readonly grade?: ProofGrade;
  /** Vendor calls when nothing goes wrong, by vendor. */
  costs?(s: Snapshot): Calls;
  /** Until when the run sleeps, durably, before the step. */
  waits?(s: Snapshot, facts: Pick<Facts, T>): Instant;
  /** Read only; gathers the evidence that the guards decide on, fresh at every attempt. */
  observes?(c: StepContext, facts: Pick<Facts, T>): Promise<Outcome<Observed>>;
  readonly needs?: readonly Guard<Given<T, Observed>>[];
  /** Is it already done? Asked whenever an earlier attempt may have acted; with `looksFirst` on the first one too. */
  looks?(c: StepContext, facts: Pick<Facts, T>): Promise<Look<Value>>;
  readonly looksFirst?: boolean;
  /** What a person is asked before an operator's step is done; its answer is given to `does`. */
  asks?(s: Snapshot, facts: Pick<Facts, T>, run: Asking): Task | undefined;
  /** The last change that the place shows when a person is asked; undefined where it shows none, or cannot be seen. */
  shows?(c: StepContext): Promise<Instant | undefined>;
  does(c: StepContext, facts: Pick<Facts, T>, answer?: Answer): Promise<Outcome<Value>>;
  /** What a done step says, where nothing is left to be observed after it. */
  tells?(value: Value): string;
  /** What shows that a person did it by hand; `looks` where this is absent. */
  settles?(c: StepContext, facts: Pick<Facts, T>, said: Decision): Promise<Look<Value>>;
  /** One observation after the effect, asked again until the deadline while it is unknown. */
  proves?(c: StepContext, facts: Pick<Facts, T>, value: Value): Promise<Proof>;
  readonly proveWithinMs?: Milliseconds;
  /** From which fact on the run is carried out once more, where this stopped the step and a person has it tried again. */
  repeats?(stopped: Trouble, s: Snapshot): FactName | undefined;
  /** Whether this step alone is taken back at once when its proof is refuted so, before the run is held (HK-21). */
  reverts?(refuted: Trouble): boolean;
  readonly undoes: Undo;
}

/** Vendor calls by vendor. */
export type Calls = Readonly<Record<string, number>>;

/** A step whose facts the compiler has already matched; what the interpreter runs. */
export interface Step extends Omit<StepDefinition<FactName, unknown, unknown>, "takes"> {
  readonly takes: readonly FactName[];
}

/** Whether going back from here needs a person's decision, or is not possible at all. */
export function isPointOfNoReturn({ undoes }: Step): boolean {
  return undoes === "impossible" || (typeof undoes === "object" && undoes.by === "decision");
}

/** One line of a runbook: the facts it takes and the one it gives, and its steps in waves. */
export interface Entry<T extends FactName = FactName, G extends FactName = FactName> {
  readonly takes: readonly T[];
  readonly gives: G;
  readonly waves: readonly (readonly Step[])[];
  /** True when the fact is a record of each step's value by step id. */
  readonly collects: boolean;
}

// The one place where the types that the compiler checked are let go: the interpreter hands a step exactly the facts
// that its runbook line was checked to have, so the narrower parameter is safe.
function erase<T extends FactName, Value, Observed>(definition: StepDefinition<T, Value, Observed>): Step {
  return definition as unknown as Step;
}

/** Defines a step that leaves one fact. */
export function step<const T extends FactName, const G extends FactName, Observed = undefined>(
  definition: StepDefinition<T, Facts[G], Observed> & { readonly gives: G },
): Entry<T, G> {
  return { takes: definition.takes, gives: definition.gives, waves: [[erase(definition)]], collects: false };
}

/** A step on one copy of many; its value is a receipt, and {@link each} collects them. */
export interface CopyStep<T extends FactName> {
  readonly takes: readonly T[];
  readonly step: Step;
}

/** Defines a step on one copy. */
export function copyStep<const T extends FactName, Observed = undefined>(
  definition: StepDefinition<T, Receipt, Observed>,
): CopyStep<T> {
  return { takes: definition.takes, step: erase(definition) };
}

/** One step a copy: waves in order, side by side inside one. */
export function each<Copy, const T extends FactName, const G extends "copies" | "restored">(
  gives: G,
  waves: readonly (readonly Copy[])[],
  define: (copy: Copy) => CopyStep<T>,
): Entry<T, G> {
  const steps = waves.map((wave) => wave.map(define));
  return {
    takes: [...new Set(steps.flat().flatMap((one) => one.takes))],
    gives,
    waves: steps.map((wave) => wave.map((one) => one.step)),
    collects: true,
  };
}

import type { Fingerprints } from "./credential.ts";
import type { Trouble } from "./errors.ts";
import type { Facts } from "./facts.ts";
import type { Journal } from "./journal.ts";
import type { Actor, AuditLog, Progress, RunEnd, RunId } from "./record.ts";
import type { SealedId } from "./sealed.ts";
import type { Step, StepContext } from "./step.ts";
import type { Task } from "./task.ts";
import type { Instant, Milliseconds } from "./time.ts";

/** What a step's act left in the journal. `touched`: an effect was announced, so it may have happened. */
export type ActResult =
  | {
      readonly is: "done";
      readonly value: unknown;
      readonly touched: boolean;
      readonly found: boolean;
      readonly uncertain: boolean;
    }
  | {
      readonly is: "failed";
      readonly trouble: Trouble;
      readonly touched: boolean;
      /** Something that was sent may still land. */
      readonly uncertain: boolean;
      /** It may have happened and looking could not tell. */
      readonly unsettled: boolean;
      /** A person cancelled before the step began. */
      readonly stopped: boolean;
    };

/** What a person decides on a run that is held or waits. */
export interface Decision {
  readonly choice: "retry" | "settle" | "rollback" | "cancel" | "break-glass";
  readonly by?: Actor;
  readonly reason?: string;
  readonly asked?: Asked;
}

/** When a step first asked a person, and the last change that its place showed then: what was done before is no answer. */
export interface Asked {
  readonly at: Instant;
  readonly shown?: Instant;
}

/** A person's answer to an operator step's task; a value travels only as the id under which it was sealed. */
export interface Answer {
  readonly is: "done" | "declined";
  readonly by: Actor;
  readonly at: Instant;
  readonly asked?: Asked;
  readonly sealed?: SealedId;
  readonly fingerprints?: Fingerprints;
  readonly reason?: string;
}

/** What a step's proof left in the journal. */
export type ProveResult =
  | { readonly is: "proved"; readonly says: string }
  | { readonly is: "failed"; readonly trouble: Trouble };

/** What carrying out needs from outside the domain. */
export interface StepPorts {
  readonly run: RunId;
  /** The short name of the run that what it creates carries. */
  readonly tag: string;
  readonly secret: string;
  readonly audit: AuditLog;
  readonly progress: Progress;
  context(facts: Partial<Facts>): StepContext;
  /** A person's wish to stop, if any. */
  stopAsked(): Promise<boolean>;
  /** Why no new effect may begin in this installation now, if a person has frozen it. */
  frozen(): Promise<Trouble | undefined>;
  pause(ms: Milliseconds): Promise<void>;
  began(): Promise<void>;
  /** Shows what is known by now (old and new credential); called at every step with all facts so far. */
  learned(facts: Partial<Facts>): Promise<void>;
  waiting(step: Step, until: Instant): Promise<void>;
  /** Shows that the run waits for a decision under that key. */
  held(trouble: Trouble, question: string): Promise<void>;
  resumed(): Promise<void>;
  /** Opens an operator's task under that key, and says that the run waits for it. Idempotent by key. */
  asked(step: Step, task: Task, question: string): Promise<void>;
  /** Asks for a decision once more: the task is not answered, or the time within which the old key must be ended has passed. */
  reminded(trouble: Trouble | undefined, question: string, n: number): Promise<void>;
  ended(end: RunEnd, facts: Partial<Facts>, how: RunHistory): Promise<RunEnd>;
}

/** What the end of a run has to know of the way there. */
export interface RunHistory {
  /** The outcome of something that is sent once was open at some time: it may land late (HK-13). */
  readonly uncertain: boolean;
  /** What the vault said of writes that became requests for somebody's approval. */
  readonly requests: readonly string[];
}

/** What surrounds one attempt of one step. */
export interface Circumstances {
  readonly facts: Facts;
  readonly attempt: number;
  /** A person's wish to stop is heard; it is not where this is absent. */
  readonly cancellable?: boolean;
  /** A person says that it is done by hand: it is looked at, and never done again. */
  readonly settled?: Decision;
  /** What the run was held for when it was settled: it stays known until the step is tried again. */
  readonly heldFor?: Trouble;
  /** What a person answered to the step's task. */
  readonly answer?: Answer;
  readonly journal: Journal;
  readonly ports: StepPorts;
}

/** A step that is done, with its value. */
export function doneWith(
  value: unknown,
  how: { touched: boolean; found: boolean; uncertain?: boolean },
): ActResult {
  return { is: "done", value, uncertain: false, ...how };
}

/** A step that is not done. */
export function failed(
  trouble: Trouble,
  how: Partial<{ touched: boolean; unsettled: boolean; stopped: boolean; uncertain: boolean }> = {},
): ActResult {
  return {
    is: "failed",
    trouble,
    touched: false,
    unsettled: false,
    stopped: false,
    uncertain: false,
    ...how,
  };
}

/** The trouble of a run that a person has stopped before anything was stored. */
export function runCancelled(secret: string, because: string, reason?: string): Trouble {
  return {
    code: "RUN_CANCELLED",
    message: `The run was cancelled${reason ? `: ${reason}` : ""}`,
    because,
    next: `lockstep plan ${secret}`,
  };
}

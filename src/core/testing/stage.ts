import type { Answer, Decision, RunHistory, StepPorts } from "../circumstances.ts";
import type { Trouble } from "../errors.ts";
import type { Facts } from "../facts.ts";
import { interpret } from "../interpret.ts";
import type { Introspection } from "../issuer.ts";
import type { Journal } from "../journal.ts";
import { done, type Outcome } from "../outcome.ts";
import type { AuditEntry, RunEnd } from "../record.ts";
import type { Runbook } from "../runbook.ts";
import type { Snapshot } from "../snapshot.ts";
import type { Entry, Step, StepContext } from "../step.ts";
import { type Instant, instantOf, type Milliseconds, msOf } from "../time.ts";

/** Something that stops a step. */
export const TROUBLE: Trouble = {
  code: "VENDOR_ERROR",
  message: "broken",
  because: "the test says so",
  next: "wait",
};

const START: Instant = "2026-11-21T08:30:00.000Z";

/** A person's word, or that nobody said anything within the time. */
type Word = Decision | Answer | undefined;

/** How a run was left: at its end, or at a question that nobody answers. */
type Left = { readonly end: RunEnd } | { readonly waitsFor: string };

/** What is put on a stage before a run is carried out on it. */
interface Play {
  readonly snapshot?: Partial<Snapshot>;
  /** What people say, in the order in which they are asked. */
  readonly words?: readonly Word[];
  /** What an earlier process of the run has announced, by step. */
  readonly announced?: readonly string[];
  /** Who a value belongs to. */
  readonly who?: Introspection;
  readonly ports?: Partial<StepPorts>;
  readonly owned?: () => Promise<void>;
}

/** A run without vendors, database and time: what it does is a list of lines. */
export interface Stage {
  /** `begun`, `does a`, `held VENDOR_ERROR`, in order. */
  readonly log: string[];
  readonly audit: AuditEntry[];
  /** What progress shows of a step. */
  readonly shown: Map<string, Readonly<Record<string, unknown>>>;
  /** Until when each question is left open. */
  readonly asked: { readonly key: string; readonly until: Instant }[];
  /** With what the run was ended. */
  readonly ended: { readonly facts: Partial<Facts>; readonly how: RunHistory }[];
  readonly ports: StepPorts;
  readonly journal: Journal;
  readonly snapshot: Snapshot;
  now(): Milliseconds;
  carryOut(book: Omit<Runbook, "name">): Promise<Left>;
}

class Waits extends Error {}

interface Kept extends Pick<Stage, "log" | "audit" | "shown" | "asked" | "ended"> {
  /** When a step announced its effect. */
  readonly intended: Map<string, Instant>;
  now: Milliseconds;
}

export function stage(play: Play = {}): Stage {
  const snapshot = { secret: "key", flow: "rotate", ...play.snapshot } as Snapshot;
  const kept: Kept = {
    log: [],
    audit: [],
    shown: new Map(),
    asked: [],
    ended: [],
    intended: new Map((play.announced ?? []).map((step) => [step, START])),
    now: msOf(START),
  };
  const journal = journalOf(play, kept);
  const ports = portsOf(play, kept, { journal, snapshot });
  return {
    ...kept,
    ports,
    journal,
    snapshot,
    now: () => kept.now,
    carryOut: async (book) => {
      try {
        return { end: await interpret({ name: "tiny@1", ...book }, snapshot, journal, ports) };
      } catch (thrown) {
        if (!(thrown instanceof Waits)) throw thrown;
        return { waitsFor: thrown.message };
      }
    },
  };
}

function journalOf(play: Play, kept: Kept): Journal {
  const words = [...(play.words ?? [])];
  return {
    once: (_key, body) => body(),
    round: (entries) => Promise.all(entries.map(({ body }) => body())),
    answer: async <T>(key: string, until: Instant) => {
      kept.asked.push({ key, until });
      if (words.length === 0) throw new Waits(key);
      return words.shift() as T | undefined;
    },
    sleepUntil: async (at) => {
      kept.log.push(`slept until ${at}`);
      kept.now = Math.max(kept.now, msOf(at));
    },
    owned: play.owned ?? (async () => {}),
    now: () => instantOf(kept.now),
  };
}

function portsOf(
  play: Play,
  kept: Kept,
  { journal, snapshot }: { readonly journal: Journal; readonly snapshot: Snapshot },
): StepPorts {
  const { log } = kept;
  const names = { run: "key.rotate.1", tag: "tag", secret: "key" };
  return {
    ...names,
    audit: {
      append: async (entry) => {
        kept.audit.push(entry);
        if (!entry.action.endsWith(".step.intended")) return;
        for (const key of [entry.step, `${entry.step}/${entry.context["attempt"]}`])
          kept.intended.set(key ?? "", journal.now());
      },
      intendedAt: async (_run, step, attempt) =>
        kept.intended.get(attempt === undefined ? step : `${step}/${attempt}`),
    },
    progress: {
      run: async () => {},
      step: async (_run, id, change) => void kept.shown.set(id, { ...kept.shown.get(id), ...change }),
    },
    context: () =>
      ({
        ...names,
        actor: { name: "kris", assurance: "local user" },
        snapshot,
        issuer: { introspect: async () => play.who },
        sealed: { open: async () => ({}) },
        now: journal.now,
      }) as unknown as StepContext,
    stopAsked: async () => false,
    frozen: async () => undefined,
    pause: async (ms) => {
      kept.now += Math.ceil(ms);
    },
    began: async () => void log.push("began"),
    learned: async (facts) => void log.push(`learned ${Object.keys(facts).join(" ")}`.trim()),
    waiting: async (step, until) => void log.push(`${step.id} waits until ${until}`),
    held: async ({ code }) => void log.push(`held ${code}`),
    resumed: async () => void log.push("resumed"),
    asked: async (step) => void log.push(`asked ${step.id}`),
    reminded: async (_trouble, question, n) => void log.push(`reminded ${question} ${n}`),
    ended: async (end, facts, how) => {
      kept.ended.push({ facts: { ...facts }, how });
      return end;
    },
    ...play.ports,
  };
}

/** A step that says in the log what is done, and undone, of it. */
export function act(log: string[], given: Partial<Step> & Pick<Step, "id">): Step {
  const { does = async () => done(`${given.id} done`) } = given;
  return {
    takes: [],
    by: "api",
    effect: "repeatable",
    says: () => given.id,
    undoes: {
      says: "back",
      does: async (): Promise<Outcome<undefined>> => {
        log.push(`undo ${given.id}`);
        return done(undefined);
      },
    },
    ...given,
    does: async (c, facts, answer) => {
      log.push(`does ${given.id}`);
      return does(c, facts, answer);
    },
  };
}

/** A line of a runbook: one step that leaves a fact, or several side by side whose values are collected. */
export function line(gives: Entry["gives"], ...steps: readonly Step[]): Entry {
  return { takes: [], gives, waves: [steps], collects: steps.length > 1 };
}

/** A runbook of steps by themselves. */
export function book(...steps: readonly Step[]): Omit<Runbook, "name"> {
  const gives = ["claimed", "validated", "canonical", "drained"] as const;
  return { entries: () => steps.map((step, i) => line(gives[i] ?? "recorded", step)) };
}

/** A step after which only a person's decision leads back. */
export function stored(log: string[]): Step {
  return act(log, { id: "stored", undoes: { says: "put back", by: "decision" } });
}

/** One answer a call, the last one again and again. */
export function script<T>(...answers: readonly [T, ...T[]]): () => Promise<T> {
  const left = [...answers];
  return async () => (left.length > 1 ? left.shift() : left[0]) as T;
}

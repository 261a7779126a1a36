import type { Answer, Decision } from "../../src/core/circumstances.ts";
import type { Task } from "../../src/core/task.ts";
import { instantOf } from "../../src/core/time.ts";
import type { MemoryRecord } from "../flow/memory-record.ts";
import { ACTOR } from "../flow/world.ts";
import type { Meeting } from "./case.ts";
import type { Run } from "./crew.ts";
import type { Timeline } from "./timeline.ts";

/** Whoever answers held runs and tasks, some time after being asked. */
export interface Person {
  /** Resolves when something was said under that key, or at the moment. */
  hears(run: Run, key: string, until: number): Promise<void>;
  /** The database does not know any more what was asked: it will be asked again. */
  forget(): void;
  /** Runs that wait for a person who has nothing more to say. */
  readonly left: ReadonlySet<Run>;
}

export type Carrying = Extract<Task, { kind: "carry" }>;

/** What a person does. */
export interface Manner {
  /** Decisions on held runs, one after the other; then the last one, a few times. */
  readonly decisions: readonly Decision["choice"][];
  /** How long it takes to come to it. */
  delay(): number;
  /** How tasks are met. */
  readonly tasks: Meeting;
  /** Creates what a task asks for; answers with what is pasted. */
  paste(run: Run, question: string): Promise<Answer>;
  /** Writes a value to the place that a task names, if there is one to carry. */
  carry(run: Run, task: Carrying): void;
  decided(choice: Decision["choice"]): void;
  /** Says that something is done by hand, and has not done it. */
  claims(): void;
}

/** What can be decided in place of an answer. */
const INSTEAD: readonly Decision["choice"][] = ["rollback", "cancel", "break-glass"];
/** After so many decisions that lead to the same hold, a person leaves the run as it is: held is a safe state. */
const PATIENCE = 6;

/** A person who answers. */
export function personOf(timeline: Timeline, memory: MemoryRecord, manner: Manner): Person {
  const asked = new Map<Run, Set<string>>();
  const left = new Set<Run>();
  const waiting = new Map<string, () => void>();
  let said = 0;
  let met = 0;

  const say = (run: Run, key: string, message: Decision | Answer): void => {
    run.kept.messages.set(key, [...(run.kept.messages.get(key) ?? []), message]);
    waiting.get(`${run.id} ${key}`)?.();
  };
  const meet = async (run: Run, key: string, task: Task): Promise<void> => {
    met += 1;
    const how = met === 1 ? manner.tasks : "does";
    const by = { by: ACTOR, at: instantOf(timeline.now()) };
    if (how === "declines") return say(run, key, { is: "declined", ...by });
    if (how === "decides" && INSTEAD.includes(manner.decisions[0] ?? "retry")) return decide(run, key);
    if (task.kind === "value") return say(run, key, await manner.paste(run, key));
    if (task.kind === "carry" && how === "early") manner.claims();
    else if (task.kind === "carry") manner.carry(run, task);
    return say(run, key, { is: "done", ...by });
  };
  const answer = async (run: Run, key: string): Promise<void> => {
    // A run that has ended takes no answer, and nothing is sealed for it.
    if (memory.runs.get(run.id)?.endedAt !== undefined) return;
    const task = memory.tasks.find((one) => one.run === run.id && one.question === key)?.task;
    return task ? meet(run, key, task) : decide(run, key);
  };
  const decide = (run: Run, key: string): void => {
    if (said >= manner.decisions.length + PATIENCE) return void left.add(run);
    const choice = manner.decisions[Math.min(said, manner.decisions.length - 1)];
    if (choice === undefined) return void left.add(run);
    said += 1;
    manner.decided(choice);
    if (choice === "settle") manner.claims();
    say(run, key, { choice, by: ACTOR, reason: "the simulation decided" });
  };

  return {
    left,
    forget: () => asked.clear(),
    hears: (run, key, until) =>
      new Promise((heard) => {
        const off = timeline.at(timeline.now() + until - Date.now(), heard);
        waiting.set(`${run.id} ${key}`, () => {
          off();
          heard();
        });
        const keys = asked.get(run) ?? new Set();
        asked.set(run, keys);
        if (keys.has(key)) return;
        keys.add(key);
        timeline.at(timeline.now() + manner.delay(), () => void answer(run, key));
      }),
  };
}

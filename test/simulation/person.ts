import type { Answer, Decision } from "../../src/core/circumstances.ts";
import { instantOf } from "../../src/core/time.ts";
import type { MemoryRecord } from "../flow/memory-record.ts";
import { ACTOR } from "../flow/world.ts";
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

/** What a person does. */
export interface Manner {
  /** Decisions on held runs, one after the other; then the last one, a few times. */
  readonly decisions: readonly Decision["choice"][];
  /** How long it takes to come to it. */
  delay(): number;
  /** Does what a task asks for; answers with what is pasted. */
  paste(run: Run, question: string): Promise<Answer>;
  decided(choice: Decision["choice"]): void;
}

/** After so many decisions that lead to the same hold, a person leaves the run as it is: held is a safe state. */
const PATIENCE = 6;

/** A person who answers. */
export function personOf(timeline: Timeline, memory: MemoryRecord, manner: Manner): Person {
  const asked = new Map<Run, Set<string>>();
  const left = new Set<Run>();
  const waiting = new Map<string, () => void>();
  let said = 0;

  const say = (run: Run, key: string, message: Decision | Answer): void => {
    run.kept.messages.set(key, [...(run.kept.messages.get(key) ?? []), message]);
    waiting.get(`${run.id} ${key}`)?.();
  };
  const answer = async (run: Run, key: string): Promise<void> => {
    const task = memory.tasks.find((one) => one.run === run.id && one.question === key)?.task;
    if (task?.kind === "value") return say(run, key, await manner.paste(run, key));
    if (task) return say(run, key, { is: "done", by: ACTOR, at: instantOf(timeline.now()) });
    if (said >= manner.decisions.length + PATIENCE) return void left.add(run);
    const choice = manner.decisions[Math.min(said, manner.decisions.length - 1)];
    if (choice === undefined) return void left.add(run);
    said += 1;
    manner.decided(choice);
    return say(run, key, { choice, by: ACTOR, reason: "the simulation decided" });
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

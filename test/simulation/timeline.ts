import { performance } from "node:perf_hooks";
import { dateAt, dateOfMachine } from "../flow/date.ts";

/** Time that passes only when nothing is left to do; days take milliseconds. */
export interface Timeline {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  sleep(ms: number): Promise<void>;
  /** Lets something happen at a moment; answers with what calls it off. */
  at(moment: number, happens: () => void): () => void;
  /** Lets time pass until `over` is true, nothing is left to happen, or the moment is reached. */
  run(over: () => boolean, until: number): Promise<"over" | "idle" | "late">;
  /** Gives the machine's own time back. */
  close(): void;
}

interface Due {
  readonly at: number;
  /** Among those of one moment, the order in which they were set. */
  readonly turn: number;
  readonly happens: () => void;
  off: boolean;
}

const machine = {
  setTimeout: globalThis.setTimeout,
  clearTimeout: globalThis.clearTimeout,
  now: performance.now.bind(performance),
};

/** Replaces the clock and the timers of the program: one timeline at a time in a thread. */
export function openTimeline(start: number): Timeline {
  const due: Due[] = [];
  let now = start;
  let turns = 0;
  dateAt(start);
  const at = (moment: number, happens: () => void): (() => void) => {
    turns += 1;
    const entry: Due = { at: Math.max(moment, now), turn: turns, happens, off: false };
    push(due, entry);
    return () => {
      entry.off = true;
    };
  };
  const setTimer = (happens: (...given: unknown[]) => void, ms = 0, ...given: unknown[]) => {
    const off = at(now + ms, () => happens(...given));
    return { off, unref: () => {}, ref: () => {} };
  };
  Object.assign(globalThis, {
    setTimeout: setTimer,
    clearTimeout: (timer: { off?: () => void } | undefined) => timer?.off?.(),
  });
  performance.now = () => now - start;
  return {
    now: () => now,
    at,
    sleep: (ms) => new Promise((wake) => void at(now + ms, wake)),
    run: async (over, until) => {
      for (;;) {
        await quiet();
        if (over()) return "over";
        const next = pop(due);
        if (!next) return "idle";
        if (next.at > until) return "late";
        now = next.at;
        dateAt(now);
        next.happens();
      }
    },
    close: () => {
      dateOfMachine();
      Object.assign(globalThis, { setTimeout: machine.setTimeout, clearTimeout: machine.clearTimeout });
      performance.now = machine.now;
    },
  };
}

/** All that can go on without time has gone on: everything in here is promises, and those run before the event loop turns. */
function quiet(): Promise<void> {
  return new Promise((resolve) => void process.nextTick(resolve));
}

function isBefore(one: Due, other: Due): boolean {
  return one.at < other.at || (one.at === other.at && one.turn < other.turn);
}

/** Into a binary heap. */
function push(heap: Due[], entry: Due): void {
  let i = heap.push(entry) - 1;
  while (i > 0) {
    const up = (i - 1) >> 1;
    const above = heap[up] as Due;
    if (!isBefore(entry, above)) break;
    heap[i] = above;
    i = up;
  }
  heap[i] = entry;
}

/** The earliest entry that was not called off. */
function pop(heap: Due[]): Due | undefined {
  for (;;) {
    const [first] = heap;
    const last = heap.pop();
    if (first === undefined || last === undefined) return undefined;
    if (heap.length > 0) sink(heap, last);
    if (!first.off) return first;
  }
}

function sink(heap: Due[], entry: Due): void {
  let i = 0;
  for (;;) {
    const left = 2 * i + 1;
    if (left >= heap.length) break;
    const right = left + 1;
    const down = right < heap.length && isBefore(heap[right] as Due, heap[left] as Due) ? right : left;
    if (!isBefore(heap[down] as Due, entry)) break;
    heap[i] = heap[down] as Due;
    i = down;
  }
  heap[i] = entry;
}

import type { Decision } from "../../src/core/circumstances.ts";
import type { Case, Event, Fault, Moment, Size } from "./case.ts";
import { type Chance, chanceOf } from "./chance.ts";
import { ACTS } from "./hands.ts";

const MINUTE = 60_000;

/** Every way in which one request can go wrong. */
const FAULTS: readonly Fault[] = [
  { kind: "refused" },
  { kind: "connect-timeout" },
  { kind: "silent" },
  { kind: "lost-reply" },
  { kind: "silent-after" },
  { kind: "late", ms: 90_000 },
  { kind: "late", ms: 20 * MINUTE },
  { kind: "twice", ms: 5_000 },
  { kind: "twice", ms: 20 * MINUTE },
  ...[401, 403, 404, 409, 422, 429, 500, 503].map((status): Fault => ({ kind: "status", status })),
  { kind: "status", status: 429, retryAfter: 2 },
  { kind: "status", status: 429, retryAfter: 50 },
  { kind: "status", status: 429, retryAfter: 3_600 },
  { kind: "error-after" },
  { kind: "truncated", abort: false },
  { kind: "truncated", abort: true },
  { kind: "html", status: 502 },
  { kind: "html", status: 200 },
  { kind: "no-effect" },
  { kind: "stale", lagMs: 15 * MINUTE },
];

/** How long a fault goes on, where it is not of one request alone. */
const LASTS: readonly (number | undefined)[] = [undefined, 10 * MINUTE];

/** How far our own clock is set. */
const CLOCKS: readonly number[] = [-10 * MINUTE, 10 * MINUTE];

const PEOPLE: readonly (readonly Decision["choice"][])[] = [
  ["retry"],
  ["settle", "retry"],
  ["rollback", "retry"],
  ["retry", "rollback"],
  ["rollback", "settle", "retry"],
  ["cancel", "retry"],
  ["retry", "break-glass", "retry"],
];

const TASKS: readonly Case["tasks"][] = [undefined, "early", "declines", "decides"];

/** How often something happens in a run without trouble: what the moments of all others are counted in. */
export interface Extent {
  readonly asked: number;
  readonly ran: number;
  readonly recorded: number;
}

/** A case in which nothing goes wrong. */
export function quietCase(runbook: string, size: Size, seed = 1): Case {
  return { seed, runbook, size, events: [], people: ["retry"], skewMs: 0 };
}

/** Every single thing that can go wrong, at every moment. */
export function* singles(runbook: string, size: Size, extent: Extent): Generator<Case> {
  const base = quietCase(runbook, size);
  for (const tasks of TASKS)
    for (const people of PEOPLE) if (tasks !== undefined) yield { ...base, tasks, people };
  const one = (event: Event, people: readonly Decision["choice"][] = ["retry"]): Case => ({
    ...base,
    events: [event],
    people,
  });
  for (let n = 1; n <= extent.asked; n += 1) {
    for (const fault of FAULTS)
      for (const forMs of LASTS)
        yield one({ at: { asks: n }, is: "fault", fault, ...(forMs !== undefined && { forMs }) });
    yield one({ at: { asks: n }, is: "cancel" });
    yield one({ at: { answered: n }, is: "freeze", ms: 40 * MINUTE });
    for (const ms of CLOCKS) yield one({ at: { asks: n }, is: "clock", ms });
  }
  for (const at of moments(extent)) {
    yield one({ at, is: "crash" });
    yield one({ at, is: "freeze", ms: 3_000 });
    yield one({ at, is: "freeze", ms: 30_000 });
  }
  for (let n = 1; n <= extent.recorded; n += 1) {
    for (const act of ACTS) yield one({ at: { recorded: n }, is: "act", act });
    yield one({ at: { recorded: n }, is: "keys-gone", ms: 30 * MINUTE });
    for (const ms of CLOCKS) yield one({ at: { recorded: n }, is: "clock", ms });
    for (const entries of [1, 3, 8]) yield one({ at: { recorded: n }, is: "restore", entries });
  }
}

function* moments({ asked, ran, recorded }: Extent): Generator<Moment> {
  for (let n = 1; n <= asked; n += 1) {
    yield { asks: n };
    yield { answered: n };
  }
  for (let n = 1; n <= ran; n += 1) yield { ran: n };
  for (let n = 1; n <= recorded; n += 1) yield { recorded: n };
}

/** Several things at once, as the seed has them. */
export function randomCase(seed: number, runbook: string, extents: Readonly<Record<Size, Extent>>): Case {
  const chance = chanceOf(seed, "case");
  const size: Size = chance.pick<Size>([
    "bare",
    "bare",
    "bare",
    "bare",
    "bare",
    "bare",
    "lean",
    "lean",
    "lean",
    "full",
  ]);
  const count = chance.between(2, 3);
  // A stream of its own: most runbooks ask nobody, and their cases are the same whatever is picked.
  const tasks = chanceOf(seed, "tasks").pick(TASKS);
  return {
    seed,
    runbook,
    size,
    events: Array.from({ length: count }, () => randomEvent(chance, extents[size])),
    people: chance.pick(PEOPLE),
    skewMs: chance.percent(20) ? chance.between(-10, 10) * MINUTE : 0,
    ...(tasks !== undefined && { tasks }),
  };
}

function randomEvent(chance: Chance, extent: Extent): Event {
  // What went wrong before makes runs longer: moments lie beyond the end of a quiet one too.
  const call = chance.between(1, Math.ceil(extent.asked * 1.2));
  const entry = chance.between(1, Math.ceil(extent.recorded * 1.2));
  const anywhere = chance.pick<Moment>([
    { asks: call },
    { answered: call },
    { ran: entry },
    { recorded: entry },
  ]);
  const kind = chance.below(100);
  if (kind < 50) {
    const forMs = chance.percent(40)
      ? chance.pick([5_000, 2 * MINUTE, 30 * MINUTE, 12 * 60 * MINUTE])
      : undefined;
    const fault = chance.pick(FAULTS);
    return { at: { asks: call }, is: "fault", fault, ...(forMs !== undefined && { forMs }) };
  }
  if (kind < 62) return { at: anywhere, is: "crash" };
  if (kind < 72) return { at: anywhere, is: "freeze", ms: chance.pick([1_000, 4_000, 30_000, 40 * MINUTE]) };
  if (kind < 93) return { at: anywhere, is: "act", act: chance.pick(ACTS) };
  if (kind < 95) return { at: anywhere, is: "cancel" };
  if (kind < 97) return { at: anywhere, is: "clock", ms: chance.pick([-60, -15, -2, 2, 15, 60]) * MINUTE };
  if (kind < 99) return { at: { recorded: entry }, is: "restore", entries: chance.between(1, 12) };
  return { at: anywhere, is: "keys-gone", ms: chance.pick([5_000, 30 * MINUTE]) };
}

import type { Case } from "./case.ts";
import { simulate } from "./simulation.ts";

/** The smallest case that still goes wrong. */
export async function shrunk(one: Case, breaks: (other: Case) => Promise<boolean>): Promise<Case> {
  let least = one;
  for (let smaller = await next(least, breaks); smaller; smaller = await next(least, breaks)) least = smaller;
  return least;
}

/** Whether a case breaks one of the promises that were broken. */
export function breaksOne(says: readonly string[]): (other: Case) => Promise<boolean> {
  const broken = new Set(says.map(promiseOf));
  return async (other) =>
    (await simulate(other)).violations.some((violation) => broken.has(promiseOf(violation)));
}

async function next(one: Case, breaks: (other: Case) => Promise<boolean>): Promise<Case | undefined> {
  for (const smaller of smallerThan(one)) if (await breaks(smaller)) return smaller;
  return undefined;
}

function* smallerThan(one: Case): Generator<Case> {
  for (let i = 0; i < one.events.length; i += 1)
    yield { ...one, events: one.events.filter((_, at) => at !== i) };
  const { tasks, ...does } = one;
  if (tasks !== undefined) yield does;
  if (one.skewMs !== 0) yield { ...one, skewMs: 0 };
  for (let i = 0; one.people.length > 1 && i < one.people.length; i += 1)
    yield { ...one, people: one.people.filter((_, at) => at !== i) };
}

function promiseOf(violation: string): string {
  return violation.slice(0, violation.indexOf(":"));
}

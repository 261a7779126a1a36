import type { Case, Size } from "./case.ts";
import { type Extent, quietCase, randomCase, singles } from "./enumerate.ts";
import { simulate } from "./simulation.ts";

const SIZES: readonly Size[] = ["bare", "lean", "full"];

/** A case that broke a promise. */
export interface Violation {
  readonly says: readonly string[];
  readonly one: Case;
}

/** What a number of cases came to. */
export interface Tally {
  readonly cases: number;
  /** Over all cases: follow-ups, and what goes on beside, are runs too. */
  readonly runs: number;
  /** How often something was made to go wrong. */
  readonly faults: number;
  /** How often a case ended so, by the status and the code of each of its runs. */
  readonly ends: Readonly<Record<string, number>>;
  readonly violations: readonly Violation[];
}

/** A share of the work: every `of`-th case, from this one. */
export interface Share {
  readonly of: number;
  readonly from: number;
}

const WHOLE: Share = { of: 1, from: 0 };

/** Every single thing that can go wrong, at every moment. */
export async function attackSingly(runbook: string, size: Size, share: Share = WHOLE): Promise<Tally> {
  return attack(shared(singles(runbook, size, await extentOf(runbook, size)), share));
}

/** Cases of these seeds; each seed's runbook is its own, too, where several are named. */
export async function attackAtRandom(
  seeds: { readonly first: number; readonly count: number },
  runbooks: readonly string[],
  share: Share = WHOLE,
): Promise<Tally> {
  const cases = await randomCases(runbooks);
  function* all() {
    for (let seed = seeds.first; seed < seeds.first + seeds.count; seed += 1) yield cases(seed);
  }
  return attack(shared(all(), share));
}

/** The case of a seed. */
export async function randomCases(runbooks: readonly string[]): Promise<(seed: number) => Case> {
  const extents = new Map<string, Record<Size, Extent>>();
  for (const runbook of runbooks) {
    const sizes = {} as Record<Size, Extent>;
    for (const size of SIZES) sizes[size] = await extentOf(runbook, size);
    extents.set(runbook, sizes);
  }
  return (seed) => {
    const runbook = runbooks[seed % runbooks.length] ?? "";
    return randomCase(seed, runbook, extents.get(runbook) as Record<Size, Extent>);
  };
}

/** How long a run without trouble is. */
async function extentOf(runbook: string, size: Size): Promise<Extent> {
  const told = await simulate(quietCase(runbook, size));
  if (told.violations.length > 0) throw new Error(`a quiet run of ${runbook}: ${told.violations.join("; ")}`);
  return told;
}

function* shared(cases: Iterable<Case>, { of, from }: Share): Generator<Case> {
  let n = 0;
  for (const one of cases) {
    if (n % of === from) yield one;
    n += 1;
  }
}

async function attack(each: Iterable<Case>): Promise<Tally> {
  const ends: Record<string, number> = {};
  const violations: Violation[] = [];
  let cases = 0;
  let runs = 0;
  let faults = 0;
  for (const one of each) {
    const told = await simulate(one);
    cases += 1;
    runs += told.ends.length;
    faults += one.events.length;
    const end = told.ends.join(", then ");
    ends[end] = (ends[end] ?? 0) + 1;
    if (told.violations.length > 0) violations.push({ says: told.violations, one });
  }
  return { cases, runs, faults, ends, violations };
}

/** Several tallies as one. */
export function sum(tallies: readonly Tally[]): Tally {
  const ends: Record<string, number> = {};
  for (const tally of tallies)
    for (const [end, count] of Object.entries(tally.ends)) ends[end] = (ends[end] ?? 0) + count;
  return {
    cases: tallies.reduce((all, { cases }) => all + cases, 0),
    runs: tallies.reduce((all, { runs }) => all + runs, 0),
    faults: tallies.reduce((all, { faults }) => all + faults, 0),
    ends,
    violations: tallies.flatMap(({ violations }) => violations),
  };
}

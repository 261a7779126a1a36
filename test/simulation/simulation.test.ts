import { describe, expect, it } from "vitest";
import { attackAtRandom, attackSingly, randomCases } from "./batch.ts";
import type { Case, Size } from "./case.ts";
import { quietCase } from "./enumerate.ts";
import { shrunk } from "./shrink.ts";
import { simulate } from "./simulation.ts";
import { ATTACKED } from "./situations.ts";

/** All of them take minutes: `npm run simulate -- --singles full`. Which part is taken moves with nothing, so that a failure repeats. */
const PARTS: Readonly<Record<Size, number>> = { bare: 60, lean: 600, full: 2_000 };

describe("a simulated rotation", () => {
  it("goes the same way every time", async () => {
    const caseOf = await randomCases(["overlap@1", "supplied@1", "follow-up@1/beside"]);
    for (const seed of [3, 4, 5, 6]) {
      const first = await simulate(caseOf(seed), true);
      expect(await simulate(caseOf(seed), true)).toEqual(first);
    }
  });

  it("takes its copies, its soak and its proofs in virtual time", async () => {
    const told = await simulate(quietCase("overlap@1", "full"), true);
    expect(told).toMatchObject({ ends: ["completed"], violations: [] });
    const minutes = (line = "") => Date.parse(`2026-${line.slice(0, 18)}Z`) / 60_000;
    expect(minutes(told.trace.at(-1)) - minutes(told.trace[0])).toBeGreaterThan(30);
  });

  it("is made as small as it can be while it still goes wrong", async () => {
    const crash = { at: { asks: 9 }, is: "crash" } as const;
    const other = { at: { ran: 2 }, is: "cancel" } as const;
    const one: Case = { ...quietCase("overlap@1", "bare"), events: [other, crash, other], skewMs: 60_000 };
    const least = await shrunk(
      { ...one, people: ["settle", "retry"] },
      async ({ events, people }) => events.includes(crash) && people.includes("retry"),
    );
    expect(least).toEqual({ ...one, events: [crash], people: ["retry"], skewMs: 0 });
  });
});

describe.each(ATTACKED)("%s", (runbook) => {
  it("[P1][P2][P3][P4][P5][P6][P7][P8][P9][P10][P11] keeps its promises under single faults", async () => {
    for (const [size, of] of Object.entries(PARTS)) {
      const tally = await attackSingly(runbook, size as Size, { of, from: 1 });
      expect(tally.violations).toEqual([]);
      expect(tally.cases).toBeGreaterThan(0);
    }
  });
});

it("[P1][P2][P3][P4][P5][P6][P7][P8][P9][P10][P11] runbooks keep their promises where several things go wrong", async () => {
  const tally = await attackAtRandom({ first: 1, count: 150 }, ATTACKED);
  expect(tally.violations).toEqual([]);
  expect(tally.faults).toBeGreaterThan(tally.cases);
  expect(Object.keys(tally.ends).length).toBeGreaterThan(20);
});

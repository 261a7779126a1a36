import { describe, expect, it } from "vitest";
import { RUNBOOKS } from "../../src/app/runbooks.ts";
import { guard } from "../../src/core/guard.ts";
import type { Runbook } from "../../src/core/runbook.ts";
import type { Entry, Step } from "../../src/core/step.ts";
import { overlap } from "../../src/runbooks/overlap.ts";
import { CASES, type UpgradeCase } from "./cases.ts";
import { type Golden, readGoldens } from "./golden.ts";
import { PACKAGE } from "./record.ts";
import { advice, planDifferences, takenOver } from "./resume.ts";

const golden = readGoldens().find(
  ({ runbook, name }) => runbook === "overlap@1" && name === "held",
) as Golden;
const one = CASES.find(({ runbook, name }) => runbook === "overlap@1" && name === "held") as UpgradeCase;

/** `overlap@1` as somebody might change it. */
function changed(change: (entries: readonly Entry[]) => readonly Entry[]): typeof RUNBOOKS {
  const runbook: Runbook = { ...overlap, entries: (s) => change(overlap.entries(s)) };
  return { ...RUNBOOKS, [runbook.name]: runbook };
}

const idOf = ({ waves }: Entry) => waves[0]?.[0]?.id ?? "";
const without = (id: string) => changed((entries) => entries.filter((entry) => idOf(entry) !== id));
const withStep = (id: string, change: (step: Step) => Step) =>
  changed((entries) =>
    entries.map((entry) =>
      idOf(entry) === id ? { ...entry, waves: entry.waves.map((wave) => wave.map(change)) } : entry,
    ),
  );
const swapped = (id: string) =>
  changed((entries) => {
    const at = entries.findIndex((entry) => idOf(entry) === id);
    return [...entries.slice(0, at), entries[at + 1], entries[at], ...entries.slice(at + 2)] as Entry[];
  });
const twice = (id: string) =>
  changed((entries) =>
    entries.flatMap((entry) =>
      idOf(entry) === id
        ? [entry, { ...entry, waves: [[{ ...(entry.waves[0]?.[0] as Step), id: "again" }]] }]
        : [entry],
    ),
  );

const unsaid = guard("a fact that no earlier version has left", ({ facts }: { facts: object }) =>
  JSON.stringify(facts).includes('"saidSince"')
    ? undefined
    : { code: "INTERNAL", message: "nobody said so", because: "the journal is older", next: "lockstep runs" },
);

const recorded = golden.entries.findIndex(({ key }) => key === "soak/act/1");

describe("what becomes of a released runbook when somebody changes it", () => {
  it.each<[change: string, runbooks: typeof RUNBOOKS, plan: RegExp | undefined, journal: RegExp]>([
    [
      "a step is removed",
      without("claim"),
      /line 3 of the plan was .*"claim".* and is .*"mint"/,
      /replay differs/,
    ],
    ["a later step is removed", without("tidy"), /"tidy"/, /was tidy\/act\/1 and is revoke\/act\/1/],
    [
      "a step has another name",
      withStep("requests", (step) => ({ ...step, id: "approvals" })),
      /"requests".* and is .*"approvals"/,
      /was requests\/act\/1 and is approvals\/act\/1/,
    ],
    ["a step is added", twice("identify"), /"claim".* and is .*"again"/, /replay differs/],
    [
      "two steps have changed places",
      swapped("requests"),
      /"requests".* and is .*"tidy"/,
      /was requests\/act\/1/,
    ],
    [
      "a step says something else",
      withStep("soak", (step) => ({ ...step, says: () => "Wait" })),
      /and is .*"Wait"/,
      /^$/,
    ],
    [
      "a step is no longer proved",
      withStep("store", ({ proves: _proves, ...step }) => step),
      undefined,
      /replay differs: entry 7 was store\/prove\/1/,
    ],
    [
      "a step waits",
      withStep("tidy", (step) => ({ ...step, waits: () => "2026-11-21T12:00:00.000Z" })),
      undefined,
      /was tidy\/act\/1 and is tidy\/wait\/1/,
    ],
    [
      "a step reads what earlier versions did not record",
      withStep("tidy", (step) => ({ ...step, needs: [unsaid] })),
      undefined,
      /was tidy\/prove\/1 and is held\/tidy\/1\/1\/1\nat the end status is "held"/,
    ],
  ])("%s", async (_change, runbooks, plan, journal) => {
    const differences = planDifferences(golden, runbooks);
    if (plan) expect(differences.join("\n")).toMatch(plan);
    else expect(differences).toEqual([]);
    const problems = await takenOver(golden, one, { recorded, lost: false }, runbooks);
    expect(problems.join("\n")).toMatch(journal);
  });

  it("a runbook is taken away", () => {
    const { [overlap.name]: _gone, ...others } = RUNBOOKS;
    expect(planDifferences(golden, others)).toEqual(["there is no overlap@1 any more"]);
  });

  it("the message says what to do", () => {
    expect(advice({ ...golden, recordedBy: PACKAGE }, PACKAGE)).toMatch(
      /make overlap@2 .*\n.*LOCKSTEP_RECORD_GOLDENS=1/,
    );
    expect(advice({ ...golden, recordedBy: "0.0.1" }, PACKAGE)).toContain("never recorded anew");
  });
});

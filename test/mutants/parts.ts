import { readdirSync } from "node:fs";
import path from "node:path";
import { endingIsOurs, endingMayBeEnded } from "../../src/guards/revoke.ts";
import { formerMayBeEnded } from "../../src/guards/supplied.ts";
import { newMayBeEnded, oldMayBeEnded } from "../../src/guards/sweep.ts";
import type { Kind, Lists } from "./mutate.ts";

/** A part of the safety kernel, and what has to notice a fault in it. */
export interface Part {
  readonly files: readonly string[];
  /** Faults of these kinds only; all where absent. */
  readonly kinds?: readonly Kind[];
  /** Test files, the cheap ones first: in this order they are asked until it is known what they cost. */
  readonly tests: readonly string[];
  /** How many of a hundred have to be noticed. */
  readonly goal: number;
}

const root = path.dirname(path.dirname(import.meta.dirname));

/** What the guards that steps name as a whole hold. */
export const LISTS: Lists = Object.fromEntries(
  Object.entries({ oldMayBeEnded, newMayBeEnded, endingIsOurs, endingMayBeEnded, formerMayBeEnded }).map(
    ([name, list]) => [name, list.map((one) => one.name)],
  ),
);

const STEPS = sourcesIn("src/runbooks/steps");
const GUARD_TESTS = [
  ...namesIn("src/guards", ".test.ts"),
  ...namesIn("src/runbooks/steps", ".test.ts"),
  "test/flow/guards.test.ts",
];
/** Whole runs in memory; without those through the command line, which add nothing here and start processes. */
const FLOWS = namesIn("test/flow", ".test.ts").filter((name) => !/flow\/(cli-|guards)/.test(name));
const FAILURES = ["test/failures/failures.test.ts"];
const SIMULATION = namesIn("test/simulation", ".test.ts");

export const PARTS: Readonly<Record<string, Part>> = {
  guards: {
    files: sourcesIn("src/guards"),
    tests: [...GUARD_TESTS, ...FLOWS],
    goal: 100,
  },
  // Each guard is left out of each step that asks for it.
  needs: { files: STEPS, kinds: ["guard"], tests: [...GUARD_TESTS, ...FLOWS], goal: 100 },
  gate: {
    files: [
      ...["find-ending", "ending", "revoke", "end-former", "former", "end-one", "end-new", "end-supplied"],
      ...["dead", "gone", "refusal", "closed", "tidy", "mint", "restore", "receipt"],
    ]
      .map((name) => `src/runbooks/steps/${name}.ts`)
      .concat("src/core/sweep.ts"),
    kinds: ["part", "member", "condition", "flag", "call", "trouble"],
    tests: [...GUARD_TESTS, ...namesIn("src/core", ".test.ts"), ...FLOWS, ...FAILURES, ...SIMULATION],
    goal: 95,
  },
  reconcile: {
    files: ["interpret", "asking", "carry-out", "hold", "running", "persist", "noted", "permit"].map(
      (name) => `src/core/${name}.ts`,
    ),
    tests: [...namesIn("src/core", ".test.ts"), ...FLOWS, ...FAILURES, ...SIMULATION],
    goal: 95,
  },
  journal: {
    files: ["src/engine/journal.ts", "src/engine/executions.ts", "src/engine/sealed.ts"],
    // Those with a database, and with processes, last.
    tests: ["sealed", "executions", "journal", "internals", "engine", "process"].map(
      (name) => `src/engine/${name}.test.ts`,
    ),
    goal: 95,
  },
};

function sourcesIn(folder: string): readonly string[] {
  return namesIn(folder, ".ts").filter((name) => !name.endsWith(".test.ts"));
}

function namesIn(folder: string, end: string): readonly string[] {
  return readdirSync(path.join(root, folder))
    .filter((name) => name.endsWith(end))
    .sort()
    .map((name) => `${folder}/${name}`);
}

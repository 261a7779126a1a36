// Started by tester.ts in a tree's folder: keeps the test runner ready, and runs one test file after the other as asked.
import path from "node:path";
import { createVitest, type TestModule, type Vitest } from "vitest/node";

/** Which test file to run. */
export interface Ask {
  readonly test: string;
  /** The source file that holds a fault, or held one until now, from the tree's root. */
  readonly changed: string;
}

/** `failed` names the first test that failed; absent where all passed. */
export interface Verdict {
  readonly failed?: string;
  readonly ms: number;
}

const root = process.cwd();
const ready = start();
/** What was changed for the last run, and has been put right since. */
let before: string | undefined;
process.on("message", (ask: Ask) => {
  void answer(ask).then((verdict) => process.send?.(verdict));
});

// Whoever asked is gone.
process.on("disconnect", () => process.exit());

async function start(): Promise<Vitest> {
  // One worker and isolated files, as in a run of the suite: a test must not find what another one has left.
  const vitest = await createVitest("test", {
    root,
    watch: false,
    reporters: [{}],
    bail: 1,
    maxWorkers: 1,
    fileParallelism: false,
  });
  await vitest.standalone();
  return vitest;
}

async function answer({ test, changed }: Ask): Promise<Verdict> {
  const vitest = await ready;
  const begun = performance.now();
  const place = path.join(root, test);
  const specifications = (await vitest.globTestSpecifications([test])).filter(
    ({ moduleId }) => moduleId === place,
  );
  if (specifications.length === 0) throw new Error(`there is no test file ${test}`);
  for (const file of new Set([before ?? changed, changed])) vitest.invalidateFile(path.join(root, file));
  before = changed;
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications(specifications);
  const module = testModules.find(({ moduleId }) => moduleId === place);
  const failed =
    module && module.state() === "passed" && unhandledErrors.length === 0 ? undefined : faultOf(module);
  return { ...(failed !== undefined && { failed }), ms: performance.now() - begun };
}

function faultOf(module: TestModule | undefined): string {
  for (const one of module?.children.allTests("failed") ?? []) return one.fullName;
  return "it cannot be run";
}

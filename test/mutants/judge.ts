import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Mutant } from "./mutate.ts";
import { testerOf } from "./tester.ts";

/** Whether anything notices a mutant, in a tree that it may change. */
export interface Judge {
  notices(mutant: Mutant): Promise<{ readonly by: string; readonly test: string } | undefined>;
  close(): Promise<void>;
}

/** Stands for the compiler, which is asked like a test: what cannot be built cannot be released. */
export const TYPES = "types";
/** Milliseconds that a test file may take beyond several times what it takes without a fault. */
const PATIENCE = 15_000;

/**
 * Asks one test file after the other, the cheapest first, until one fails. What a file costs is seen the first time it is
 * asked, on the tree without a fault, where it has to pass.
 */
export function judgeIn(tree: string, tests: readonly string[], costs: Map<string, number>): Judge {
  const tester = testerOf(tree);
  const ask = async (
    test: string,
    changed: string,
    withinMs: number,
  ): Promise<{ failed?: string; ms: number }> =>
    test === TYPES ? compiled(tree) : tester.run({ test, changed }, withinMs);
  const costOf = (test: string): number => costs.get(test) ?? Number.POSITIVE_INFINITY;
  const measured = async (test: string, changed: string): Promise<number> => {
    const known = costs.get(test);
    if (known !== undefined) return known;
    const { failed, ms } = await ask(test, changed, 600_000);
    if (failed !== undefined) throw new Error(`${test} fails without a fault: ${failed}`);
    costs.set(test, ms);
    return ms;
  };
  return {
    notices: async ({ file, text }) => {
      const place = path.join(tree, file);
      const right = readFileSync(place, "utf8");
      const order = tests.toSorted((a, b) => costOf(a) - costOf(b));
      for (const test of order) {
        const cost = await measured(test, file);
        writeFileSync(place, text);
        const { failed } = await ask(test, file, PATIENCE + 4 * cost);
        writeFileSync(place, right);
        if (failed !== undefined) return { by: test, test: failed };
      }
      return undefined;
    },
    close: () => tester.close(),
  };
}

async function compiled(tree: string): Promise<{ failed?: string; ms: number }> {
  const begun = performance.now();
  const tsc = path.join(tree, "node_modules", "typescript", "bin", "tsc");
  const built = path.join(tree, "reports", "mutants.tsbuildinfo");
  const args = [tsc, "-p", ".", "--noEmit", "--incremental", "--tsBuildInfoFile", built];
  const code = await new Promise<number | null>((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: tree, stdio: "ignore" });
    child.once("error", reject);
    child.once("close", resolve);
  });
  return { ...(code !== 0 && { failed: "it does not compile" }), ms: performance.now() - begun };
}

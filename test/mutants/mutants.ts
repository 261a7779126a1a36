// `npm run mutants`: puts small faults into what keeps credentials safe, one at a time, and tells which the tests let pass.
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Mutant, mutantsOf } from "./mutate.ts";

/** A part of the safety kernel, and what has to notice a fault in it; later suites are asked only about what earlier ones let pass. */
interface Part {
  readonly files: readonly string[];
  readonly suites: readonly (readonly string[])[];
  /** How many of a hundred have to be noticed. */
  readonly goal: number;
}

const FLOWS = [
  "rotation",
  "promises",
  "trouble",
  "before-mint",
  "old-key",
  "cancel",
  "crash",
  "interpreter",
].map((name) => `test/flow/${name}.test.ts`);
const PARTS: Readonly<Record<string, Part>> = {
  guards: {
    files: ["account", "old", "revoke", "supplied", "sweep"].map((name) => `src/guards/${name}.ts`),
    suites: [
      ["src/guards", "test/flow/guards.test.ts"],
      ["test/flow/supplied.test.ts", "test/flow/revoke.test.ts", ...FLOWS],
    ],
    goal: 100,
  },
  gate: {
    files: ["revoke", "ending", "end-new", "dead", "tidy", "mint", "restore", "receipt"].map(
      (name) => `src/runbooks/steps/${name}.ts`,
    ),
    suites: [FLOWS, ["test/flow", "test/failures", "test/simulation"]],
    goal: 95,
  },
  reconcile: {
    files: ["interpret", "carry-out", "hold", "running", "persist"].map((name) => `src/core/${name}.ts`),
    suites: [FLOWS, ["test/flow", "test/failures", "test/simulation"]],
    goal: 95,
  },
  journal: {
    files: ["src/engine/journal.ts", "src/engine/executions.ts", "src/engine/sealed.ts"],
    suites: [["src/engine"]],
    goal: 95,
  },
};

const root = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))));
/** A test run that takes longer has noticed, too. */
const LONGEST = 240_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { every: { type: "string", default: "1" }, json: { type: "boolean", default: false } },
});
const asked = positionals.length > 0 ? positionals : Object.keys(PARTS);
const figures = [];
for (const name of asked) {
  const part = PARTS[name];
  if (!part) throw new Error(`there is no part ${name}; there are ${Object.keys(PARTS).join(", ")}`);
  figures.push(await measure(name, part, Number(values.every)));
}
if (values.json) process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
if (figures.some(({ ok }) => !ok)) process.exitCode = 1;

async function measure(name: string, { files, suites, goal }: Part, every: number) {
  const all = files.flatMap((file) => mutantsOf(file, readFileSync(path.join(root, file), "utf8")));
  const mutants = all.filter((_, i) => i % every === 0);
  const left: Mutant[] = [];
  let next = 0;
  await Promise.all(
    Array.from({ length: availableParallelism() }, async () => {
      const copy = copyOfTree();
      try {
        for (let mutant = mutants[next++]; mutant; mutant = mutants[next++])
          if (!(await isNoticed(copy, mutant, suites))) left.push(mutant);
      } finally {
        rmSync(copy, { recursive: true, force: true });
      }
    }),
  );
  const part = Math.floor(((mutants.length - left.length) / Math.max(1, mutants.length)) * 1_000) / 10;
  for (const { file, line, says } of left) process.stderr.write(`not noticed: ${file}:${line} ${says}\n`);
  process.stderr.write(`${name}: ${part} % of ${mutants.length} noticed (goal ${goal} %)\n`);
  return {
    name,
    mutants: mutants.length,
    noticed: part,
    goal,
    ok: part >= goal,
    left: left.map(({ text: _text, ...one }) => one),
  };
}

/** A tree of its own, so that nothing else is disturbed and two can be tried side by side. */
function copyOfTree(): string {
  const copy = mkdtempSync(path.join(tmpdir(), "lockstep-mutants-"));
  const left = new Set(["node_modules", ".git", "reports", ".lockstep", "fidelity"]);
  for (const entry of readdirSync(root))
    if (!left.has(entry)) cpSync(path.join(root, entry), path.join(copy, entry), { recursive: true });
  symlinkSync(path.join(root, "node_modules"), path.join(copy, "node_modules"));
  return copy;
}

async function isNoticed(
  copy: string,
  { file, text }: Mutant,
  suites: readonly (readonly string[])[],
): Promise<boolean> {
  const place = path.join(copy, file);
  const right = readFileSync(place, "utf8");
  writeFileSync(place, text);
  try {
    for (const suite of suites) if (!(await passes(copy, suite))) return true;
    return false;
  } finally {
    writeFileSync(place, right);
  }
}

function passes(copy: string, suite: readonly string[]): Promise<boolean> {
  const vitest = path.join(root, "node_modules", "vitest", "vitest.mjs");
  const args = [vitest, "run", "--bail", "1", "--reporter", "dot", "--exclude", "**/cli-*", ...suite];
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: copy, stdio: "ignore", timeout: LONGEST });
    child.once("error", reject);
    child.once("close", (code) => resolve(code === 0));
  });
}

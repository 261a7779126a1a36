// `npm run mutants`: puts small faults into what keeps credentials safe, one at a time, and tells which the tests let pass.
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { judgeIn, TYPES } from "./judge.ts";
import { type Mutant, mutantsOf } from "./mutate.ts";
import { LISTS, PARTS, type Part } from "./parts.ts";

const root = path.dirname(path.dirname(import.meta.dirname));

/** What became of a mutant. */
interface Result {
  readonly mutant: Mutant;
  /** The test file and test that noticed it; absent where nothing did. */
  readonly noticed?: { readonly by: string; readonly test: string };
  readonly seconds: number;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    every: { type: "string", default: "1" },
    threads: { type: "string", default: "1" },
    /** Only what stands at places that begin so: `src/guards/old.ts`, `src/guards/old.ts:24`. */
    at: { type: "string", default: "" },
    /** Only faults of these kinds. */
    kind: { type: "string", multiple: true, default: [] },
    /** Only tests whose names hold one of these. */
    tests: { type: "string", multiple: true, default: [] },
    json: { type: "boolean", default: false },
  },
});
const asked = positionals.length > 0 ? positionals : Object.keys(PARTS);
/** Milliseconds that each test file takes, shared by all parts. */
const costs = new Map<string, number>();
/** Copies of the source, which are removed however this ends. */
const trees = new Set<string>();
for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => {
    for (const tree of trees) remove(tree);
    process.exit(130);
  });
const figures = [];
for (const name of asked) {
  const part = PARTS[name];
  if (!part) throw new Error(`there is no part ${name}; there are ${Object.keys(PARTS).join(", ")}`);
  figures.push(await measure(name, part));
}
if (values.json) process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
if (figures.some(({ ok }) => !ok)) process.exitCode = 1;

async function measure(name: string, part: Part) {
  const mutants = chosen(part);
  const begun = performance.now();
  const results = await judgeAll(mutants, part);
  const seconds = (performance.now() - begun) / 1_000;
  const noticed = results.filter((one) => one.noticed).length;
  const percent = Math.floor((noticed / Math.max(1, mutants.length)) * 1_000) / 10;
  say(
    `${name}: ${percent} % of ${mutants.length} noticed (goal ${part.goal} %), ${(seconds / Math.max(1, mutants.length)).toFixed(1)} s each`,
  );
  for (const [by, count] of counts(results)) say(`  ${count} by ${by}`);
  return {
    name,
    mutants: mutants.length,
    noticed: percent,
    goal: part.goal,
    ok: percent >= part.goal,
    seconds: Math.round(seconds),
    results: results.map(({ mutant: { text: _text, ...one }, ...rest }) => ({ ...one, ...rest })),
  };
}

function chosen({ files, kinds }: Part): readonly Mutant[] {
  return files
    .flatMap((file) => mutantsOf(file, readFileSync(path.join(root, file), "utf8"), LISTS))
    .filter(({ kind }) => !kinds || kinds.includes(kind))
    .filter(({ kind }) => values.kind.length === 0 || values.kind.includes(kind))
    .filter(({ file, line }) => `${file}:${line}`.startsWith(values.at))
    .filter((_, i) => i % Number(values.every) === 0);
}

async function judgeAll(mutants: readonly Mutant[], part: Part): Promise<readonly Result[]> {
  const results: Result[] = [];
  const tests = [...part.tests, TYPES].filter(
    (test) => values.tests.length === 0 || values.tests.some((text) => test.includes(text)),
  );
  let next = 0;
  await Promise.all(
    Array.from({ length: Number(values.threads) }, async () => {
      const tree = copyOfTree();
      const judge = judgeIn(tree, tests, costs);
      try {
        for (let mutant = mutants[next++]; mutant; mutant = mutants[next++]) {
          const begun = performance.now();
          const noticed = await judge.notices(mutant);
          const seconds = Math.round((performance.now() - begun) / 100) / 10;
          results.push({ mutant, seconds, ...(noticed && { noticed }) });
          if (!noticed) say(`not noticed: ${mutant.file}:${mutant.line} ${mutant.says}`);
          if (results.length % 20 === 0) say(`${results.length} of ${mutants.length}`);
        }
      } finally {
        await judge.close();
        remove(tree);
      }
    }),
  );
  return results;
}

function counts(results: readonly Result[]): readonly (readonly [by: string, count: number])[] {
  const all = new Map<string, number>();
  for (const { noticed } of results) if (noticed) all.set(noticed.by, (all.get(noticed.by) ?? 0) + 1);
  return [...all].sort(([, a], [, b]) => b - a);
}

/** A tree of its own, so that nothing else is disturbed and two can be tried side by side. */
function copyOfTree(): string {
  const copy = mkdtempSync(path.join(tmpdir(), "lockstep-mutants-"));
  trees.add(copy);
  const left = new Set(["node_modules", ".git", "reports", ".lockstep", "fidelity"]);
  for (const entry of readdirSync(root))
    if (!left.has(entry)) cpSync(path.join(root, entry), path.join(copy, entry), { recursive: true });
  symlinkSync(path.join(root, "node_modules"), path.join(copy, "node_modules"));
  return copy;
}

function remove(tree: string): void {
  rmSync(tree, { recursive: true, force: true });
  trees.delete(tree);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

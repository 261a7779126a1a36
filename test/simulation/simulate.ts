// `npm run simulate`: attacks the runbooks in memory. Exits with 1 where a promise was broken.

import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { attackAtRandom, attackSingly, type Share, sum, type Tally, type Violation } from "./batch.ts";
import type { Case, Size } from "./case.ts";
import { breaksOne, shrunk } from "./shrink.ts";
import { simulate } from "./simulation.ts";
import { ATTACKED, situationsOf } from "./situations.ts";

/** What one thread is to do. */
interface Work {
  readonly share: Share;
  readonly runbooks: readonly string[];
  /** Every single thing in an estate of that size, or cases of these seeds. */
  readonly attack: { readonly size: Size } | { readonly first: number; readonly count: number };
}

const USAGE = `npm run simulate -- [--seed N] [--runs M] [--runbook X] [--singles SIZE] [--every N] [--case JSON] [--threads T] [--json]

  --seed N        the first seed (1)
  --runs M        how many random cases, each of two or three things that go wrong (1000); follow-ups and
                  what goes on beside are runs too, so that more runs are told than cases
  --runbook X     all where absent; without a stroke, every situation of that runbook. There are
                  ${ATTACKED.join(", ")}
  --singles SIZE  instead: every single thing that can go wrong, at every moment; SIZE is bare, lean or full
  --every N       only every N-th of them
  --case JSON     instead: one case, with its trace
  --threads T     (as many as there are processors)
`;

/** Collected before it grows: a simulated rotation leaves nothing behind. */
const LIMITS = { maxOldGenerationSizeMb: 256 };
/** Violations that are made smaller and told in full; the rest are counted. */
const TOLD = 5;

if (isMainThread) await main();
else {
  // Refusals are thrown by the thousand, and nobody reads where: what broke is replayed here with a trace.
  Error.stackTraceLimit = 0;
  parentPort?.postMessage(await carryOut(workerData as Work));
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seed: { type: "string", default: "1" },
      runs: { type: "string", default: "1000" },
      runbook: { type: "string", multiple: true },
      singles: { type: "string" },
      every: { type: "string", default: "1" },
      case: { type: "string" },
      threads: { type: "string" },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) return void process.stdout.write(USAGE);
  if (values.case !== undefined) return replay(JSON.parse(values.case) as Case, values.json);
  const runbooks = values.runbook?.flatMap(situationsOf) ?? ATTACKED;
  const threads = Number(values.threads ?? availableParallelism());
  const attack =
    values.singles === undefined
      ? { first: Number(values.seed), count: Number(values.runs) }
      : { size: values.singles as Size };
  const every = Number(values.every);
  const shares = Array.from({ length: threads }, (_, i): Share => ({ of: threads * every, from: i * every }));
  const begun = performance.now();
  const tally = sum(await Promise.all(shares.map((share) => inThread({ share, runbooks, attack }))));
  const seconds = (performance.now() - begun) / 1_000;
  await tell(tally, seconds, values.json);
  if (tally.violations.length > 0) process.exitCode = 1;
}

function inThread(work: Work): Promise<Tally> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(new URL(import.meta.url), { workerData: work, resourceLimits: LIMITS });
    thread.once("message", resolve);
    thread.once("error", reject);
  });
}

async function carryOut({ attack, runbooks, share }: Work): Promise<Tally> {
  if ("first" in attack) return attackAtRandom(attack, runbooks, share);
  const done: Tally[] = [];
  for (const runbook of runbooks) done.push(await attackSingly(runbook, attack.size, share));
  return sum(done);
}

async function tell(tally: Tally, seconds: number, json: boolean): Promise<void> {
  const told: (Violation & { readonly replay: string; readonly trace: readonly string[] })[] = [];
  for (const violation of tally.violations.slice(0, TOLD)) {
    const least = await shrunk(violation.one, breaksOne(violation.says));
    const { trace, violations } = await simulate(least, true);
    told.push({ says: violations, one: violation.one, replay: replayOf(least), trace });
  }
  const figures = {
    cases: tally.cases,
    runs: tally.runs,
    faults: tally.faults,
    violations: tally.violations.length,
    runsPerSecond: Math.round(tally.runs / seconds),
    casesPerSecond: Math.round(tally.cases / seconds),
    peakMemoryMB: Math.round(process.resourceUsage().maxRSS / 1_024),
  };
  if (json)
    return void process.stdout.write(`${JSON.stringify({ ...figures, ends: tally.ends, told }, null, 2)}\n`);
  for (const { says, one, replay, trace } of told)
    process.stdout.write(`\nseed ${one.seed}\n${says.join("\n")}\n\n${trace.join("\n")}\n\n${replay}\n`);
  const ends = Object.entries(tally.ends).sort(([, one], [, other]) => other - one);
  process.stdout.write(
    `${ends.map(([end, count]) => `${String(count).padStart(8)}  ${end}`).join("\n")}\n\n`,
  );
  process.stdout.write(
    `${Object.entries(figures)
      .map(([name, value]) => `${name} ${value}`)
      .join(", ")}\n`,
  );
}

function replayOf(one: Case): string {
  return `npm run simulate -- --case '${JSON.stringify(one).replaceAll("'", "'\\''")}'`;
}

async function replay(one: Case, json: boolean): Promise<void> {
  const told = await simulate(one, true);
  process.stdout.write(
    json
      ? `${JSON.stringify(told, null, 2)}\n`
      : `${told.trace.join("\n")}\n\n${told.ends.join(", then ")}\n${told.violations.join("\n") || "no promise is broken"}\n`,
  );
  if (told.violations.length > 0) process.exitCode = 1;
}

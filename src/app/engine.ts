import { outlasting } from "../core/carry-out.ts";
import { LockstepError, troubleOf } from "../core/errors.ts";
import { interpret } from "../core/interpret.ts";
import type { Journal } from "../core/journal.ts";
import type { RunEnd, RunId } from "../core/record.ts";
import { after } from "../core/time.ts";
import { auditLogIn } from "../db/audit-log.ts";
import { ledgerIn } from "../db/ledger.ts";
import { progressIn } from "../db/progress.ts";
import { cancelRequested } from "../db/runs.ts";
import { type Engine, openEngine } from "../engine/engine.ts";
import { proveKeys } from "../sealing/canary.ts";
import { journalSealer } from "../sealing/envelope.ts";
import { fingerprinter } from "../sealing/fingerprint.ts";
import { sealedValues } from "../sealing/sealed-values.ts";
import { vendorBudget } from "./budget.ts";
import { connectionsOf } from "./connections.ts";
import type { Home } from "./home.ts";
import { planOf, type RunInput } from "./run-input.ts";
import { type RunDeps, runPorts } from "./run-ports.ts";
import { RUNBOOKS, RUNBOOKS_VERSION } from "./runbooks.ts";

/** Starts the durable engine of this process over an opened home; runs of dead processes go on here. */
export function startEngine(
  home: Home,
  kind: "worker" | "command",
  log: (line: { readonly level: "info" | "warn" | "error"; readonly msg: string }) => void,
): Promise<Engine> {
  const deps = runDeps(home);
  return openEngine({
    databaseUrl: home.databaseUrl,
    kind,
    sealer: journalSealer(home.ring),
    proveKeys: () => proveKeys(home.database, home.ring),
    version: RUNBOOKS_VERSION,
    log,
    onDatabaseLost: () => {
      // It tells again at the next outage; a server that does not come back shows in every command's own error.
      void home
        .reopenDatabase()
        .catch((thrown: unknown) => log({ level: "error", msg: troubleOf(thrown).message }));
    },
    procedure: ({ id, input }, journal) => procedure(deps, id, input as RunInput, journal),
  });
}

function runDeps(home: Home): RunDeps {
  const { database, ring, config, env } = home;
  const budget = vendorBudget(database);
  return {
    config,
    connections: connectionsOf(config, {
      env,
      budget,
      ...(home.sandbox && { redirection: home.sandbox.redirection }),
    }),
    audit: auditLogIn(database),
    progress: progressIn(database),
    ledger: ledgerIn(database),
    fingerprint: fingerprinter(ring),
    sealedFor: (run, secret) => sealedValues(database, ring, run, secret),
    stopAsked: async (run) => (await cancelRequested(database, run)) !== undefined,
  };
}

/** One run from its input to its end. A plan that this program would carry out differently waits instead of running. */
async function procedure(deps: RunDeps, run: RunId, input: RunInput, journal: Journal): Promise<RunEnd> {
  const ports = runPorts(deps, run, input);
  for (let n = 1; ; n += 1) {
    const trouble = await journal.once(`plan/${n}`, async () => planTrouble(input));
    if (trouble === null) break;
    const question = `decision/plan/${n}`;
    const since = await journal.once(`plan/held/${n}`, async () => {
      await outlasting(ports, () => ports.held(trouble, question));
      return journal.now();
    });
    await journal.answer(question, after(since, 86_400_000));
  }
  const runbook = RUNBOOKS[input.runbook];
  if (!runbook) throw new LockstepError(troubleOf(new Error("runbook")));
  return interpret(runbook, input.snapshot, journal, ports);
}

function planTrouble(input: RunInput) {
  try {
    planOf(input);
    return null;
  } catch (thrown) {
    return troubleOf(thrown);
  }
}

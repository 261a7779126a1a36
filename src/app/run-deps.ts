import { auditLogIn } from "../db/audit-log.ts";
import { ledgerIn } from "../db/ledger.ts";
import { progressIn } from "../db/progress.ts";
import { cancelRequested } from "../db/runs.ts";
import { openTask } from "../db/tasks.ts";
import { fingerprinter } from "../sealing/fingerprint.ts";
import { sealedValues } from "../sealing/sealed-values.ts";
import { vendorBudget } from "./budget.ts";
import { connectionsOf } from "./connections.ts";
import { frozenTrouble } from "./frozen.ts";
import type { Home } from "./home.ts";
import { loadConfig } from "./load-config.ts";
import type { RunDeps } from "./run-ports.ts";

/** What the runs of this process share, over an opened home. */
export function depsOf(home: Home): RunDeps {
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
    installation: database.installation,
    frozen: () => frozenTrouble(database),
    configNow: async () => (await loadConfig(home.root, home.file, true)).config,
    tasks: { open: (task) => openTask(database, task) },
    escalate: async () => {},
    followUp: async () => {},
  };
}

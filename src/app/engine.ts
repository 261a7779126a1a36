import { type Decision, runCancelled, type StepPorts } from "../core/circumstances.ts";
import { LockstepError, troubleOf } from "../core/errors.ts";
import { interpret } from "../core/interpret.ts";
import type { Journal } from "../core/journal.ts";
import { noteDown, outlasting } from "../core/persist.ts";
import type { RunEnd, RunId } from "../core/record.ts";
import { after } from "../core/time.ts";
import { type Engine, openEngine } from "../engine/engine.ts";
import type { Requests } from "../engine/requests.ts";
import { proveKeys } from "../sealing/canary.ts";
import { journalSealer } from "../sealing/envelope.ts";
import { startFollowUp } from "./follow-up.ts";
import type { Home } from "./home.ts";
import { notificationsOf } from "./notifications.ts";
import { depsOf } from "./run-deps.ts";
import { planOf, type RunInput } from "./run-input.ts";
import { type RunDeps, runPorts } from "./run-ports.ts";
import { RUNBOOKS, RUNBOOKS_VERSION } from "./runbooks.ts";

/** Starts the durable engine of this process over an opened home; runs of dead processes go on here. */
export async function startEngine(
  home: Home,
  kind: "worker" | "command",
  log: (line: { readonly level: "info" | "warn" | "error"; readonly msg: string }) => void,
): Promise<Engine> {
  const notifications = notificationsOf(home, log);
  // Runs that are taken over may end before the engine that they end in is open.
  const opened = Promise.withResolvers<Requests>();
  const deps: RunDeps = {
    ...depsOf(home),
    escalate: notifications.escalate,
    followUp: async (run, input, held) => startFollowUp(home, await opened.promise, run, input, held),
  };
  const engine = await openEngine({
    databaseUrl: home.databaseUrl,
    kind,
    sealer: journalSealer(home.ring),
    proveKeys: () => proveKeys(home.database, home.ring),
    version: RUNBOOKS_VERSION,
    goesOnWith: (input) => planTrouble(input as RunInput) === null,
    log,
    onDatabaseLost: () => {
      // It tells again at the next outage; a server that does not come back shows in every command's own error.
      void home
        .reopenDatabase()
        .catch((thrown: unknown) => log({ level: "error", msg: troubleOf(thrown).message }));
    },
    procedure: ({ id, input }, journal) => carryOut(deps, id, input as RunInput, journal),
  });
  opened.resolve(engine);
  notifications.start();
  return {
    ...engine,
    close: async (graceMs) => {
      // In this order: what a run says at the last moment is still told.
      await engine.close(graceMs);
      await notifications.close();
    },
  };
}

/** One run from its input to its end. A plan that this program would carry out differently waits instead of running. */
export async function carryOut(
  deps: RunDeps,
  run: RunId,
  input: RunInput,
  journal: Journal,
): Promise<RunEnd> {
  const ports = runPorts(deps, run, input);
  for (let n = 1; ; n += 1) {
    const trouble = await journal.once(`plan/${n}`, async () => planTrouble(input));
    if (trouble === null) break;
    const question = `decision/plan/${n}`;
    const since = await journal.once(`plan/held/${n}`, async () => {
      await outlasting(ports, () => ports.held(trouble, question));
      return journal.now();
    });
    const decision = await journal.answer<Decision>(question, after(since, 86_400_000));
    if (decision?.choice === "cancel") return cancelled(ports, journal);
  }
  const runbook = RUNBOOKS[input.runbook];
  if (!runbook) throw new LockstepError(troubleOf(new Error("runbook")));
  return interpret(runbook, input.snapshot, journal, ports);
}

/** Nothing was begun, so that nothing is to be undone, whoever made the plan. */
function cancelled(ports: StepPorts, journal: Journal): Promise<RunEnd> {
  const trouble = runCancelled(ports.secret, "a person asked for it before its first step");
  const end = { status: "cancelled", trouble } as const;
  return noteDown(journal, ports, "end", () => ports.ended(end, {}, { uncertain: false, requests: [] }));
}

function planTrouble(input: RunInput) {
  try {
    planOf(input);
    return null;
  } catch (thrown) {
    return troubleOf(thrown);
  }
}

import { setTimeout as sleep } from "node:timers/promises";
import { LockstepError } from "../core/errors.ts";
import type { Decision } from "../core/interpret.ts";
import { compile, type Plan } from "../core/plan.ts";
import type { Actor, Flow, Reason, RunId, RunRecord, StepRecord } from "../core/record.ts";
import { systemClock } from "../core/time.ts";
import { auditLogIn } from "../db/audit-log.ts";
import { activeRun, getRun, getSteps, requestCancel, reserveRun } from "../db/runs.ts";
import { openClient } from "../engine/client.ts";
import type { Engine } from "../engine/engine.ts";
import type { Requests } from "../engine/requests.ts";
import { hasLivingWorker } from "../engine/workers.ts";
import { journalSealer } from "../sealing/envelope.ts";
import type { Config } from "./config.ts";
import type { Home } from "./home.ts";
import type { RunInput } from "./run-input.ts";
import { RUNBOOKS_VERSION, runbookFor } from "./runbooks.ts";
import { snapshotOf } from "./snapshot.ts";

/** Waits are cut to this in the sandbox, whose vendors have nothing to wait for. */
const SANDBOX_LONGEST_WAIT = 2_000;

/** The plan of a flow on a secret as the configuration stands now. Throws SECRET_UNKNOWN. */
export function planFor(
  config: Config,
  ask: { readonly secret: string; readonly flow: Flow; readonly reason: Reason; readonly sandbox: boolean },
): Plan {
  const { sandbox, ...request } = ask;
  return compile(
    runbookFor(ask.flow),
    snapshotOf(config, {
      ...request,
      now: systemClock.now(),
      ...(sandbox && { longestWaitMs: SANDBOX_LONGEST_WAIT }),
    }),
  );
}

/** A way to start runs and to speak to them, and to carry them out where no worker does. */
export interface Carrier {
  readonly requests: Requests;
  /** Hands back what is not finished. */
  close(): Promise<void>;
}

/** How often a command looks whether the worker that carries its run is still there, in milliseconds. */
const WORKER_WATCH = 2_000;

/** Speaks to a living worker, or carries runs out in this process when there is none, or no longer one. */
export async function openCarrier(home: Home, log: (msg: string) => void): Promise<Carrier> {
  const engineHere = async () => {
    const { startEngine } = await import("./engine.ts");
    return startEngine(home, "command", ({ level, msg }) => {
      if (level !== "info") log(msg);
    });
  };
  if (!(await hasLivingWorker(home.databaseUrl))) {
    const engine = await engineHere();
    return { requests: engine, close: () => engine.close() };
  }
  const client = await openClient(home.databaseUrl, journalSealer(home.ring), RUNBOOKS_VERSION);
  const gone = new AbortController();
  const standIn = standInFor(home, engineHere, gone.signal);
  return {
    requests: client,
    close: async () => {
      gone.abort();
      await (await standIn)?.close();
      await client.close();
    },
  };
}

/** An engine of this process once no worker lives; undefined when it was not needed. Without it a run would wait for nobody. */
async function standInFor(
  home: Home,
  engineHere: () => Promise<Engine>,
  signal: AbortSignal,
): Promise<Engine | undefined> {
  while (!signal.aborted) {
    const alive = await hasLivingWorker(home.databaseUrl).catch(() => true);
    if (!alive) return engineHere();
    await sleep(WORKER_WATCH, undefined, { signal }).catch(() => {});
  }
  return undefined;
}

/** Reserves the run and enqueues it; answers with the one that is there already instead (P8). */
export async function startRun(
  home: Home,
  requests: Requests,
  plan: Plan,
  actor: Actor,
): Promise<{ run: RunRecord; attached: boolean }> {
  const { snapshot } = plan;
  const { run, attached } = await reserveRun(home.database, {
    secret: plan.secret,
    flow: snapshot.flow,
    runbook: plan.runbook,
    planHash: plan.hash,
    plan,
    reason: snapshot.reason,
    actor,
  });
  // An attached run is enqueued again too: its starter may have died between the two. The id makes it one run.
  const kept = attached ? ((await getRun(home.database, run.id)).plan as Plan) : plan;
  const input: RunInput = {
    snapshot: kept.snapshot,
    runbook: run.runbook,
    planHash: run.planHash,
    tag: run.tag,
    actor: run.actor,
  };
  await requests.start({ id: run.id, secret: run.secret, input });
  return { run, attached };
}

/** Tells a held run what a person decided. */
export async function decide(
  home: Home,
  requests: Requests,
  run: RunRecord,
  decision: Decision,
  actor: Actor,
): Promise<void> {
  await auditLogIn(home.database).append({
    action: `secret.${run.flow}.decision`,
    actor,
    secret: run.secret,
    run: run.id,
    context: { choice: decision.choice },
  });
  if (run.question !== undefined) await requests.tell(run.id, run.question, decision);
}

/** How a run stands, with its steps. */
export interface RunView {
  readonly run: RunRecord;
  readonly plan: Plan;
  readonly steps: readonly StepRecord[];
}

/** Reads a run. Throws RUN_UNKNOWN. */
export async function viewRun(home: Home, id: RunId): Promise<RunView> {
  const { plan, ...run } = await getRun(home.database, id);
  return { run, plan: plan as Plan, steps: await getSteps(home.database, id) };
}

/** Watches a run until it ends or waits for a person; reports every view that differs from the one before. */
export async function followRun(
  home: Home,
  id: RunId,
  seen: (view: RunView) => void,
  options: { readonly signal: AbortSignal; readonly answered?: string },
): Promise<RunView> {
  let last = "";
  for (;;) {
    const view = await viewRun(home, id);
    const state = JSON.stringify([view.run, view.steps]);
    if (state !== last) seen(view);
    last = state;
    // A hold that was just answered shows until the engine takes the answer up; the next hold has another question.
    const held = view.run.status === "held" && view.run.question !== options.answered;
    if (view.run.endedAt !== undefined || held || options.signal.aborted) return view;
    await sleep(100, undefined, { signal: options.signal }).catch(() => {});
  }
}

/** Asks a run to stop; throws RUN_NOT_CANCELLABLE once a store has been written. Records who asked. */
export async function askToCancel(home: Home, requests: Requests, id: RunId, actor: Actor): Promise<RunView> {
  const view = await viewRun(home, id);
  const audit = auditLogIn(home.database);
  const deciding = view.plan.steps.filter((line) => isDecision(line.undoes));
  // What was announced may have happened; that a step was begun says nothing.
  const announced = await Promise.all(deciding.map((line) => audit.intendedAt(id, line.id)));
  const written = deciding.find((_, i) => announced[i] !== undefined);
  if (view.run.endedAt !== undefined)
    throw notCancellable(
      id,
      `it is ${view.run.status}`,
      "a run that has ended has nothing left to stop",
      `lockstep show ${id}`,
    );
  if (written) {
    throw notCancellable(
      id,
      `the step ${written.id} has begun to write a store`,
      "from the first store write on nothing is taken back without a person's decision on each key",
      `lockstep rotate ${view.run.secret}    goes forward, which is the way out from here`,
    );
  }
  await audit.append({
    action: `secret.${view.run.flow}.cancel.requested`,
    actor,
    secret: view.run.secret,
    run: id,
    context: {},
  });
  await requestCancel(home.database, id, actor);
  if (view.run.status === "held") await decide(home, requests, view.run, { choice: "cancel" }, actor);
  return view;
}

/** The run that is changing the secret now, if any. */
export function runningFor(home: Home, secret: string): Promise<RunRecord | undefined> {
  return activeRun(home.database, secret);
}

function isDecision(undoes: string | null): boolean {
  return undoes === "no way back" || (undoes?.includes("a person decides") ?? false);
}

function notCancellable(id: RunId, found: string, because: string, next: string): LockstepError {
  return new LockstepError({
    code: "RUN_NOT_CANCELLABLE",
    message: `${id} cannot be cancelled: ${found}`,
    because,
    next,
  });
}

import { setTimeout as sleep } from "node:timers/promises";
import { isOutage } from "../core/errors.ts";
import { compile, type Plan } from "../core/plan.ts";
import type { Actor, RunId, RunRecord, StepRecord } from "../core/record.ts";
import { systemClock } from "../core/time.ts";
import { type DecisionRecord, decisionOn } from "../db/decisions.ts";
import { activeRun, getRun, getRunRecord, getSteps, reserveRun } from "../db/runs.ts";
import { openClient } from "../engine/client.ts";
import type { Requests } from "../engine/requests.ts";
import { hasLivingWorker, parkedNow } from "../engine/workers.ts";
import { journalSealer } from "../sealing/envelope.ts";
import type { Config } from "./config.ts";
import type { Home } from "./home.ts";
import { requireAssurance, requireRole } from "./people.ts";
import type { RunInput } from "./run-input.ts";
import { RUNBOOKS, RUNBOOKS_VERSION, runbookFor } from "./runbooks.ts";
import { type PlanRequest, snapshotOf } from "./snapshot.ts";
import { standInFor } from "./stand-in.ts";

/** Waits are cut to this in the sandbox, whose vendors have nothing to wait for. */
const SANDBOX_LONGEST_WAIT = 2_000;

/** The plan of a flow on a secret as the configuration stands now. Throws SECRET_UNKNOWN. */
export function planFor(
  config: Config,
  ask: Omit<PlanRequest, "now" | "longestWaitMs"> & { readonly sandbox: boolean },
): Plan {
  const { sandbox, ...request } = ask;
  return compile(
    runbookFor(ask),
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
  /** Runs are carried out in this process, and rest when it ends. */
  readonly here: boolean;
  /** Hands back what is not finished. */
  close(): Promise<void>;
}

/** How often a command looks whether the worker that carries its run is still there, in milliseconds. */
const WORKER_WATCH = 2_000;

/** Speaks to a living worker, or carries runs out in this process when there is none, or no longer one. */
export async function openCarrier(home: Home, log: (msg: string) => void): Promise<Carrier> {
  const engineHere = async () => {
    const { startEngine } = await import("./engine.ts");
    // Also what this process takes over besides what it was called for: whoever calls `test` must see a rotation go on.
    return startEngine(home, "command", ({ msg }) => log(msg));
  };
  if (!(await hasLivingWorker(home.databaseUrl))) {
    const engine = await engineHere();
    return { requests: engine, here: true, close: () => engine.close() };
  }
  const client = await openClient(home.databaseUrl, journalSealer(home.ring), RUNBOOKS_VERSION);
  const gone = new AbortController();
  const lives = () => hasLivingWorker(home.databaseUrl);
  const standIn = standInFor({ lives, open: engineHere, everyMs: WORKER_WATCH, log }, gone.signal);
  return {
    requests: client,
    here: false,
    close: async () => {
      gone.abort();
      await (await standIn)?.close();
      await client.close();
    },
  };
}

/**
 * Reserves the run and enqueues it; answers with the one that is there already instead (P8). Where `seen` was shown to whoever
 * asks, it goes on with that one and begins no other. `because` goes on record with a run that it begins. Throws ROLE_MISSING, ASSURANCE_MISSING.
 */
export async function startRun(
  home: Home,
  requests: Requests,
  plan: Plan,
  actor: Actor,
  { seen, because }: { readonly seen?: RunRecord | undefined; readonly because?: string | undefined } = {},
): Promise<{ run: RunRecord; attached: boolean }> {
  if (seen) return { run: await attachRun(home, requests, seen.id, actor), attached: true };
  const { snapshot } = plan;
  if (snapshot.flow !== "test") {
    requireRole(actor, snapshot.role, `A ${snapshot.flow} of ${plan.secret}`);
    requireAssurance(actor, snapshot.assurance, plan.secret);
  }
  const { run, attached } = await reserveRun(home.database, {
    secret: plan.secret,
    flow: snapshot.flow,
    runbook: plan.runbook,
    planHash: plan.hash,
    plan,
    reason: snapshot.reason,
    ...(because !== undefined && { because }),
    actor,
  });
  const kept = attached ? ((await getRun(home.database, run.id)).plan as Plan) : plan;
  await enqueue(requests, run, kept);
  return { run, attached };
}

/**
 * Goes on with a run that was seen, and never begins another in its place: whoever is shown a run is not asked whether to
 * start one, and it may have ended meanwhile.
 */
async function attachRun(
  home: Pick<Home, "database">,
  requests: Requests,
  id: RunId,
  actor: Actor,
): Promise<RunRecord> {
  const { plan, ...run } = await getRun(home.database, id);
  const { snapshot } = plan as Plan;
  requireRole(actor, snapshot.role, `A ${run.flow} of ${run.secret}`);
  requireAssurance(actor, snapshot.assurance, run.secret);
  if (run.endedAt === undefined) await enqueue(requests, run, plan as Plan);
  return run;
}

/** Also a run that is there already: its starter may have died before it did this. The id makes it one run. */
export async function enqueue(requests: Requests, run: RunRecord, { snapshot }: Plan): Promise<void> {
  const { id, secret, runbook, planHash, tag, actor, because } = run;
  const why = because === undefined ? {} : { because };
  const input: RunInput = { snapshot, runbook, planHash, tag, actor, ...why };
  await requests.start({ id, secret, input });
}

/** How a run stands, with its steps. */
export interface RunView {
  readonly run: RunRecord;
  readonly plan: Plan;
  readonly steps: readonly StepRecord[];
  /** What a person has decided, until the run takes it up. */
  readonly decided?: DecisionRecord;
  /** Why nobody goes on with it, where it was followed and the engine has parked it. */
  readonly parked?: string;
}

/** Reads a run. Throws RUN_UNKNOWN. */
export async function viewRun(home: Pick<Home, "database">, id: RunId): Promise<RunView> {
  const { plan } = await getRun(home.database, id);
  return viewAgain(home, id, plan as Plan);
}

async function viewAgain(home: Pick<Home, "database">, id: RunId, plan: Plan): Promise<RunView> {
  const [run, steps] = await Promise.all([getRunRecord(home.database, id), getSteps(home.database, id)]);
  const asks = run.status === "held" || run.status === "waiting";
  const decided =
    asks && run.question !== undefined ? await decisionOn(home.database, id, run.question) : undefined;
  return { run, plan, steps, ...(decided && { decided }) };
}

/** One line of a run as it is shown: of its plan, by number, or of what a person's decision has added. */
export interface RunLine {
  readonly id: string;
  readonly number?: number;
  readonly says: string;
}

/** The lines of the plan, then the way back and the broken glass as far as they have been begun. */
export function linesOf({ plan, steps }: RunView): readonly RunLine[] {
  const planned = plan.steps.map(({ id, says }, i) => ({ id, number: i + 1, says }));
  const known = new Set(planned.map((line) => line.id));
  const says = new Map(wayBackOf(plan).map((line) => [line.id, line.says]));
  const added = steps.filter(({ id }) => !known.has(id));
  return [...planned, ...added.map(({ id }) => ({ id, says: says.get(id) ?? "" }))];
}

/** What a rollback would do, in order, and what breaking the glass would; empty where the plan's procedure has no such ways. */
export function wayBackOf({
  runbook,
  snapshot,
}: Plan): readonly { readonly id: string; readonly says: string }[] {
  const found = RUNBOOKS[runbook];
  const back = found?.back?.(snapshot).flatMap((entry) => entry.waves.flat()) ?? [];
  const all = found?.breakGlass ? [...back, found.breakGlass] : back;
  return all.map((step) => ({ id: step.id, says: step.says(snapshot) }));
}

/** How often it is asked whether a run that is followed was parked, in milliseconds. */
const PARKED_WATCH = 1_000;

/** How often it is asked whether our own database is back, in milliseconds. */
const OUTAGE_WATCH = 1_000;

/** Asks again for as long as our own database is away: whoever carries the run out waits for it, and says so. */
async function whileAway<T>(signal: AbortSignal, ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (thrown) {
      if (!isOutage(thrown) || signal.aborted) throw thrown;
      await sleep(OUTAGE_WATCH, undefined, { signal }).catch(() => {});
    }
  }
}

/** Watches a run until it ends, waits for a person, or is parked; reports every view that differs from the one before. */
export async function followRun(
  home: Home,
  id: RunId,
  seen: (view: RunView) => void,
  options: { readonly signal: AbortSignal; readonly answered?: string },
): Promise<RunView> {
  const { signal } = options;
  let last = "";
  // Read once: it is as long as all the rest together, and is asked for ten times a second beside the run itself.
  const plan = (await getRun(home.database, id)).plan as Plan;
  let looked = performance.now();
  for (;;) {
    const view = await whileAway(signal, () => viewAgain(home, id, plan));
    const state = JSON.stringify([view.run, view.steps]);
    if (state !== last) seen(view);
    last = state;
    if (isAtRest(view.run, options.answered) || signal.aborted) return view;
    if (performance.now() - looked > PARKED_WATCH) {
      const parked = await whileAway(signal, () =>
        parkedNow((sql, values) => home.database.query(sql, values), id),
      );
      if (parked !== undefined) return { ...view, parked };
      looked = performance.now();
    }
    await sleep(100, undefined, { signal }).catch(() => {});
  }
}

/**
 * Whether a run has ended, or asks a person something. What was just answered shows until the engine takes the answer up; the
 * next question is another one.
 */
export function isAtRest({ status, question, endedAt }: RunRecord, answered?: string): boolean {
  const asks = status === "held" || status === "waiting";
  return endedAt !== undefined || (asks && question !== answered);
}

/** The run that is changing the secret now, if any. */
export function runningFor(home: Home, secret: string): Promise<RunRecord | undefined> {
  return activeRun(home.database, secret);
}

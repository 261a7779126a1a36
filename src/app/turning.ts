import { setTimeout as sleep } from "node:timers/promises";
import { collectCalls } from "../core/calls.ts";
import { LockstepError, type Trouble } from "../core/errors.ts";
import type { Position, Turn } from "../core/interlock.ts";
import type { Outcome, Proof } from "../core/outcome.ts";
import type { Actor, AuditEntry } from "../core/record.ts";
import { shellWord } from "../core/shell.ts";
import { after, type Clock, type Milliseconds, systemClock } from "../core/time.ts";
import { auditLogIn } from "../db/audit-log.ts";
import { frozenTrouble } from "./frozen.ts";
import type { Home } from "./home.ts";
import { closedByUs, goesOn, type LastTurn, lastTurns } from "./interlock-record.ts";
import { type BoundInterlock, bindInterlock, forInterlock, proveAll } from "./interlocks.ts";
import { requireRole } from "./people.ts";

/** What the procedure works with. */
export interface TurnPorts {
  readonly bound: BoundInterlock;
  append(entry: AuditEntry): Promise<void>;
  /** The last turn of this interlock that is on record. */
  last(): Promise<LastTurn | undefined>;
  /** Why it may not be opened now, where a person has frozen the installation. */
  frozen(): Promise<Trouble | undefined>;
  readonly clock: Clock;
  pause(ms: Milliseconds): Promise<void>;
}

/** What a person is to confirm. */
export interface TurnFound {
  readonly found: Position | "unknown";
  /** It stands closed because this installation closed what was open. */
  readonly ours: boolean;
  readonly last: LastTurn | undefined;
}

/** What is asked for. */
export interface TurnRequest {
  readonly interlock: string;
  readonly to: Position;
  readonly because: string;
  /** Asked before anything is sent; not where it stands so already. Throws where it is declined. */
  confirm(found: TurnFound): Promise<void>;
  /** Each look that did not prove it yet. */
  saw(proof: Exclude<Proof, { is: "proved" }>): void;
  /** Ends the waiting for the proof; what was sent, stands. */
  readonly signal: AbortSignal;
}

/** How it went. */
export interface Turned {
  readonly interlock: string;
  readonly is: Position;
  /** Where it stood before; by the record where an earlier process turned it and was killed. */
  readonly found: Position | "unknown";
  /** Whether this call sent anything. */
  readonly wrote: boolean;
  /** Absent where the waiting was ended. */
  readonly proof?: { readonly says: string };
}

/**
 * Closes or opens an interlock: looks, asks, announces (P9), sends once, and waits for the proof. Called again after it was
 * killed, it looks first and brings to its end what is left. Throws what stops it, INTERLOCK_UNPROVED at the end of the time.
 */
export async function turnInterlock(home: Home, actor: Actor, request: TurnRequest): Promise<Turned> {
  const { interlock, to, signal } = request;
  const bound = bindInterlock(home, interlock);
  // Closing is the safe direction; opening lets through what somebody held back.
  if (to === "closed") requireRole(actor, "ops", `Closing ${interlock}`);
  else requireRole(actor, bound.role, `Opening ${interlock}`);
  const ports: TurnPorts = {
    bound,
    frozen: () => frozenTrouble(home.database),
    append: (entry) => auditLogIn(home.database).append(entry),
    last: async () => (await lastTurns(home.database)).get(interlock),
    clock: systemClock,
    pause: (ms) => sleep(ms, undefined, { signal }).catch(() => {}),
  };
  return turn(ports, actor, request);
}

/** The procedure itself. */
export async function turn(ports: TurnPorts, actor: Actor, request: TurnRequest): Promise<Turned> {
  const { to, interlock } = request;
  await refuseFrozen(ports, to);
  const { is: stood, version } = await standsNow(ports, to);
  const last = await ports.last();
  const begun = last !== undefined && goesOn(last, to) ? last : undefined;
  if (stood !== to) {
    await request.confirm({ found: stood, ours: closedByUs(last, version), last });
    // The looks and the question may have taken long.
    if (request.signal.aborted) throw interrupted(request);
    await refuseFrozen(ports, to);
    await send(ports, actor, request, stood);
  }
  const proof = await proved(ports, request);
  const done = {
    interlock,
    is: to,
    // What a killed process turned stood otherwise before.
    found: stood === to ? (begun?.found ?? stood) : stood,
    wrote: stood !== to,
  };
  // What stood there already and was proved before leaves nothing to record.
  const record = async (what: string, context: object) => {
    if (stood !== to || begun !== undefined) await note(ports, actor, request, what, context);
  };
  if (proof === undefined) return done;
  if (proof.is === "proved") {
    await record("proved", { found: done.found, says: proof.says });
    return { ...done, proof: { says: proof.says } };
  }
  await record("unproved", { found: done.found, trouble: proof.trouble });
  throw unproved(ports, to, proof.trouble);
}

/** Closing is the safe direction, and goes on under a freeze. */
async function refuseFrozen({ frozen }: TurnPorts, to: Position): Promise<void> {
  const trouble = to === "open" ? await frozen() : undefined;
  if (trouble) throw new LockstepError(trouble);
}

/** Where it stands before anything is sent; what cannot be seen is not turned, unless it can never be. */
async function standsNow(
  { bound }: TurnPorts,
  to: Position,
): Promise<{ readonly is: Position | "unknown"; readonly version?: string }> {
  const seen = await bound.interlock.observe();
  if (seen.is === "done") return seen.value;
  if (!bound.read || seen.trouble.code === "INTERLOCK_UNCLEAR") return { is: "unknown" };
  const trouble = forInterlock(seen.trouble, bound.name);
  throw new LockstepError({ ...trouble, because: `${trouble.because}; it was not ${VERB[to].did}` });
}

const VERB = {
  closed: { do: "close", did: "closed" },
  open: { do: "open", did: "opened" },
} as const;

async function send(
  ports: TurnPorts,
  actor: Actor,
  request: TurnRequest,
  found: Position | "unknown",
): Promise<void> {
  const { bound } = ports;
  const { because, to } = request;
  await note(ports, actor, request, "intended", { target: bound.target, found, because });
  const { value: outcome, calls } = await collectCalls(() => sendWithin(ports, request));
  const requests = calls.map(({ ms: _ms, ...call }) => call);
  if (outcome.is === "done") {
    const { found: before, wrote, version } = outcome.value;
    await note(ports, actor, request, "done", { found: before, wrote, version, requests });
    return;
  }
  const trouble = forInterlock(outcome.trouble, bound.name);
  if (outcome.is !== "unknown") {
    await note(ports, actor, request, "failed", { trouble, requests });
    throw new LockstepError(trouble);
  }
  await note(ports, actor, request, "unsettled", { trouble, requests });
  // It may have happened: only a look tells.
  const seen = await bound.interlock.observe();
  if (seen.is === "done" && seen.value.is === to) return;
  throw new LockstepError({
    ...trouble,
    because: `whether it is ${to} now is not known`,
    next: `${commandFor(bound.name, request)}    looks first, and sends only what has not happened`,
  });
}

const PAUSE_MS: Milliseconds = 5_000;

/** What did not happen may be sent again, as long as there is time. */
async function sendWithin(
  { bound, clock, pause }: TurnPorts,
  { to, signal }: TurnRequest,
): Promise<Outcome<Turn>> {
  const { interlock, within } = bound;
  const deadline = after(clock.now(), within);
  for (;;) {
    const outcome = await (to === "closed" ? interlock.close() : interlock.open());
    const wait = outcome.is === "retryable" ? (outcome.afterMs ?? PAUSE_MS) : 0;
    if (outcome.is !== "retryable" || after(clock.now(), wait) > deadline) return outcome;
    await pause(wait);
    if (signal.aborted) return outcome;
  }
}

/** Asks until it is proved, until it is refuted by the interlock itself, or until the time is over; undefined where nobody waits any more. */
async function proved(ports: TurnPorts, { to, saw, signal }: TurnRequest): Promise<Proof | undefined> {
  const { bound, clock, pause } = ports;
  const deadline = after(clock.now(), bound.within);
  for (;;) {
    const proof = await proveAll(bound, to);
    if (proof.is === "proved") return proof;
    // A probe's own no may be of a process that has not seen it yet.
    if (proof.is === "refuted" && proof.trouble.code !== "PROBE_REFUTED") return proof;
    if (signal.aborted) return undefined;
    const wait = (proof.is === "unknown" ? proof.askAgainMs : undefined) ?? PAUSE_MS;
    if (after(clock.now(), wait) > deadline) return proof;
    saw(proof);
    await pause(wait);
    if (signal.aborted) return undefined;
  }
}

function note(
  { append, bound }: TurnPorts,
  actor: Actor,
  { to }: TurnRequest,
  what: string,
  context: object,
): Promise<void> {
  return append({
    action: `interlock.${VERB[to].do}.${what}`,
    actor,
    context: { interlock: bound.name, ...context },
  });
}

function unproved({ bound }: TurnPorts, to: Position, trouble: Trouble): LockstepError {
  const { message, because } = forInterlock(trouble, bound.name);
  return new LockstepError({
    code: "INTERLOCK_UNPROVED",
    message: `${bound.name} is not shown to be ${to}\n${message}`,
    because: `${because}; ${to === "closed" ? "what is not proved closed counts as open" : "it may let things through all the same"}`,
    next: `lockstep interlock status ${bound.name}    looks again`,
  });
}

function interrupted(request: TurnRequest): LockstepError {
  return new LockstepError({
    code: "DECLINED",
    message: `${request.interlock} was not touched`,
    because: "it was interrupted before anything was sent",
    next: commandFor(request.interlock, request),
  });
}

/** The command that asks for this again. */
export function commandFor(name: string, { to, because }: Pick<TurnRequest, "to" | "because">): string {
  return `lockstep interlock ${VERB[to].do} ${name} --because ${shellWord(because)}`;
}

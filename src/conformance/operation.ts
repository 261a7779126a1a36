import type { CallRecord } from "../core/calls.ts";
import { collectCalls } from "../core/calls.ts";
import type { Introspection } from "../core/issuer.ts";
import type { Outcome, Proof, Sighting } from "../core/outcome.ts";
import type { Fingerprinter } from "../core/sealed.ts";
import type { Milliseconds } from "../core/time.ts";
import { holdsAny } from "./plain.ts";
import type { VendorWorld } from "./supplied.ts";
import type { Placed, Wire } from "./wire.ts";

/** What an operation of an adapter answers with. */
export type Result = Outcome<unknown> | Proof | Sighting | Introspection;

/** An adapter on a connection that is watched. */
export interface Opened<Adapter> {
  readonly adapter: Adapter;
  readonly wire: Wire;
}

/** What a connection of a stage may be put under. */
export interface Conditions {
  readonly placed?: Placed;
  readonly exhausted?: boolean;
  readonly detour?: (position: number, request: Request) => Promise<Response | undefined>;
}

/**
 * Successes without effect: a twin of the vendor gets every request too, so that both know the same sessions, and answers
 * those that changed something in the rehearsal. The vendor itself never sees these.
 */
export function pretence(
  twin: VendorWorld,
  rehearsal: readonly { readonly changed: boolean }[],
): NonNullable<Conditions["detour"]> {
  return async (position, request) => {
    const answered = await twin.send(request.clone());
    return rehearsal[position]?.changed === true ? answered : undefined;
  };
}

/** A fresh vendor, and adapters that are connected to it. */
export interface Stage<World extends VendorWorld, Adapter> {
  readonly world: World;
  /** The installation's; the same on all connections of this stage. */
  readonly fingerprint: Fingerprinter;
  readonly settleMs: Milliseconds;
  readonly endlessMs: Milliseconds;
  truth(): string;
  plains(): readonly string[];
  open(conditions?: Conditions): Opened<Adapter>;
}

/** An operation, ready to be called in one world. */
export interface Ready<Adapter> {
  call(adapter: Adapter): Promise<Result>;
  /** Whether what a success claims is true in that world. */
  holds?(result: Result): boolean;
}

/** One operation of an adapter. */
export interface Operation<World extends VendorWorld, Adapter> {
  readonly name: string;
  readonly effect: "read" | "write";
  /** A read that leaves traces at the vendor all the same, so that every experiment needs a fresh one. */
  readonly fresh?: true;
  /** Statuses of the vendor's own refusal that may be taken for "dead"; for operations that look at liveness. */
  readonly deadBy?: readonly number[];
  /** Whether an answer may be weaker under a fault, because it says what could not be looked at. */
  weaker?(result: Result): boolean;
  prepare(stage: Stage<World, Adapter>): Promise<Ready<Adapter>>;
}

/** How an operation ended. */
export interface Ended {
  /** Absent where it threw, or has not ended. */
  readonly result?: Result;
  readonly threw?: string;
  readonly endless?: true;
  readonly wire: Wire;
  readonly calls: readonly CallRecord[];
  /** Whether the vendor's truth is another one. */
  readonly changed: boolean;
  /** Whether a claimed success is true. */
  readonly holds: boolean;
  /** Whether a value stands in what came out of it. */
  readonly leaks: boolean;
}

/** Carries the operation out once and looks at everything that came of it. */
export async function carryOut<World extends VendorWorld, Adapter>(
  stage: Stage<World, Adapter>,
  ready: Ready<Adapter>,
  opened: Opened<Adapter>,
): Promise<Ended> {
  const before = stage.truth();
  const plains = stage.plains();
  const ended = await collectCalls(() => settled(() => ready.call(opened.adapter), stage.endlessMs));
  const { result, thrown, endless } = ended.value;
  const text = `${JSON.stringify([result, ended.calls])}${thrown === undefined ? "" : wordsOf(thrown)}`;
  return {
    ...(result === undefined ? {} : { result }),
    ...(thrown === undefined ? {} : { threw: thrown instanceof Error ? thrown.name : typeof thrown }),
    ...(endless === undefined ? {} : { endless }),
    wire: opened.wire,
    calls: ended.calls,
    changed: stage.truth() !== before,
    holds: result !== undefined && (ready.holds?.(result) ?? stage.truth() === before),
    leaks: holdsAny(text, [...plains, ...stage.plains()]),
  };
}

interface Settled {
  readonly result?: Result;
  readonly thrown?: unknown;
  readonly endless?: true;
}

async function settled(work: () => Promise<Result>, endlessMs: Milliseconds): Promise<Settled> {
  const { promise, resolve } = Promise.withResolvers<Settled>();
  const timer = setTimeout(() => resolve({ endless: true }), endlessMs);
  try {
    return await Promise.race([work().then((result) => ({ result })), promise]);
  } catch (thrown) {
    return { thrown: thrown ?? "nothing" };
  } finally {
    clearTimeout(timer);
  }
}

function wordsOf(thrown: unknown): string {
  const words: string[] = [];
  for (let at = thrown, depth = 0; at !== undefined && at !== null && depth < 5; depth += 1) {
    words.push(String(at), JSON.stringify(at) ?? "");
    at = at instanceof Error ? at.cause : undefined;
  }
  return words.join("\n");
}

import type { Interlock, Position, Standing, Turn } from "../core/interlock.ts";
import { ensure } from "./case.ts";
import type { Opened, Operation, Result, Stage } from "./operation.ts";
import type { InterlockWorld } from "./supplied.ts";

/** A fresh interlock's world with connections to it. */
export type InterlockStage = Stage<InterlockWorld<unknown>, Interlock>;
type InterlockOperation = Operation<InterlockWorld<unknown>, Interlock>;

/** A look at one that stands so. */
export function observing(position: Position): InterlockOperation {
  return {
    name: "observe",
    effect: "read",
    // Since when may lie in what could not be read.
    weaker: (result: Result) => result.is === "done" && (result.value as Standing).since === undefined,
    async prepare(stage) {
      await set(stage, position);
      return { call: (interlock) => interlock.observe() };
    },
  };
}

/** A proof of one that has come to stand so. */
export function proving(position: Position): InterlockOperation {
  return {
    name: "prove",
    effect: "read",
    async prepare(stage) {
      await set(stage, position);
      return { call: (interlock) => interlock.prove(position) };
    },
  };
}

/** Every operation of an interlock. */
export const INTERLOCK_OPERATIONS: readonly InterlockOperation[] = [
  observing("closed"),
  turning("close", "open", "closed"),
  turning("open", "closed", "open"),
  proving("closed"),
];

function turning(name: "close" | "open", from: Position, to: Position): InterlockOperation {
  return {
    name,
    effect: "write",
    async prepare(stage) {
      await set(stage, from);
      return { call: (interlock) => interlock[name](), holds: () => stage.world.position() === to };
    },
  };
}

/** Somebody else sets it, unless it stands so, and it comes into force. */
export async function set({ world, settleMs }: InterlockStage, position: Position): Promise<void> {
  if (world.position() !== position) world.put(position);
  await world.pass(settleMs);
}

/** Turns it on a connection without faults. */
export async function turnOn(
  stage: InterlockStage,
  to: Position,
  { adapter }: Pick<Opened<Interlock>, "adapter"> = stage.open(),
): Promise<Turn> {
  const outcome = to === "closed" ? await adapter.close() : await adapter.open();
  ensure(outcome.is === "done", `it to be turned without faults`, outcome.is);
  return outcome.value;
}

const LOOKS = 5;

/** Asks until it is no longer open, letting the vendor's time pass. */
export async function proveOn({ world, settleMs }: InterlockStage, interlock: Interlock, position: Position) {
  for (let look = 1; ; look += 1) {
    await world.pass(settleMs);
    const proof = await interlock.prove(position);
    if (proof.is !== "unknown" || look === LOOKS) return proof;
  }
}

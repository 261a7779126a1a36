import { type Fault, GONE } from "./faults.ts";
import { carryOut, type Ended, type Operation, type Ready, type Stage } from "./operation.ts";
import type { VendorWorld } from "./supplied.ts";
import type { Placed } from "./wire.ts";

/** One fault on one call of an operation, and what came of it. */
export interface Experiment {
  readonly fault: Fault;
  /** The number of the call that went wrong. */
  readonly at: number;
  /** Whether that call was made at all. */
  readonly met: boolean;
  /** Whether that call is one that changes something, when nothing goes wrong. */
  readonly effective: boolean;
  readonly ended: Ended;
}

/** An operation without faults and under each; every experiment is made once, when it is first asked about. */
export interface Experiments {
  plain(): Promise<Ended>;
  under(fault: Fault): Promise<readonly Experiment[]>;
  /** The vendor goes away, for good, before each of the calls. */
  cutOff(): Promise<readonly Experiment[]>;
}

/** Experiments with an operation. `stage` gives a fresh vendor. */
export function experimentsWith<World extends VendorWorld, Adapter>(
  operation: Operation<World, Adapter>,
  stage: () => Promise<Stage<World, Adapter>>,
): Experiments {
  const prepared = async () => {
    const fresh = await stage();
    return { stage: fresh, ready: await operation.prepare(fresh) };
  };
  // Looking leaves nothing behind, so that all looks can be at one vendor.
  const shared = once(prepared);
  const world = () => (operation.effect === "read" && !operation.fresh ? shared() : prepared());
  const plain = once(async () => {
    const { stage: at, ready } = await world();
    return carryOut(at, ready, at.open());
  });
  const made = new Map<Fault, Promise<readonly Experiment[]>>();
  const under = async (fault: Fault, more: Pick<Placed, "lasting"> = {}) => {
    const { wire } = await plain();
    return Promise.all(
      wire.exchanges.map(async ({ changed }, at) => one(await world(), { fault, at, ...more }, changed)),
    );
  };
  return {
    plain,
    cutOff: () => under(GONE, { lasting: true }),
    under(fault) {
      const running = made.get(fault) ?? under(fault);
      made.set(fault, running);
      return running;
    },
  };
}

async function one<World extends VendorWorld, Adapter>(
  { stage, ready }: { stage: Stage<World, Adapter>; ready: Ready<Adapter> },
  placed: Placed,
  effective: boolean,
): Promise<Experiment> {
  const ended = await carryOut(stage, ready, stage.open({ placed }));
  return { ...placed, effective, met: ended.wire.exchanges.length > placed.at, ended };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

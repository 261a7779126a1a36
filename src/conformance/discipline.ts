import { withPermits } from "../core/permit.ts";
import { type Case, ensure } from "./case.ts";
import { carryOut, type Operation, type Stage } from "./operation.ts";
import type { VendorWorld } from "./supplied.ts";
import { shown, verdictOf } from "./verdict.ts";

/** What holds of every operation, faults or none: whose run it is, whose turn it is. */
export function casesOfDiscipline<World extends VendorWorld, Adapter>(
  operations: readonly Operation<World, Adapter>[],
  stage: () => Promise<Stage<World, Adapter>>,
): readonly Case[] {
  const writes = operations.filter(({ effect }) => effect === "write");
  const reads = operations.filter(({ effect }) => effect === "read");
  return [
    ...writes.map((operation) => ({
      name: `${operation.name}: nothing is sent for a run that is somebody else's by now`,
      run: async () => heeds(await stage(), operation),
    })),
    {
      name: "looking changes nothing",
      run: async () => {
        for (const operation of reads) {
          const at = await stage();
          const ended = await carryOut(at, await operation.prepare(at), at.open());
          ensure(verdictOf(ended) !== undefined, `an answer to ${operation.name}`, shown(ended));
          ensure(!ended.changed, `${operation.name} to leave what is there as it is`);
        }
      },
    },
    {
      name: "what the budget does not let through is not sent",
      run: async () => {
        for (const operation of operations) {
          const at = await stage();
          const ended = await carryOut(at, await operation.prepare(at), at.open({ exhausted: true }));
          ensure(ended.wire.exchanges.length === 0, `no call of ${operation.name}`);
          ensure(verdictOf(ended) !== undefined, `an answer to ${operation.name}`, shown(ended));
          const asked = ended.wire.turns() > 0;
          ensure(!asked || verdictOf(ended) === "open", `${operation.name} to be left open`, shown(ended));
        }
      },
    },
  ];
}

/** A write asks whether the run is still ours, and does not go out where it is not (P8). */
async function heeds<World extends VendorWorld, Adapter>(
  stage: Stage<World, Adapter>,
  operation: Operation<World, Adapter>,
): Promise<void> {
  const ready = await operation.prepare(stage);
  let asked = 0;
  const owned = async () => {
    asked += 1;
    throw new Error("the run is somebody else's");
  };
  const ended = await withPermits(owned, () => carryOut(stage, ready, stage.open()));
  ensure(!ended.changed, `${operation.name} not to be carried out for a run that is not ours`);
  ensure(asked > 0, `${operation.name} to ask for leave before it writes`);
}

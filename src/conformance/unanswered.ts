import { type Case, ensure } from "./case.ts";
import { FAULTS, type Fault } from "./faults.ts";
import { carryOut, type Operation, type Stage } from "./operation.ts";
import type { VendorWorld } from "./supplied.ts";
import { shown, verdictOf } from "./verdict.ts";

/**
 * Where no call is answered by the vendor, a look is left open: also where the guess would happen to be right, which one fault
 * alone does not show. Refusals in the vendor's own shape are left out: they may be what a look is after.
 */
export function leavesOpen<World extends VendorWorld, Adapter>(
  name: string,
  look: Operation<World, Adapter>,
  stage: () => Promise<Stage<World, Adapter>>,
  counts: (fault: Fault) => boolean = () => true,
): Case {
  const faults = FAULTS.filter((fault) => fault.family !== "refused" && counts(fault));
  return {
    name,
    async run() {
      // All at once, because silence takes its time.
      await Promise.all(
        faults.map(async (fault) => {
          const at = await stage();
          const ready = await look.prepare(at);
          const ended = await carryOut(at, ready, at.open({ placed: { at: 0, lasting: true, fault } }));
          const open = verdictOf(ended) === "open";
          ensure(
            open || ended.wire.exchanges.length === 0,
            `${look.name} with ${fault.name} on every call to be left open`,
            shown(ended),
          );
        }),
      );
    },
  };
}

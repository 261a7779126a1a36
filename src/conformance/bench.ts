import type { AdapterDeps, VendorDefinition } from "../core/adapter.ts";
import type { Milliseconds } from "../core/time.ts";
import type { Stage } from "./operation.ts";
import { fingerprinter } from "./plain.ts";
import type { VendorWorld } from "./supplied.ts";
import { wireTo } from "./wire.ts";

const SETTLE_MS = 60_000;
const DEADLINE_MS = 50;
const ENDLESS_MS = 5_000;

/** What a suite needs to set up its experiments. */
interface Bench<World extends VendorWorld, Adapter, Client> {
  readonly harness: {
    readonly vendor: VendorDefinition<Client>;
    world(): Promise<World>;
    readonly settleMs?: Milliseconds;
    readonly deadlineMs?: Milliseconds;
    readonly endlessMs?: Milliseconds;
  };
  connect(world: World, deps: AdapterDeps<Client>): Adapter;
  truth(world: World): string;
  plains(world: World): readonly string[];
}

/** Gives a fresh vendor, with adapters of it on watched connections, each time it is called. */
export function stages<World extends VendorWorld, Adapter, Client>({
  harness,
  connect,
  truth,
  plains,
}: Bench<World, Adapter, Client>): () => Promise<Stage<World, Adapter>> {
  return async () => {
    const world = await harness.world();
    // One for all connections: they are of one installation.
    const fingerprint = fingerprinter();
    return {
      world,
      fingerprint,
      settleMs: harness.settleMs ?? SETTLE_MS,
      endlessMs: harness.endlessMs ?? ENDLESS_MS,
      truth: () => truth(world),
      plains: () => plains(world),
      open({ placed, exhausted, detour } = {}) {
        const watch = {
          truth: () => truth(world),
          plains: () => plains(world),
          ...(detour && { detour }),
          ...(exhausted && { exhausted }),
          ...(placed?.fault.family === "silent" && { deadlineMs: harness.deadlineMs ?? DEADLINE_MS }),
        };
        const wire = wireTo(world, watch, placed);
        const client = harness.vendor.connect(wire.options);
        return { wire, adapter: connect(world, { client, fingerprint, clock: world.clock }) };
      },
    };
  };
}

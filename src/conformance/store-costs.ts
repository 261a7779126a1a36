import type { StoreDefinition, VaultDefinition } from "../core/adapter.ts";
import type { Store, Vault } from "../core/store.ts";
import { type Case, ensure } from "./case.ts";
import type { Opened, Stage } from "./operation.ts";
import { proveOn, writeOn } from "./store-operations.ts";
import type { StoreWorld } from "./supplied.ts";

type Kind<Definition> = Omit<Definition, "config" | "canonical">;
type World = StoreWorld<unknown>;

/** Declared costs are what the plan's estimate and its budget check rest on. */
export function costsOfStore(
  { costs, capabilities }: Pick<Kind<StoreDefinition<unknown, unknown>>, "costs" | "capabilities">,
  stage: () => Promise<Stage<World, Store>>,
): Case {
  const run = async () => {
    const at = await stage();
    const { world } = at;
    const opened = at.open();
    const { adapter } = opened;
    const { config, copies = 1 } = world;
    // What a connection does once in its life, such as signing in, is not an operation's cost.
    for (const look of [() => adapter.ready(), () => adapter.observe(), () => adapter.survey()]) await look();
    const ofCopies = capabilities(config).surveys === "access" ? copies * (costs.surveyOfEach ?? 1) : 0;
    await counted(opened, "ready", costs.ready(config), () => adapter.ready());
    await counted(opened, "observe", costs.observe(config), () => adapter.observe());
    await counted(opened, "survey", costs.survey + ofCopies, () => adapter.survey());
    const receipt = await counted(opened, "write", costs.write(config), () => writeOn(at, opened));
    // All looks until it is proved.
    await counted(opened, "prove", costs.prove(config, 0), () => proveOn(at, adapter, receipt));
    await counted(opened, "drained", costs.drained(config), () => adapter.drained(receipt));
  };
  return { name: "costs: each operation takes as many calls as are declared", run };
}

/** The same of what only a vault does. */
export function costsOfVault(
  { costs }: Pick<Kind<VaultDefinition<unknown, unknown>>, "costs">,
  stage: () => Promise<Stage<World, Vault>>,
): Case {
  const run = async () => {
    const at = await stage();
    const opened = at.open();
    const { adapter } = opened;
    for (const look of [() => adapter.claim(), () => adapter.openApprovals()]) await look();
    await counted(opened, "claim", costs.claim(at.world.config), () => adapter.claim());
    await counted(opened, "openApprovals", costs.openApprovals, () => adapter.openApprovals());
  };
  return { name: "costs: each operation of a vault takes as many calls as are declared", run };
}

async function counted<T>(
  { wire }: Opened<unknown>,
  name: string,
  declared: number,
  call: () => Promise<T>,
): Promise<T> {
  const before = wire.exchanges.length;
  const value = await call();
  const made = wire.exchanges.length - before;
  ensure(made === declared, `${name} to take the ${declared} calls that are declared`, `${made}`);
  return value;
}

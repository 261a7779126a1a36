import type { Readiness, Receipt, Store, Vault } from "../core/store.ts";
import { ensure } from "./case.ts";
import type { Opened, Operation, Result, Stage } from "./operation.ts";
import { samePlain, valuesOf } from "./plain.ts";
import type { StoreWorld } from "./supplied.ts";

/** A fresh store's world with connections to it. */
export type StoreStage<Adapter extends Store = Store> = Stage<StoreWorld<unknown>, Adapter>;
type StoreOperation<Adapter extends Store = Store> = Operation<StoreWorld<unknown>, Adapter>;

/** The id of the copy that the suite connects. */
export const COPY = "conformance";
/** The installation that claims in these suites. */
export const INSTALLATION = "5f0c9a3e-1b7d-4c62-9e84-d0a6b35f7c21";

/** Every operation of a store. */
export const STORE_OPERATIONS: readonly StoreOperation[] = [
  {
    ...looking("ready", (store) => store.ready()),
    // What could not be looked at is named, so that the plan can say so.
    weaker: (result) => result.is === "done" && (result.value as Readiness).open.length > 0,
  },
  looking("observe", (store) => store.observe()),
  looking("survey", (store) => store.survey()),
  {
    name: "write",
    effect: "write",
    prepare: async ({ world }) => ({
      call: (store) => store.write(valuesOf(world.next)),
      holds: () => samePlain(world.held(), world.next),
    }),
  },
  afterWrite("prove", (store, receipt, world) => store.prove(receipt, valuesOf(world.next))),
  afterWrite("drained", (store, receipt) => store.drained(receipt)),
];

/** What a vault does besides. */
export const VAULT_OPERATIONS: readonly StoreOperation<Vault>[] = [
  looking("read", (vault) => vault.read()),
  {
    name: "claim",
    effect: "read",
    async prepare(stage) {
      // One that is there: an empty answer could not be told from a look that failed.
      await stage.open().adapter.putClaim(INSTALLATION);
      return { call: (vault) => vault.claim() };
    },
  },
  looking("openApprovals", (vault) => vault.openApprovals()),
  {
    name: "putClaim",
    effect: "write",
    prepare: async ({ world }) => ({
      call: (vault) => vault.putClaim(INSTALLATION),
      holds: () => world.claim === undefined || world.claim() === INSTALLATION,
    }),
  },
];

function looking<Adapter extends Store>(
  name: string,
  call: (store: Adapter) => Promise<Result>,
): StoreOperation<Adapter> {
  return { name, effect: "read", prepare: async () => ({ call }) };
}

function afterWrite(
  name: string,
  call: (store: Store, receipt: Receipt, world: StoreWorld<unknown>) => Promise<Result>,
): StoreOperation {
  return {
    name,
    effect: "read",
    // A proof may be a job that the vendor runs, and that is asked for once.
    fresh: true,
    async prepare(stage) {
      const receipt = await writeOn(stage);
      await stage.world.pass(stage.settleMs);
      return { call: (store) => call(store, receipt, stage.world) };
    },
  };
}

/** A write of the next values, on a connection without faults. */
export async function writeOn(stage: StoreStage, opened: Opened<Store> = stage.open()): Promise<Receipt> {
  const outcome = await opened.adapter.write(valuesOf(stage.world.next));
  ensure(outcome.is === "done", "write to succeed without faults", outcome.is);
  return outcome.value;
}

/** Asks until it is no longer open, letting the vendor's time pass. */
export async function proveOn(stage: StoreStage, store: Store, receipt: Receipt) {
  const values = valuesOf(stage.world.next);
  for (let look = 1; ; look += 1) {
    await stage.world.pass(stage.settleMs);
    const proof = await store.prove(receipt, values);
    if (proof.is !== "unknown" || look === LOOKS) return proof;
  }
}

const LOOKS = 5;

import type { Vault } from "../core/store.ts";
import { type Case, ensure } from "./case.ts";
import { FAULTS } from "./faults.ts";
import { valuesOf } from "./plain.ts";
import { INSTALLATION, type StoreStage } from "./store-operations.ts";
import type { PlainValues } from "./supplied.ts";

type VaultStage = StoreStage<Vault>;

/** What a vault does besides what a store does. */
export function vaultClaims(stage: () => Promise<VaultStage>): readonly Case[] {
  const claims: readonly (readonly [string, (at: VaultStage) => Promise<void>])[] = [
    ["read: gives the values that are there, whoever put them there", givesValues],
    ["claim: there is none until it is put, and then it is ours", claimsOnce],
    ["putClaim: the entry stays as it is", leavesEntry],
    ["putClaim: after a lost reply, calling it again settles it", settlesClaim],
    ["openApprovals: nothing waits where nothing was asked", seesNoApproval],
  ];
  return claims.map(([name, check]) => ({ name, run: async () => check(await stage()) }));
}

async function givesValues(stage: VaultStage): Promise<void> {
  const { world } = stage;
  const { adapter } = stage.open();
  const gives = async (plain: PlainValues) => {
    const found = await adapter.read();
    ensure(found.is === "done", "read to answer", found.is);
    const { values } = found.value;
    const same = Object.entries(valuesOf(plain)).every(
      ([field, value]) => values[field]?.equals(value) === true,
    );
    ensure(same && Object.keys(values).length === Object.keys(plain).length, "the values that are there");
  };
  await gives(world.held());
  world.put(world.other);
  await world.pass(stage.settleMs);
  await gives(world.other);
}

async function claimsOnce(stage: VaultStage): Promise<void> {
  const { adapter } = stage.open();
  ensure((await installationOf(stage)) === undefined, "no claim in the beginning");
  for (const time of ["first", "second"]) {
    const put = await adapter.putClaim(INSTALLATION);
    ensure(put.is === "done", `the ${time} claim to be done`, put.is);
    ensure((await installationOf(stage)) === INSTALLATION, "the claim to be ours");
  }
}

async function leavesEntry(stage: VaultStage): Promise<void> {
  const before = JSON.stringify(stage.world.held());
  await stage.open().adapter.putClaim(INSTALLATION);
  ensure(JSON.stringify(stage.world.held()) === before, "the entry to stay as it is");
}

async function settlesClaim(stage: VaultStage): Promise<void> {
  for (const fault of FAULTS.filter(({ family }) => family === "lost")) {
    for (const at of [0, 1, 2, 3]) await stage.open({ placed: { at, fault } }).adapter.putClaim(INSTALLATION);
    const put = await stage.open().adapter.putClaim(INSTALLATION);
    ensure(put.is === "done", `a claim to be done when it is put again after a ${fault.name}`, put.is);
  }
  ensure((await installationOf(stage)) === INSTALLATION, "the claim to be ours then");
}

async function seesNoApproval(stage: VaultStage): Promise<void> {
  const found = await stage.open().adapter.openApprovals();
  ensure(found.is === "done" && found.value.length === 0, "no change that waits", found.is);
}

async function installationOf(stage: VaultStage): Promise<string | undefined> {
  const found = await stage.open().adapter.claim();
  ensure(found.is === "done", "claim to answer", found.is);
  return found.value.installation;
}

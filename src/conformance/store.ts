import type { StoreDefinition, VaultDefinition } from "../core/adapter.ts";
import { sameFingerprints } from "../core/credential.ts";
import type { Store, Vault } from "../core/store.ts";
import { stages } from "./bench.ts";
import { type Case, ensure } from "./case.ts";
import { casesOfDiscipline } from "./discipline.ts";
import { FAULTS } from "./faults.ts";
import type { Operation, Stage } from "./operation.ts";
import { samePlain, valuesOf } from "./plain.ts";
import { storeClaims } from "./store-claims.ts";
import { costsOfStore, costsOfVault } from "./store-costs.ts";
import { COPY, STORE_OPERATIONS, type StoreStage, VAULT_OPERATIONS, writeOn } from "./store-operations.ts";
import type { StoreHarness, StoreWorld } from "./supplied.ts";
import { casesUnderFaults } from "./under-faults.ts";
import { vaultClaims } from "./vault-claims.ts";

type OfStore<Config, Client> = Omit<StoreDefinition<Config, Client>, "config">;
type OfVault<Config, Client> = Omit<VaultDefinition<Config, Client>, "config">;

/** What every store must do, and every vault besides, checked on a simulated vendor: register each case with the test runner of your choice. */
export function testStore<Config, Client>(
  definition: OfStore<Config, Client> | OfVault<Config, Client>,
  harness: StoreHarness<Config, Client>,
): readonly Case[] {
  const watched = {
    harness,
    truth: (world: StoreWorld<Config>) => JSON.stringify([world.held(), world.claim?.()]),
    plains: ({ credential, next, other, headers = {}, held }: StoreWorld<Config>) =>
      [credential, next, other, headers, held()].flatMap((fields) => Object.values(fields)),
  };
  const more = { copy: COPY, steadyMs: 0 };
  if (!definition.canonical) {
    const stage = stages<StoreWorld<Config>, Store, Client>({
      ...watched,
      connect: ({ config }, deps) => definition.connect(config, { ...deps, ...more }),
    });
    // Only methods take the configuration, and they get the one that came from the same harness.
    const any = definition as OfStore<unknown, unknown>;
    return [...common(any, stage, STORE_OPERATIONS), costsOfStore(any, stage)];
  }
  const stage = stages<StoreWorld<Config>, Vault, Client>({
    ...watched,
    connect: ({ config }, deps) => definition.connect(config, { ...deps, ...more }),
  });
  const any = definition as OfVault<unknown, unknown>;
  const operations = [...STORE_OPERATIONS, ...VAULT_OPERATIONS];
  return [
    ...common(any, stage, operations),
    costsOfStore(any, stage),
    costsOfVault(any, stage),
    ...vaultClaims(stage),
  ];
}

function common<Adapter extends Store>(
  definition: OfStore<unknown, unknown> | OfVault<unknown, unknown>,
  stage: () => Promise<Stage<StoreWorld<unknown>, Adapter>>,
  operations: readonly Operation<StoreWorld<unknown>, Adapter>[],
): readonly Case[] {
  return [
    ...storeClaims(definition, stage),
    {
      name: "write: after a lost reply, looking and writing again settle it",
      run: () => settles(definition, stage),
    },
    ...casesOfDiscipline(operations, stage),
    ...casesUnderFaults(operations, stage),
  ];
}

/** Whatever a reply was lost on: a look tells what is there where it can be read, and another write ends with the value there. */
async function settles(
  definition: Pick<OfStore<unknown, unknown>, "capabilities">,
  stage: () => Promise<StoreStage>,
): Promise<void> {
  const rehearsal = await stage();
  const { wire, adapter } = rehearsal.open();
  await writeOn(rehearsal, { wire, adapter });
  const lost = FAULTS.filter(({ family }) => family === "lost");
  for (const [fault, at] of lost.flatMap((one) => wire.exchanges.map((_, call) => [one, call] as const))) {
    const fresh = await stage();
    const { world } = fresh;
    await fresh.open({ placed: { at, fault } }).adapter.write(valuesOf(world.next));
    await world.pass(fresh.settleMs);
    const seen = await fresh.open().adapter.observe();
    ensure(seen.is === "done", `observe to answer after a ${fault.name}`, seen.is);
    const there = sameFingerprints(seen.value.fingerprints ?? {}, fresh.fingerprint(valuesOf(world.held())));
    ensure(there || !definition.capabilities(world.config).read, "observe to tell what is there");
    await writeOn(fresh);
    ensure(samePlain(world.held(), world.next), `the value to be there in the end after a ${fault.name}`);
  }
}

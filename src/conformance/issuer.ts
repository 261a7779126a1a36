import type { IssuerDefinition } from "../core/adapter.ts";
import type { Issuer } from "../core/issuer.ts";
import { stages } from "./bench.ts";
import { type Case, ensure } from "./case.ts";
import { casesOfDiscipline } from "./discipline.ts";
import { FAULTS } from "./faults.ts";
import { issuerClaims } from "./issuer-claims.ts";
import { INTENT, type IssuerStage, idsOf, issuerOperations, mintOn, TAG } from "./issuer-operations.ts";
import { pretence } from "./operation.ts";
import { valuesOf } from "./plain.ts";
import type { IssuerHarness, IssuerWorld } from "./supplied.ts";
import { casesUnderFaults } from "./under-faults.ts";

type AnyDefinition = Omit<IssuerDefinition<unknown, unknown>, "config">;

/** What every issuer must do, checked on a simulated vendor: register each case with the test runner of your choice. */
export function testIssuer<Config, Client>(
  definition: Omit<IssuerDefinition<Config, Client>, "config">,
  harness: IssuerHarness<Config, Client>,
): readonly Case[] {
  const stage = stages<IssuerWorld<Config>, Issuer, Client>({
    harness,
    connect: ({ config }, deps) => definition.connect(config, deps),
    truth: (world) => JSON.stringify(world.living().toSorted((a, b) => (a.id < b.id ? -1 : 1))),
    plains: ({ credential, present, stranger, headers, living }) =>
      [credential, present.values, stranger, headers ?? {}, ...living().map(({ values }) => values)].flatMap(
        (fields) => Object.values(fields),
      ),
  });
  // Only methods take the configuration, and they get the one that came from the same harness.
  const any: AnyDefinition = definition as AnyDefinition;
  const operations = issuerOperations(definition.capabilities);
  return [
    ...issuerClaims(any, stage),
    ...settling(definition.capabilities, stage),
    {
      name: "mint: what the vendor only pretended to create is not proved",
      run: async () => pretended(stage),
    },
    ...costs(any, stage),
    ...casesOfDiscipline(operations, stage),
    ...casesUnderFaults(operations, stage),
  ];
}

const LOST = FAULTS.filter(({ family, unsent }) => family === "lost" && unsent === undefined);

/** After a lost reply, looking tells what is so. */
function settling({ tags }: { tags: boolean }, stage: () => Promise<IssuerStage>): readonly Case[] {
  const mint = async () => {
    const { wire } = await rehearsed(stage);
    for (const [fault, at] of LOST.flatMap((one) => wire.exchanges.map((_, call) => [one, call] as const))) {
      const fresh = await stage();
      const before = idsOf(fresh.world);
      await fresh.open({ placed: { at, fault } }).adapter.mint(INTENT);
      await fresh.world.pass(fresh.settleMs);
      const born = idsOf(fresh.world).filter((id) => !before.includes(id));
      const found = await fresh.open().adapter.findByTag(TAG);
      ensure(found.is === "done", `findByTag to answer after a ${fault.name}`, found.is);
      const ids = found.value.map(({ id }) => id).toSorted();
      ensure(
        ids.join() === born.join(),
        `findByTag to find what was made, and only that, after a ${fault.name}`,
      );
    }
  };
  const end = async () => {
    for (const fault of LOST) {
      const fresh = await stage();
      const { credential } = await mintOn(fresh);
      await fresh.open({ placed: { at: 0, fault } }).adapter.end(credential.id);
      const again = await fresh.open().adapter.end(credential.id);
      ensure(
        again.is === "done",
        `an end to be done when it is called again after a ${fault.name}`,
        again.is,
      );
      ensure(!idsOf(fresh.world).includes(credential.id), "the credential to be gone then");
    }
  };
  return [
    ...(tags ? [{ name: "mint: after a lost reply, findByTag tells what was made", run: mint }] : []),
    { name: "end: after a lost reply, calling it again settles it", run: end },
  ];
}

/** A mint on a vendor of its own, for its calls. */
async function rehearsed(stage: () => Promise<IssuerStage>) {
  const rehearsal = await stage();
  const opened = rehearsal.open();
  await mintOn(rehearsal, opened);
  return opened;
}

/** A success without effect. */
async function pretended(stage: () => Promise<IssuerStage>): Promise<void> {
  const [at, twin, { wire }] = [await stage(), await stage(), await rehearsed(stage)];
  const opened = at.open({ detour: pretence(twin.world, wire.exchanges) });
  const outcome = await opened.adapter.mint(INTENT);
  if (outcome.is !== "done") return;
  await at.world.pass(at.settleMs);
  const { credential, values } = outcome.value;
  const valid = await opened.adapter.validate(credential, values);
  ensure(valid.is !== "proved", "a credential that was never created not to be proved valid");
  const seen = await opened.adapter.probe(values);
  ensure(seen.is !== "alive", "a credential that was never created not to be alive");
}

/** Declared costs are what the plan's estimate and its budget check rest on. */
function costs(definition: AnyDefinition, stage: () => Promise<IssuerStage>): readonly Case[] {
  const { capabilities } = definition;
  const run = async () => {
    const at = await stage();
    const { present, config } = at.world;
    const opened = at.open();
    const { adapter, wire } = opened;
    const values = valuesOf(present.values);
    // A connection signs in once in its life, which is not an operation's cost.
    await adapter.introspect(values);
    const declared = { ...definition.costs, validate: definition.costs.validate(config) };
    const cost = async (name: keyof typeof declared, call: () => Promise<unknown>) => {
      const before = wire.exchanges.length;
      await call();
      const made = wire.exchanges.length - before;
      ensure(
        made === declared[name],
        `${name} to take the ${declared[name]} calls that are declared`,
        `${made}`,
      );
    };
    await cost("introspect", () => adapter.introspect(values));
    await cost("identify", () => adapter.identify(values, { id: present.id }));
    await cost("probe", () => adapter.probe(values));
    const minted: { id: string; validate: () => Promise<unknown> }[] = [];
    await cost("mint", async () => {
      const { credential, values: fresh } = await mintOn(at, opened);
      minted.push({ id: credential.id, validate: () => adapter.validate(credential, fresh) });
    });
    await at.world.pass(at.settleMs);
    for (const { id, validate } of minted) {
      await cost("validate", validate);
      if (capabilities.tags) await cost("findByTag", () => adapter.findByTag(TAG));
      if (capabilities.lists) await cost("isListed", () => adapter.isListed(id));
      await cost("end", () => adapter.end(id));
    }
  };
  return [{ name: "costs: each operation takes as many calls as are declared", run }];
}

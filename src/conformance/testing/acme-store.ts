import { z } from "zod";
import type { Observation, Receipt, Store, Trouble, Values } from "../../adapter.ts";
import { defineStore, done, type Outcome, outcomeOf, type Proof, type StoreDeps } from "../../adapter.ts";
import type { AcmeClient } from "./acme-client.ts";

type Deps = StoreDeps<AcmeClient>;

/** The slot of Acme: readable, both fields in one call, in force at once. */
export const acmeSlot = defineStore({
  kind: "acme-slot",
  canonical: false,
  vendor: "acme",
  config: z.strictObject({ fields: z.array(z.string()) }),
  capabilities: () => ({
    read: true,
    history: false,
    atomicFields: true,
    effectiveWhen: "at-once",
    grade: "value",
    surveys: "nothing",
  }),
  describe: ({ fields }) => ({ target: "acme slot", places: fields.map((field) => `acme slot ${field}`) }),
  costs: {
    ready: () => 1,
    observe: () => 1,
    write: () => 2,
    prove: () => 1,
    drained: () => 0,
    survey: 0,
  },
  connect: (_config, deps: Deps): Store => ({
    async ready() {
      const seen = await observe(deps);
      if (seen.is !== "done") return seen;
      return done({ ...seen.value, mayWrite: "unknown", open: ["whether this key may write the slot"] });
    },
    observe: () => observe(deps),
    write: (values, how) => write(deps, values, how?.regardless),
    prove: (receipt) => prove(deps, receipt),
    drained: async () => ({ is: "proved", at: deps.clock.now(), says: "the slot is read at once" }),
    survey: async () => done([]),
  }),
});

async function observe({ client, clock, fingerprint }: Deps): Promise<Outcome<Observation>> {
  const slot = await client.slot();
  if (slot.is !== "done") return outcomeOf(slot);
  const { id, version, fields } = slot.value;
  const fingerprints = fingerprint(fields);
  return done({ at: clock.now(), present: true, fingerprints, version: String(version), targetId: id });
}

async function write(deps: Deps, values: Values, regardless = false): Promise<Outcome<Receipt>> {
  const { client, clock, copy, fingerprint } = deps;
  const before = await client.slot();
  if (before.is !== "done") return outcomeOf(before);
  const receipt = { copy, fingerprints: fingerprint(values) };
  const { fields, version } = before.value;
  const same = Object.entries(values).every(([field, value]) => fields[field]?.equals(value) === true);
  if (same && !regardless)
    return done({ ...receipt, at: clock.now(), wrote: false, version: String(version) });
  const put = await client.put(values);
  if (put.is !== "done") return outcomeOf(put);
  return done({ ...receipt, at: clock.now(), wrote: true, version: String(put.value.version) });
}

async function prove(deps: Deps, receipt: Receipt): Promise<Proof> {
  const seen = await observe(deps);
  if (seen.is !== "done") return { is: seen.is === "refused" ? "refuted" : "unknown", trouble: seen.trouble };
  const { fingerprints = {}, version } = seen.value;
  const expected = Object.entries(receipt.fingerprints);
  if (!expected.every(([field, print]) => fingerprints[field] === print))
    return { is: "refuted", trouble: replaced() };
  return { is: "proved", at: deps.clock.now(), says: `The slot reads back the value at version ${version}` };
}

function replaced(): Trouble {
  return {
    code: "DESTINATION_UNPROVED",
    message: "The slot reads back another value",
    because: "somebody else wrote, or the write did not take place",
    next: "lockstep rotate <secret>    after you have found out who else writes there",
  };
}

import {
  done,
  type Observation,
  outcomeOf,
  type Receipt,
  type Store,
  type StoreDeps,
  unknown,
  type Values,
} from "../../adapter.ts";
import type { StoreDefinition } from "../../core/adapter.ts";
import type { StoreCapabilities } from "../../core/store.ts";
import { type Case, testStore } from "../suites.ts";
import { type AcmeClient, acme, acmeClient } from "./acme-client.ts";
import { acmeSlots } from "./acme-harness.ts";
import { acmeSlot } from "./acme-store.ts";
import type { Wrong } from "./wrong-issuers.ts";

type Config = { fields: string[] };
type Deps = StoreDeps<AcmeClient>;

function store(
  change: (right: Store, deps: Deps) => Partial<Store>,
  more: Partial<StoreDefinition<Config, AcmeClient>> = {},
): readonly Case[] {
  return testStore(
    {
      ...acmeSlot,
      ...more,
      connect(config, deps) {
        const right = acmeSlot.connect(config, deps);
        return { ...right, ...change(right, deps) };
      },
    },
    acmeSlots,
  );
}

function claiming(capabilities: Partial<StoreCapabilities>, config: Config): StoreCapabilities {
  return { ...acmeSlot.capabilities(config), ...capabilities };
}

/** Puts one field after the other. */
async function fieldByField({ client, clock, copy, fingerprint }: Deps, values: Values) {
  for (const [field, value] of Object.entries(values)) {
    const put = await client.putField(field, value);
    if (put.is !== "done") return outcomeOf(put);
  }
  const receipt: Receipt = { copy, at: clock.now(), fingerprints: fingerprint(values), wrote: true };
  return done(receipt);
}

/** Shows what it last wrote itself, and what was there before only as long as it wrote nothing. */
function remembering(right: Store): Partial<Store> {
  let last: Receipt | undefined;
  return {
    async write(values) {
      const written = await right.write(values);
      if (written.is === "done") last = written.value;
      return written;
    },
    async observe() {
      const seen = await right.observe();
      if (last === undefined || seen.is !== "done") return seen;
      return done({ ...seen.value, fingerprints: last.fingerprints });
    },
  };
}

/** Stores, each wrong in one way. */
export const WRONG_STORES: readonly Wrong[] = [
  [
    "claims to read and shows what it remembers",
    "read: what is there is shown, whoever put it there, and nothing where it cannot be read",
    store(remembering),
  ],
  [
    "reads what it says cannot be read",
    "read: what is there is shown, whoever put it there, and nothing where it cannot be read",
    store(() => ({}), { capabilities: (config) => claiming({ read: false, grade: "receipt" }, config) }),
  ],
  [
    "claims a proof by value of what it cannot read",
    "grade: is no stronger than what can be read",
    store(() => ({}), { capabilities: (config) => claiming({ read: false }, config) }),
  ],
  [
    "claims one call for all fields and makes one for each",
    "atomicFields: where claimed, all fields change in one call",
    store((_, deps) => ({ write: (values) => fieldByField(deps, values) })),
  ],
  [
    "calls half a write refused",
    "write: the vendor's own refusal is told as one, and nothing has happened",
    store((_, deps) => ({ write: (values) => fieldByField(deps, values) }), {
      capabilities: (config) => claiming({ atomicFields: false }, config),
    }),
  ],
  [
    "writes without looking, and says that it wrote",
    "write: what is there already is not written again, where it can be read",
    store((_, { client, clock, copy, fingerprint }) => ({
      async write(values) {
        const put = await client.put(values);
        if (put.is !== "done") return outcomeOf(put);
        return done({ copy, at: clock.now(), fingerprints: fingerprint(values), wrote: true });
      },
    })),
  ],
  [
    "believes a read although it was told not to",
    "write: regardless of what is read, it is sent",
    store((right) => ({ write: (values) => right.write(values) })),
  ],
  [
    "sends a write again when its reply is lost",
    "write: what has an effect is sent once",
    store((right, { client }) => ({
      async write(values) {
        const first = await right.write(values);
        if (first.is !== "unknown") return first;
        const again = await client.put(values);
        return again.is === "done" ? right.write(values) : outcomeOf(again);
      },
    })),
  ],
  [
    "swallows an unknown write as done",
    "write: without a reply nothing is claimed",
    store((right, { clock, copy, fingerprint }) => ({
      async write(values) {
        const ended = await right.write(values);
        if (ended.is !== "unknown") return ended;
        return done({ copy, at: clock.now(), fingerprints: fingerprint(values), wrote: true });
      },
    })),
  ],
  [
    "proves what it wrote without looking",
    "prove: what somebody else wrote since is not proved",
    store((_, { clock }) => ({
      prove: async () => ({ is: "proved", at: clock.now(), says: "it was accepted" }),
    })),
  ],
  [
    "proves a write that was only accepted",
    "prove: what the vendor only pretended to write is not proved",
    store((_, { clock }) => ({
      prove: async () => ({ is: "proved", at: clock.now(), says: "it was accepted" }),
    })),
  ],
  [
    "does not say which place it looked at",
    "observe: names the place by its immutable id",
    store((right) => ({
      async observe() {
        const seen = await right.observe();
        if (seen.is !== "done") return seen;
        const { targetId: _, ...rest } = seen.value;
        const bare: Observation = rest;
        return done(bare);
      },
    })),
  ],
  [
    "takes a look that failed for an empty place",
    "observe: a 500 is neither yes nor no",
    store((right, { clock }) => ({
      async observe() {
        const seen = await right.observe();
        return seen.is === "done" ? seen : done({ at: clock.now(), present: false });
      },
    })),
  ],
  [
    "puts the value into an error",
    "no value leaves: not in an outcome, a trouble, an error or a record of calls",
    store((right) => ({
      async write(values) {
        const ended = await right.write(values);
        const text = values["secret"]?.reveal();
        return ended.is === "unknown"
          ? unknown({ ...ended.trouble, because: `it may hold ${text} now` })
          : ended;
      },
    })),
  ],
  [
    "tells its proof in the value's own characters",
    "no value leaves: not in an outcome, a trouble, an error or a record of calls",
    store((right) => ({
      async prove(receipt, values) {
        const proof = await right.prove(receipt, values);
        const hex = Buffer.from(values["secret"]?.reveal() ?? "").toString("hex");
        return proof.is === "proved" ? { ...proof, says: `it reads back ${hex}` } : proof;
      },
    })),
  ],
  [
    "declares more calls than it makes",
    "costs: each operation takes as many calls as are declared",
    store(() => ({}), { costs: { ...acmeSlot.costs, write: () => 3 } }),
  ],
  [
    "gives a receipt of another value",
    "write: puts every field, and its receipt is true",
    store((right) => ({
      async write(values) {
        const seen = await right.observe();
        const ended = await right.write(values);
        if (ended.is !== "done" || seen.is !== "done") return ended;
        return done({ ...ended.value, fingerprints: seen.value.fingerprints ?? {} });
      },
    })),
  ],
  [
    "knows no deadline",
    "write: silence ends at the deadline, and nothing is claimed",
    testStore(acmeSlot, {
      ...acmeSlots,
      endlessMs: 500,
      vendor: { ...acme, connect: (options) => acmeClient({ ...options, deadlineMs: 2_000_000 }) },
    }),
  ],
];

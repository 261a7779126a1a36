import { AsyncLocalStorage } from "node:async_hooks";
import { type AdapterDeps, done, type Issuer, type Sighting } from "../../adapter.ts";
import type { IssuerDefinition } from "../../core/adapter.ts";
import type { Case } from "../suites.ts";
import { testIssuer } from "../suites.ts";
import { type AcmeClient, acme, acmeClient, acmeDialect } from "./acme-client.ts";
import { acmeKeys } from "./acme-harness.ts";
import { acmeKey } from "./acme-issuer.ts";

/** An adapter that is wrong on purpose: how, the case that must find it, and all cases of its suite. */
export type Wrong = readonly [how: string, found: string, cases: readonly Case[]];

/** Runs outside of the run's step, where nobody asks whose run it is. */
const outside = AsyncLocalStorage.snapshot();

type Deps = AdapterDeps<AcmeClient>;

function issuer(
  change: (right: Issuer, deps: Deps) => Partial<Issuer>,
  more: Partial<IssuerDefinition<{ account: string }, AcmeClient>> = {},
): readonly Case[] {
  return testIssuer(
    {
      ...acmeKey,
      ...more,
      connect(config, deps) {
        const right = acmeKey.connect(config, deps);
        return { ...right, ...change(right, deps) };
      },
    },
    acmeKeys,
  );
}

function client(make: typeof acme.connect): readonly Case[] {
  // Whoever knows no deadline need not be waited for as long as others.
  return testIssuer(acmeKey, { ...acmeKeys, endlessMs: 500, vendor: { ...acme, connect: make } });
}

/** A liveness of two values: whatever is not alive is called dead. */
function twoValued(seen: Sighting): Sighting {
  return seen.is === "alive" ? seen : { ...seen, is: "dead" };
}

/** Issuers, each wrong in one way. */
export const WRONG_ISSUERS: readonly Wrong[] = [
  [
    "mints twice",
    "mint: creates exactly one credential, which lives",
    issuer((right) => ({
      async mint(intent) {
        await right.mint({ ...intent, tag: "spare" });
        return right.mint(intent);
      },
    })),
  ],
  [
    "sends a create again when its reply is lost",
    "mint: what has an effect is sent once",
    issuer((right) => ({
      async mint(intent) {
        const first = await right.mint(intent);
        return first.is === "unknown" ? right.mint(intent) : first;
      },
    })),
  ],
  [
    "calls a lost mint refused",
    "mint: without a reply nothing is claimed",
    issuer((right) => ({
      async mint(intent) {
        const made = await right.mint(intent);
        return made.is === "unknown" ? { ...made, is: "refused" } : made;
      },
    })),
  ],
  [
    "calls a lost mint something that did not happen",
    "mint: silence ends at the deadline, and nothing is claimed",
    issuer((right) => ({
      async mint(intent) {
        const made = await right.mint(intent);
        return made.is === "unknown" ? { ...made, is: "retryable" } : made;
      },
    })),
  ],
  [
    "swallows an unknown end as done",
    "end: without a reply nothing is claimed",
    issuer((right) => ({
      async end(id) {
        const ended = await right.end(id);
        return ended.is === "unknown" ? done(undefined) : ended;
      },
    })),
  ],
  [
    "ends by the beginning of an id",
    "end: a part of an id, or something added to one, ends nothing",
    issuer((right) => ({
      async end(id) {
        const all = await right.list();
        const found = all.is === "done" ? all.value.findLast((one) => one.id.startsWith(id)) : undefined;
        return right.end(found?.id ?? id);
      },
    })),
  ],
  [
    "refuses to end what is gone",
    "end: ends exactly that id, and is done when it is called again",
    issuer((_, deps) => ({
      async end(id) {
        const ended = await deps.client.end(id);
        return ended.is === "done" ? done(undefined) : { is: ended.is, trouble: ended.trouble };
      },
    })),
  ],
  [
    "knows two values of liveness",
    "probe: without a reply nothing is claimed",
    issuer((right) => ({ probe: async (values) => twoValued(await right.probe(values)) })),
  ],
  [
    "takes a proxy's 401 for the vendor's",
    "introspect: a foreign or cut reply is not believed",
    client((options) =>
      acmeClient(options, { ...acmeDialect, error: () => ({ id: "bad-key", text: "" }), isOwn: () => true }),
    ),
  ],
  [
    "takes a missing right for a dead credential",
    "introspect: the vendor's own refusal is told as one, and nothing has happened",
    client((options) =>
      acmeClient(options, {
        ...acmeDialect,
        refusal: (reply, error) =>
          reply.status === 403 ? { as: "credential" } : acmeDialect.refusal(reply, error),
      }),
    ),
  ],
  [
    "concludes absence from a list that it did not get",
    "isListed: a 500 is neither yes nor no",
    issuer((right) => ({ isListed: async (id) => twoValued(await right.isListed(id)) })),
  ],
  [
    "believes a page of HTML",
    "end: a foreign or cut reply is not believed",
    issuer((right) => ({
      async end(id) {
        const ended = await right.end(id);
        return "trouble" in ended && ended.trouble.code === "VENDOR_REPLY_FOREIGN" ? done(undefined) : ended;
      },
    })),
  ],
  [
    "does not follow a 429",
    "mint: a 429 is followed",
    client((options) =>
      acmeClient(options, {
        ...acmeDialect,
        refusal: (reply, error) =>
          reply.status === 429 ? { as: "other" } : acmeDialect.refusal(reply, error),
      }),
    ),
  ],
  [
    "waits for less than Retry-After asks for",
    "list: a 429 is followed",
    client((options) =>
      acmeClient(options, {
        ...acmeDialect,
        refusal: (reply, error) =>
          reply.status === 429 ? { as: "limited", afterMs: 1_000 } : acmeDialect.refusal(reply, error),
      }),
    ),
  ],
  [
    "knows no deadline",
    "introspect: silence ends at the deadline, and nothing is claimed",
    client((options) => acmeClient({ ...options, deadlineMs: 2_000_000 })),
  ],
  [
    "puts the value into an error",
    "no value leaves: not in an outcome, a trouble, an error or a record of calls",
    issuer((right) => ({
      async introspect(values) {
        const found = await right.introspect(values);
        if (found.is === "alive") return found;
        const message = `GET /me failed for ${values["token"]?.reveal()}`;
        return { ...found, trouble: { ...found.trouble, message } };
      },
    })),
  ],
  [
    "throws where it should answer",
    "mint: a 500 is neither yes nor no",
    issuer((right) => ({
      async mint(intent) {
        const made = await right.mint(intent);
        if (made.is === "unknown") throw new Error("mint failed");
        return made;
      },
    })),
  ],
  [
    "finds by a part of the tag",
    "tags: the tag finds what carries it, and nothing else",
    issuer((right) => ({
      async findByTag(tag) {
        const all = await right.list();
        return all.is === "done" ? done(all.value.filter((one) => one.description.includes(tag))) : all;
      },
    })),
  ],
  [
    "claims tags that it does not write",
    "mint: after a lost reply, findByTag tells what was made",
    issuer((right) => ({ mint: (intent) => right.mint({ ...intent, tag: "" }) })),
  ],
  [
    "lists only some of what lives",
    "lists: what lives is listed, and nothing else is",
    issuer((right) => ({
      async list() {
        const all = await right.list();
        return all.is === "done" ? done(all.value.slice(1)) : all;
      },
    })),
  ],
  [
    "names whichever credential the record says",
    "identify: names the value's own credential, and none where it cannot be told",
    issuer((right) => ({
      async identify(values, recorded) {
        const all = await right.list();
        const found = all.is === "done" ? all.value.find(({ id }) => id === recorded?.id) : undefined;
        return found === undefined ? right.identify(values, recorded) : done(found);
      },
    })),
  ],
  [
    "finds any living value valid",
    "validate: proves the new value, and never another",
    issuer((right, { clock }) => ({
      async validate(_credential, values) {
        const found = await right.introspect(values);
        if (found.is === "alive") return { is: "proved", at: clock.now(), says: found.says };
        return { is: "unknown", trouble: found.trouble };
      },
    })),
  ],
  [
    "does not ask the vendor whether a new credential is there",
    "mint: what the vendor only pretended to create is not proved",
    issuer((_, { clock }) => ({
      validate: async () => ({ is: "proved", at: clock.now(), says: "it was just created" }),
    })),
  ],
  [
    "declares fewer calls than it makes",
    "costs: each operation takes as many calls as are declared",
    issuer(() => ({}), { costs: { ...acmeKey.costs, validate: () => 0 } }),
  ],
  [
    "writes without asking whose run it is",
    "mint: nothing is sent for a run that is somebody else's by now",
    issuer((right) => ({ mint: (intent) => outside(() => right.mint(intent)) })),
  ],
  [
    "makes its calls past the budget",
    "every call takes its turn in the budget and is recorded",
    client((options) => {
      const budget = { take: async () => {}, saw: options.budget.saw };
      return acmeClient({ ...options, budget });
    }),
  ],
  [
    "changes something while it looks",
    "looking changes nothing",
    issuer((right) => ({
      async findByTag(tag) {
        const found = await right.findByTag(tag);
        for (const one of found.is === "done" ? found.value.slice(0, 1) : []) await right.end(one.id);
        return found;
      },
    })),
  ],
];

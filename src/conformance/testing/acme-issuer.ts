import { z } from "zod";
import {
  type AdapterDeps,
  type Credential,
  defineIssuer,
  done,
  type Introspection,
  type Issuer,
  type Outcome,
  outcomeOf,
  type Proof,
  refused,
  type Secret,
  type Trouble,
  type Values,
} from "../../adapter.ts";
import type { AcmeClient, AcmeKey } from "./acme-client.ts";

type Deps = AdapterDeps<AcmeClient>;

/** Keys of Acme: old and new work side by side until the old one is ended. */
export const acmeKey = defineIssuer({
  kind: "acme-key",
  vendor: "acme",
  config: z.strictObject({ account: z.string() }),
  capabilities: { overlap: "until-revoked", lists: true, tags: true, identifies: true },
  fields: ["token"],
  describe: ({ account }) => ({ target: "Acme key", account }),
  costs: {
    introspect: 1,
    identify: 1,
    mint: 1,
    findByTag: 1,
    validate: () => 1,
    end: 1,
    isListed: 1,
    probe: 1,
  },
  connect: (config, deps: Deps): Issuer => ({
    introspect: (values) => introspect(deps, values),
    async identify(values, recorded) {
      const me = await deps.client.me(tokenOf(values));
      if (me.is !== "done") return outcomeOf(me);
      const doubt = recorded !== undefined && recorded.id !== me.value.key.id;
      return doubt ? refused(notTheRecorded(me.value.key)) : done(credentialOf(me.value.key));
    },
    async mint({ tag, description }) {
      // The tag is a word of its own at the end: that is how it is found again after a lost reply.
      const made = await deps.client.create(`${description} ${tag}`);
      if (made.is !== "done") return outcomeOf(made);
      const { token, ...key } = made.value.key;
      return done({ credential: credentialOf(key), values: { token } });
    },
    async findByTag(tag) {
      const all = await list(deps);
      if (all.is !== "done") return all;
      return done(all.value.filter(({ description }) => tag !== "" && description.split(" ").at(-1) === tag));
    },
    validate: (credential, values) => validate(config.account, deps, credential, values),
    async end(id) {
      const ended = await deps.client.end(id);
      // Gone already is done, but only where Acme itself says so.
      return ended.is === "done" || ended.said?.status === 404 ? done(undefined) : outcomeOf(ended);
    },
    list: () => list(deps),
    async isListed(id) {
      const all = await list(deps);
      const at = deps.clock.now();
      if (all.is !== "done") return { is: "unknown", at, says: all.trouble.message };
      const there = all.value.some((one) => one.id === id);
      return { is: there ? "alive" : "dead", at, says: `${id} is ${there ? "" : "not "}listed` };
    },
    async probe(values) {
      const found = await introspect(deps, values);
      const says = found.is === "alive" ? found.says : found.trouble.message;
      return { is: found.is, at: deps.clock.now(), says };
    },
  }),
});

async function introspect({ client }: Deps, values: Values): Promise<Introspection> {
  const me = await client.me(tokenOf(values));
  if (me.is === "done")
    return { is: "alive", account: me.value.key.account, federated: false, says: "GET /me answered 200" };
  // Only Acme's own refusal of this very value shows that it is dead; everything else leaves the question open.
  const dead = me.trouble.code === "VENDOR_REFUSED_CREDENTIAL";
  return { is: dead ? "dead" : "unknown", trouble: me.trouble };
}

async function validate(account: string, deps: Deps, { id }: Credential, values: Values): Promise<Proof> {
  const me = await deps.client.me(tokenOf(values));
  if (me.is !== "done") return { is: me.is === "refused" ? "refuted" : "unknown", trouble: me.trouble };
  const { key } = me.value;
  if (key.id !== id || key.account !== account) return { is: "refuted", trouble: notTheRecorded(key) };
  return { is: "proved", at: deps.clock.now(), says: `The new value is ${account}'s key ${id}` };
}

async function list({ client }: Deps): Promise<Outcome<readonly Credential[]>> {
  const all = await client.keys();
  return all.is === "done" ? done(all.value.keys.map(credentialOf)) : outcomeOf(all);
}

function credentialOf({ id, name, account, created }: AcmeKey): Credential {
  return { id, description: name, scopes: [], createdAt: created, account };
}

function tokenOf({ token }: Values): Secret {
  if (token === undefined) throw new TypeError("an Acme key has the field `token`");
  return token;
}

function notTheRecorded({ id, account }: AcmeKey): Trouble {
  return {
    code: "OLD_NOT_IDENTIFIED",
    message: `The value is that of Acme key ${id} of ${account}, not of the one that was asked about`,
    because: "only the value's own key is ever replaced or ended",
    next: "lockstep test <secret>    after you have put the right value into the vault",
  };
}

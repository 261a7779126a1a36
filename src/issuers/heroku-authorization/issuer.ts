import { type AdapterDeps, defineIssuer } from "../../core/adapter.ts";
import type { Credential } from "../../core/credential.ts";
import type { ErrorCode, Trouble } from "../../core/errors.ts";
import type { Introspection, Issuer, Minted, MintIntent, RecordedIdentity } from "../../core/issuer.ts";
import { done, type Outcome, refused, type Sighting } from "../../core/outcome.ts";
import type { Secret, Values } from "../../core/secret-value.ts";
import type { HerokuClient } from "../../vendors/heroku/client.ts";
import type { Authorization } from "../../vendors/heroku/shapes.ts";
import { type Failure, outcomeOf } from "../../vendors/reply.ts";
import { type HerokuAuthorizationConfig, herokuAuthorizationConfig } from "./config.ts";
import { identified, isKnown } from "./identify.ts";
import { isRefused, validated } from "./validate.ts";

type Deps = AdapterDeps<HerokuClient>;

/** `HRKU-` and 60 characters since 2025-04, `HRKU-` and a UUID or a bare UUID before (heroku-github.md A5). */
const TOKEN = "HRKU-[A-Za-z0-9_-]{36,120}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}";

/** As Heroku writes it: in capitals it would be told from no id that the configuration knows, and Heroku might take it all the same. */
const EXACT_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Heroku OAuth authorizations: old and new work side by side until the old is revoked by its id (SOP HK-04 to HK-09). */
export const herokuAuthorization = defineIssuer({
  kind: "heroku-authorization",
  vendor: "heroku",
  config: herokuAuthorizationConfig,
  capabilities: { overlap: "until-revoked", lists: true, tags: true, identifies: true },
  fields: ["token"],
  describe: ({ account, scope, description }) => ({
    target: "Heroku authorization",
    account,
    scope: scope.join(" "),
    convention: description,
    byHand: { lines: wayByHand(account, scope), fields: [{ name: "token", label: "Token", shape: TOKEN }] },
  }),
  costs: {
    introspect: 1,
    identify: 2,
    mint: 1,
    findByTag: 1,
    validate: ({ apps }) => 2 + apps.length,
    end: 1,
    isListed: 1,
    probe: 1,
  },
  connect: (config, deps: Deps): Issuer => ({
    introspect: (values) => introspect(deps, values),
    identify: (values, recorded) => identify(config, deps, values, recorded),
    mint: (intent) => mint(config, deps, intent),
    findByTag: (tag) => findByTag(deps, tag),
    validate: (credential, values) => validated(config, deps, credential, tokenOf(values)),
    end: (id) => end(config, deps, id),
    list: () => list(deps),
    isListed: (id) => isListed(deps, id),
    probe: (values) => probe(deps, values),
  }),
});

async function introspect({ client }: Deps, values: Values): Promise<Introspection> {
  const answer = await client.account(tokenOf(values));
  if (answer.is === "done") {
    const { email, federated, suspended } = answer.value;
    const says = `GET /account answered 200 for ${email}${suspended ? ", which is suspended" : ""}`;
    return { is: "alive", account: email, federated, says };
  }
  // The client gives this code only to Heroku's own 401 `unauthorized`; every other end leaves the question open.
  const dead = answer.trouble.code === "VENDOR_REFUSED_CREDENTIAL";
  return { is: dead ? "dead" : "unknown", trouble: answer.trouble };
}

async function identify(
  config: HerokuAuthorizationConfig,
  { client, clock }: Deps,
  values: Values,
  recorded: RecordedIdentity | undefined,
): Promise<Outcome<Credential>> {
  const value = tokenOf(values);
  const ask = (as?: Secret) => Promise.all([client.authorizations(as), client.authorization("~", as)]);
  let [all, standard] = await ask();
  // A supplied value may be the only living key of its account: then it is asked about with itself.
  if (isRefused(all)) [all, standard] = await ask(value);
  if (all.is !== "done") return outcomeOf(all);
  // An account need not have a default key; any other failure leaves open whether the value is that key.
  if (standard.is !== "done" && !isAbsent(standard) && !isFederated(standard)) return outcomeOf(standard);
  const defaultId = standard.is === "done" ? standard.value.id : undefined;
  const found = identified({
    value,
    recorded,
    entries: all.value,
    defaultId,
    config,
    now: clock.now(),
  });
  return "code" in found ? refused(found) : done(credentialOf(found));
}

async function mint(
  config: HerokuAuthorizationConfig,
  { client, clock }: Deps,
  { tag, description }: MintIntent,
): Promise<Outcome<Minted>> {
  // The tag comes last, as a word of its own: that is how it is found again after a lost reply.
  const text = `${description.replaceAll("{YYYY-MM}", clock.now().slice(0, 7))} ${tag}`;
  // regenerate-tokens was rejected: it replaces the token in place, so that old and new never work side by side.
  const answer = await client.createAuthorization({ scope: config.scope, description: text });
  if (answer.is === "done") {
    const { authorization, token } = answer.value;
    return done({ credential: credentialOf(authorization), values: { token } });
  }
  if (isFederated(answer)) {
    return refused({
      code: "ACCOUNT_FEDERATED",
      message: `Heroku will not create an authorization: ${config.account} signs in by SSO`,
      because: "federated accounts cannot issue authorizations, so nothing was created",
      next: "lockstep rotate <secret> --supplied    or with a service user that is not federated",
    });
  }
  return outcomeOf(answer);
}

async function findByTag({ client }: Deps, tag: string): Promise<Outcome<readonly Credential[]>> {
  const list = await client.authorizations();
  if (list.is !== "done") return outcomeOf(list);
  const ours = list.value.filter(({ description }) => tag !== "" && description.split(" ").at(-1) === tag);
  return done(ours.map(credentialOf));
}

async function end(config: HerokuAuthorizationConfig, { client }: Deps, id: string): Promise<Outcome<void>> {
  // `~` names a key too, and what it names may change between looking and ending.
  if (!EXACT_ID.test(id)) {
    return refused(
      problem(
        "OLD_NOT_IDENTIFIED",
        `"${id.slice(0, 40)}" is not the full id of an authorization`,
        "only an exact id is ever ended",
        "lockstep runs    then lockstep show for the id on record",
      ),
    );
  }
  // Whatever a caller has come to believe: these are not this secret's.
  if (isKnown(config, id)) {
    return refused(
      problem(
        "OLD_NOT_IDENTIFIED",
        `${id.slice(0, 8)} is listed in the configuration as somebody else's`,
        "known authorizations are never ended by a rotation (HK-03)",
        "lockstep runs    says which run it was; heroku authorizations shows what is there",
      ),
    );
  }
  const answer = await client.deleteAuthorization(id);
  if (answer.is === "done") {
    if (answer.value.id === id) return done(undefined);
    return {
      is: "unknown",
      trouble: problem(
        "VENDOR_REPLY_FOREIGN",
        `Heroku answered the end of ${id.slice(0, 8)} with another authorization`,
        "what was ended is not known",
        "lockstep runs    says which run it was; heroku authorizations shows what is there",
      ),
    };
  }
  return isAbsent(answer) ? done(undefined) : outcomeOf(answer);
}

async function list({ client }: Deps): Promise<Outcome<readonly Credential[]>> {
  const all = await client.authorizations();
  return all.is === "done" ? done(all.value.map(credentialOf)) : outcomeOf(all);
}

async function isListed({ client, clock }: Deps, id: string): Promise<Sighting> {
  const list = await client.authorizations();
  const at = clock.now();
  if (list.is !== "done") return { is: "unknown", at, says: list.trouble.message };
  const listed = list.value.some((one) => one.id === id);
  const says = `${id.slice(0, 8)} is ${listed ? "" : "not "}among the ${list.value.length} authorizations listed`;
  return { is: listed ? "alive" : "dead", at, says };
}

async function probe(deps: Deps, values: Values): Promise<Sighting> {
  const found = await introspect(deps, values);
  return {
    is: found.is,
    at: deps.clock.now(),
    says: found.is === "alive" ? found.says : found.trouble.message,
  };
}

/** Heroku's own "there is no such authorization", told from its 404 for anything else. */
function isAbsent(answer: { said?: { status: number; id: string; resource?: string } }): boolean {
  const { said } = answer;
  return said?.status === 404 && said.id === "not_found" && said.resource === "authorization";
}

/** Heroku's refusal of what only accounts without SSO may do (heroku/heroku-mcp-server#109). */
function isFederated({ said }: Partial<Failure>): boolean {
  return said?.status === 403 && /federated/i.test(said.text);
}

/** How a person makes one; scopes are separated by commas on the command line, and the dashboard knows `global` only. */
function wayByHand(account: string, scope: readonly string[]): readonly string[] {
  const page = "https://dashboard.heroku.com/account/applications, Authorizations, Create authorization";
  return [
    `Sign in to Heroku as ${account}; heroku whoami prints who you are. An account that signs in by SSO cannot create one`,
    `heroku authorizations:create -s ${scope.join(",")} -d "{description}"`,
    ...(scope.join() === "global" ? [`Or ${page}: description {description}, and no expiry`] : []),
    "Its token is shown this once: paste it here, and keep it nowhere else",
  ];
}

function credentialOf({ id, description, scope, createdAt, user }: Authorization): Credential {
  return { id, description, scopes: scope, createdAt, account: user ?? "" };
}

function tokenOf(values: Values): Secret {
  const token = values["token"];
  // The configuration's fields are checked when it is loaded, so this is a fault of ours and not of the run.
  if (token === undefined) throw new TypeError("a heroku authorization has the field `token`");
  return token;
}

function problem(code: ErrorCode, message: string, because: string, next: string): Trouble {
  return { code, message, because, next };
}

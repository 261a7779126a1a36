import { z } from "zod";
import { type ConnectionOptions, defineVendor } from "../../core/adapter.ts";
import { Secret, type Values } from "../../core/secret-value.ts";
import type { Instant } from "../../core/time.ts";
import { foreign, withoutAccess } from "../classify.ts";
import { createHttp, dateOf } from "../http.ts";
import { type Answer, type Ask, type Reply, trouble } from "../reply.ts";
import { shaped } from "../shaped.ts";
import {
  type Addon,
  addonsShape,
  dynosShape,
  featureShape,
  formationShape,
  type Processes,
  type ProcessType,
} from "./app-shapes.ts";
import { herokuDialect } from "./dialect.ts";
import { askHealth, type Health } from "./health.ts";
import { fitOf, tells } from "./redaction.ts";
import {
  type Account,
  type App,
  type Authorization,
  accountShape,
  appShape,
  appsShape,
  authorizationShape,
  authorizationsShape,
  type ConfigVars,
  configVarsShape,
  type MintedAuthorization,
  mintedShape,
  type Release,
  releaseShape,
  releasesShape,
} from "./shapes.ts";

/** Heroku's Platform API v3, one method a call (heroku-github.md part A). `as` makes the call with that value instead of Lockstep's access. */
export interface HerokuClient {
  account(as?: Secret): Promise<Answer<Account>>;
  /** All of them, over all pages. */
  authorizations(as?: Secret): Promise<Answer<readonly Authorization[]>>;
  /** By id, or `~` for the account's default API key. */
  authorization(id: string, as?: Secret): Promise<Answer<Authorization>>;
  /** The one authorization that Lockstep's access beyond doubt is, told by its visible characters; undefined where the list does not tell. */
  ownAuthorization(): Promise<Answer<Authorization | undefined>>;
  /** Sent once; the only reply that shows the token. */
  createAuthorization(wanted: {
    readonly scope: readonly string[];
    readonly description: string;
  }): Promise<Answer<MintedAuthorization>>;
  /** Ends it and answers with what was ended. */
  deleteAuthorization(id: string): Promise<Answer<Authorization>>;
  app(app: string, as?: Secret): Promise<Answer<App>>;
  /** Every app that the access can see, over all pages. */
  apps(): Promise<Answer<readonly App[]>>;
  /** Those of these names; all without any, most of which are nobody's secret: wipe them once they were looked at. */
  configVars(app: string, names?: readonly string[]): Promise<Answer<ConfigVars>>;
  /** Sets these in one release; the others stay. Answers with what of them is in force, which during a release phase is the old. */
  patchConfigVars(app: string, changes: Values): Promise<Answer<ConfigVars>>;
  /** The same of one that is no secret, so that what Heroku says of it may be shown. */
  setPlainConfigVar(app: string, name: string, text: string): Promise<Answer<ConfigVars>>;
  /** The newest ones, at most 20, newest first; their end is not the end of all. */
  releases(app: string): Promise<Answer<readonly Release[]>>;
  /** Undefined for an app without releases. */
  latestRelease(app: string): Promise<Answer<Release | undefined>>;
  release(app: string, version: number): Promise<Answer<Release>>;
  /** What that release holds under these names, in force or not; all without any, as {@link configVars}. */
  releaseConfigVars(app: string, version: number, names?: readonly string[]): Promise<Answer<ConfigVars>>;
  /** Those of the formation and one-off ones; those that preboot keeps going are not among them. */
  dynos(app: string): Promise<Answer<Processes>>;
  formation(app: string): Promise<Answer<readonly ProcessType[]>>;
  addons(app: string): Promise<Answer<readonly Addon[]>>;
  /** Whether old web dynos go on for a while beside new ones. */
  preboot(app: string): Promise<Answer<boolean>>;
  /** How an app itself answers; no call to Heroku. */
  health(url: string): Promise<Health>;
}

/** Heroku, for connections that hold a `token`. */
export const heroku = defineVendor({
  name: "heroku",
  defaultUrl: "https://api.heroku.com",
  rate: { capacity: 4_500, perMinute: 75 },
  connection: z.strictObject({ token: z.string().min(1) }),
  connect: herokuClient,
});

/** A call without the parts that every call has. */
type Part = Omit<Ask, "effect" | "hidden"> & { readonly values?: readonly string[] };

type Call = ReturnType<typeof caller>;

const PAGES = 50;
const AUTHORIZATIONS = { method: "GET", route: "/oauth/authorizations" } as const;

/** A client of Heroku by this connection. */
export function herokuClient(options: ConnectionOptions): HerokuClient {
  const call = caller(options);
  const read = async <T>(part: Part, schema: z.ZodType<T>, as?: Secret): Promise<Answer<T>> => {
    const { ask, answer } = await call(part, as);
    return shaped(herokuDialect, ask, answer, schema);
  };
  return {
    ...accountCalls(options, call, read),
    ...appCalls(read),
    ...releaseCalls(read),
    ...processCalls(options, call, read),
    apps: () => all(call, { method: "GET", route: "/apps" }, appsShape),
    addons: (app) => all(call, { method: "GET", route: "/apps/{app}/addons", params: { app } }, addonsShape),
    health: (url) => askHealth(url, options),
  };
}

type Read = <T>(part: Part, schema: z.ZodType<T>, as?: Secret) => Promise<Answer<T>>;

function accountCalls(options: ConnectionOptions, call: Call, read: Read) {
  const route = "/oauth/authorizations/{id}";
  return {
    account: (as) => read({ method: "GET", route: "/account" }, accountShape, as),
    authorizations: (as) => all(call, AUTHORIZATIONS, authorizationsShape, as),
    authorization: (id, as) => read({ method: "GET", route, params: { id } }, authorizationShape, as),
    async ownAuthorization() {
      const access = await accessOf(options);
      if (access.is !== "done") return access;
      const token = access.value;
      const list = await all(call, AUTHORIZATIONS, authorizationsShape, token);
      if (list.is !== "done") return list;
      const fits = list.value.filter(({ shown }) => shown !== undefined && fitOf(token, shown).fits);
      const [own] = fits;
      const told = fits.length === 1 && own?.shown !== undefined && tells(fitOf(token, own.shown));
      return { is: "done", value: told ? own : undefined };
    },
    createAuthorization: ({ scope, description }) =>
      read(
        { method: "POST", route: "/oauth/authorizations", body: { scope, description, expires_in: null } },
        mintedShape,
      ),
    deleteAuthorization: (id) => read({ method: "DELETE", route, params: { id } }, authorizationShape),
  } satisfies Partial<HerokuClient>;
}

function appCalls(read: Read) {
  const route = "/apps/{app}/config-vars";
  return {
    app: (app, as) => read({ method: "GET", route: "/apps/{app}", params: { app } }, appShape, as),
    configVars: async (app, names) =>
      wrapped(await read({ method: "GET", route, params: { app } }, configVarsShape), names),
    async patchConfigVars(app, changes) {
      const body = Object.fromEntries(Object.entries(changes).map(([name, value]) => [name, value.reveal()]));
      const part = { method: "PATCH", route, params: { app }, body } as const;
      return wrapped(
        await read({ ...part, values: Object.values(body) }, configVarsShape),
        Object.keys(body),
      );
    },
    setPlainConfigVar: async (app, name, text) =>
      wrapped(
        await read({ method: "PATCH", route, params: { app }, body: { [name]: text } }, configVarsShape),
        [name],
      ),
    async preboot(app) {
      const feature = "/apps/{app}/features/preboot";
      const found = await read({ method: "GET", route: feature, params: { app } }, featureShape);
      if (found.is === "done") return { is: "done", value: found.value.enabled };
      // Not every kind of app has the feature.
      const { said } = found;
      return said?.status === 404 && said.resource === "feature" ? { is: "done", value: false } : found;
    },
  } satisfies Partial<HerokuClient>;
}

/** Values from here on, and only what was asked for: a value in memory is taken out of every text, and ordinary words stand in many. */
function wrapped(
  answer: Answer<Readonly<Record<string, string>>>,
  names?: readonly string[],
): Answer<ConfigVars> {
  if (answer.is !== "done") return answer;
  const asked = Object.entries(answer.value).filter(([name]) => names?.includes(name) ?? true);
  return { is: "done", value: Object.fromEntries(asked.map(([name, text]) => [name, Secret.of(text)])) };
}

function releaseCalls(read: Read) {
  const newest = (app: string, max: number): Promise<Answer<Release[]>> => {
    const headers = { range: `version ..; order=desc,max=${max}` };
    return read({ method: "GET", route: "/apps/{app}/releases", params: { app }, headers }, releasesShape);
  };
  const one = (route: string, app: string, version: number) =>
    ({ method: "GET", route, params: { app, version: String(version) } }) as const;
  return {
    releases: (app) => newest(app, 20),
    async latestRelease(app) {
      const found = await newest(app, 1);
      return found.is === "done" ? { is: "done", value: found.value[0] } : found;
    },
    release: (app, version) => read(one("/apps/{app}/releases/{version}", app, version), releaseShape),
    releaseConfigVars: async (app, version, names) =>
      wrapped(
        await read(one("/apps/{app}/releases/{version}/config-vars", app, version), configVarsShape),
        names,
      ),
  } satisfies Partial<HerokuClient>;
}

function processCalls(options: ConnectionOptions, call: Call, read: Read) {
  return {
    async dynos(app) {
      let at: Instant | undefined;
      const part = { method: "GET", route: "/apps/{app}/dynos", params: { app } } as const;
      const dynos = await all(call, part, dynosShape, undefined, ({ headers }) => {
        at ??= dateOf(headers);
      });
      return dynos.is === "done"
        ? { is: "done", value: { at: at ?? options.clock.now(), dynos: dynos.value } }
        : dynos;
    },
    formation: (app) =>
      read({ method: "GET", route: "/apps/{app}/formation", params: { app } }, formationShape),
  } satisfies Partial<HerokuClient>;
}

/** A list over all its pages. One that announces more than it can name, or never ends, is no list to conclude absence from. */
async function all<T>(
  call: Call,
  part: Part,
  list: z.ZodType<readonly T[]>,
  as?: Secret,
  seen?: (reply: Reply) => void,
): Promise<Answer<readonly T[]>> {
  const found: T[] = [];
  let range: string | null = "id ..; max=1000";
  for (let page = 0; range !== null; page += 1) {
    const { ask, answer } = await call({ ...part, headers: { range } }, as);
    const items = shaped(herokuDialect, ask, answer, list);
    if (items.is !== "done" || answer.is !== "done") return items;
    seen?.(answer.value);
    found.push(...items.value);
    const next: string | null = answer.value.headers.get("next-range");
    const partial = answer.value.status === 206;
    if ((partial && next === null) || next === range || page >= PAGES)
      return foreign(herokuDialect, ask, 206);
    range = next;
  }
  return { is: "done", value: found };
}

// The outer function of a call: access, standing headers, what must never come back in a message.
function caller(options: ConnectionOptions) {
  const http = createHttp(herokuDialect, options);
  return async (part: Part, as?: Secret): Promise<{ ask: Ask; answer: Answer<Reply> }> => {
    const { values = [], ...rest } = part;
    const bare: Ask = { ...rest, effect: part.method === "GET" ? "read" : "write", hidden: values };
    const access: Answer<Secret> = as === undefined ? await accessOf(options) : { is: "done", value: as };
    if (access.is !== "done") return { ask: bare, answer: access };
    const token = access.value.reveal();
    const headers = {
      accept: "application/vnd.heroku+json; version=3",
      "user-agent": "lockstep",
      authorization: `Bearer ${token}`,
      ...part.headers,
    };
    const ask: Ask = { ...bare, headers, hidden: [token, ...values] };
    return { ask, answer: await http(ask) };
  };
}

async function accessOf(options: ConnectionOptions): Promise<Answer<Secret>> {
  try {
    const { token } = await options.credential();
    return token === undefined ? noToken() : { is: "done", value: token };
  } catch (thrown) {
    return withoutAccess(thrown);
  }
}

function noToken(): Answer<never> {
  return {
    is: "refused",
    trouble: trouble(
      "CREDENTIAL_MISSING",
      "The Heroku connection has no field `token`",
      "no call can be made without it",
      "lockstep doctor    after you have said in the configuration where the connection's token comes from",
    ),
  };
}

import { z } from "zod";
import { type ConnectionOptions, defineVendor } from "../../core/adapter.ts";
import { troubleOf } from "../../core/errors.ts";
import type { Secret, Values } from "../../core/secret-value.ts";
import { foreign } from "../classify.ts";
import { createHttp } from "../http.ts";
import { type Answer, type Ask, type Reply, trouble } from "../reply.ts";
import { shaped } from "../shaped.ts";
import { herokuDialect } from "./dialect.ts";
import {
  type Account,
  type App,
  type Authorization,
  accountShape,
  appShape,
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
  authorizations(): Promise<Answer<readonly Authorization[]>>;
  /** By id, or `~` for the account's default API key. */
  authorization(id: string): Promise<Answer<Authorization>>;
  /** Sent once; the only reply that shows the token. */
  createAuthorization(wanted: {
    readonly scope: readonly string[];
    readonly description: string;
  }): Promise<Answer<MintedAuthorization>>;
  /** Ends it and answers with what was ended. */
  deleteAuthorization(id: string): Promise<Answer<Authorization>>;
  app(app: string, as?: Secret): Promise<Answer<App>>;
  configVars(app: string): Promise<Answer<ConfigVars>>;
  /** Sets these in one release; the others stay. Answers with all that are in force, which during a release phase are the old ones. */
  patchConfigVars(app: string, changes: Values): Promise<Answer<ConfigVars>>;
  /** Undefined for an app without releases. */
  latestRelease(app: string): Promise<Answer<Release | undefined>>;
  release(app: string, version: number): Promise<Answer<Release>>;
  /** What that release holds, in force or not. */
  releaseConfigVars(app: string, version: number): Promise<Answer<ConfigVars>>;
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

const PAGES = 50;

/** A client of Heroku by this connection. */
export function herokuClient(options: ConnectionOptions): HerokuClient {
  const call = caller(options);

  async function read<T>(part: Part, schema: z.ZodType<T>, as?: Secret): Promise<Answer<T>> {
    const { ask, answer } = await call(part, as);
    return shaped(herokuDialect, ask, answer, schema);
  }

  return {
    account: (as) => read({ method: "GET", route: "/account" }, accountShape, as),
    authorizations: () => allAuthorizations(call),
    authorization: (id) =>
      read({ method: "GET", route: "/oauth/authorizations/{id}", params: { id } }, authorizationShape),
    createAuthorization: ({ scope, description }) =>
      read(
        { method: "POST", route: "/oauth/authorizations", body: { scope, description, expires_in: null } },
        mintedShape,
      ),
    deleteAuthorization: (id) =>
      read({ method: "DELETE", route: "/oauth/authorizations/{id}", params: { id } }, authorizationShape),
    app: (app, as) => read({ method: "GET", route: "/apps/{app}", params: { app } }, appShape, as),
    configVars: (app) =>
      read({ method: "GET", route: "/apps/{app}/config-vars", params: { app } }, configVarsShape),
    patchConfigVars(app, changes) {
      const body = Object.fromEntries(Object.entries(changes).map(([name, value]) => [name, value.reveal()]));
      const part = { method: "PATCH", route: "/apps/{app}/config-vars", params: { app }, body } as const;
      return read({ ...part, values: Object.values(body) }, configVarsShape);
    },
    async latestRelease(app) {
      const headers = { range: "version ..; order=desc,max=1" };
      const found = await read(
        { method: "GET", route: "/apps/{app}/releases", params: { app }, headers },
        releasesShape,
      );
      return found.is === "done" ? { is: "done", value: found.value[0] } : found;
    },
    release: (app, version) =>
      read(
        { method: "GET", route: "/apps/{app}/releases/{version}", params: { app, version: String(version) } },
        releaseShape,
      ),
    releaseConfigVars: (app, version) =>
      read(
        {
          method: "GET",
          route: "/apps/{app}/releases/{version}/config-vars",
          params: { app, version: String(version) },
        },
        configVarsShape,
      ),
  };
}

// A list that announces more than it can name, or never ends, is no list to conclude absence from.
async function allAuthorizations(call: ReturnType<typeof caller>): Promise<Answer<readonly Authorization[]>> {
  const all: Authorization[] = [];
  let range: string | null = "id ..; max=1000";
  for (let page = 0; range !== null; page += 1) {
    const { ask, answer } = await call({
      method: "GET",
      route: "/oauth/authorizations",
      headers: { range },
    });
    const items = shaped(herokuDialect, ask, answer, authorizationsShape);
    if (items.is !== "done" || answer.is !== "done") return items;
    all.push(...items.value);
    const next: string | null = answer.value.headers.get("next-range");
    const partial = answer.value.status === 206;
    if ((partial && next === null) || next === range || page >= PAGES)
      return foreign(herokuDialect, ask, 206);
    range = next;
  }
  return { is: "done", value: all };
}

// The outer function of a call: access, standing headers, what must never come back in a message.
function caller(options: ConnectionOptions) {
  const http = createHttp(herokuDialect, options);
  return async (part: Part, as?: Secret): Promise<{ ask: Ask; answer: Answer<Reply> }> => {
    const { values = [], ...rest } = part;
    const bare: Ask = { ...rest, effect: part.method === "GET" ? "read" : "write", hidden: values };
    let token: string | undefined;
    try {
      token = (as ?? (await options.credential())["token"])?.reveal();
    } catch (thrown) {
      return { ask: bare, answer: { is: "refused", trouble: troubleOf(thrown) } };
    }
    if (token === undefined) return { ask: bare, answer: noToken() };
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

function noToken(): Answer<never> {
  return {
    is: "refused",
    trouble: trouble(
      "CREDENTIAL_MISSING",
      "The Heroku connection has no field `token`",
      "no call can be made without it",
      "Say in the configuration where the connection's token comes from",
    ),
  };
}

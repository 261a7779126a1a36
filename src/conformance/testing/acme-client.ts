import { z } from "zod";
import {
  type Answer,
  type Ask,
  type ConnectionOptions,
  createHttp,
  type Dialect,
  defineVendor,
  moment,
  plainText,
  retryAfterMs,
  type Secret,
  secretText,
  shaped,
  type Values,
} from "../../adapter.ts";

/** How Acme speaks: its own replies carry `acme-request`, its errors are `{acme, says}`. */
export const acmeDialect: Dialect = {
  vendor: "acme",
  label: "Acme",
  requestId: ({ headers }) => headers.get("acme-request") ?? undefined,
  isOwn: ({ headers }) => headers.has("acme-request"),
  error({ headers, body }) {
    const read = z.object({ acme: z.string(), says: z.string() }).safeParse(body);
    if (!headers.has("acme-request") || !read.success) return undefined;
    return { id: read.data.acme, text: read.data.says };
  },
  refusal({ status, headers, now }, { id }) {
    if (status === 429) return { as: "limited", afterMs: retryAfterMs(headers, now) ?? 10_000 };
    if (status === 401 && id === "bad-key") return { as: "credential" };
    if (status === 403) return { as: "permission" };
    return { as: status === 404 ? "missing" : "other" };
  },
  limits: ({ status, headers, now }) =>
    status === 429
      ? { blockedUntil: new Date(Date.parse(now) + (retryAfterMs(headers, now) ?? 10_000)).toISOString() }
      : {},
};

const key = z.object({ id: z.string(), name: plainText, account: plainText, created: moment });
const lever = z.object({ id: z.string(), stands: plainText, note: secretText });
const gate = z.object({ seen: plainText, note: secretText });
const slot = z.object({ id: z.string(), version: z.int(), fields: z.record(z.string(), secretText) });

/** Acme's API, one method a call. */
export function acmeClient(options: ConnectionOptions, dialect: Dialect = acmeDialect) {
  const http = createHttp(dialect, options);
  async function call<T>(
    part: Pick<Ask, "method" | "route" | "params" | "body">,
    shape: z.ZodType<T>,
    carried: Values = {},
    as?: Secret,
  ): Promise<Answer<T>> {
    const token = (as ?? (await options.credential())["token"])?.reveal() ?? "";
    const hidden = [token, ...Object.values(carried).map((value) => value.reveal())];
    const headers = { authorization: `Bearer ${token}` };
    const ask: Ask = { ...part, headers, hidden, effect: part.method === "GET" ? "read" : "write" };
    return shaped(dialect, ask, await http(ask), shape);
  }
  const plain = (values: Values) =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, value.reveal()]));
  return {
    me: (as?: Secret) => call({ method: "GET", route: "/me" }, z.object({ key }), {}, as),
    keys: () => call({ method: "GET", route: "/keys" }, z.object({ keys: z.array(key) })),
    create: (name: string) =>
      call(
        { method: "POST", route: "/keys", body: { name } },
        z.object({ key: key.extend({ token: secretText }) }),
      ),
    end: (id: string) =>
      call({ method: "DELETE", route: "/keys/{id}", params: { id } }, z.object({ ended: z.string() })),
    lever: () => call({ method: "GET", route: "/switch" }, lever),
    turn: (stands: string) => call({ method: "PUT", route: "/switch", body: { stands } }, lever),
    gate: () => call({ method: "GET", route: "/gate" }, gate),
    slot: () => call({ method: "GET", route: "/slot" }, slot),
    put: (values: Values) =>
      call({ method: "PUT", route: "/slot", body: { fields: plain(values) } }, slot, values),
    putField: (field: string, value: Secret) =>
      call(
        {
          method: "PUT",
          route: "/slot/{field}",
          params: { field },
          body: { fields: plain({ [field]: value }) },
        },
        slot,
        { value },
      ),
  };
}

/** A key as Acme shows it. */
export type AcmeKey = z.infer<typeof key>;

/** The client of Acme. */
export type AcmeClient = ReturnType<typeof acmeClient>;

/** Acme, for connections that hold a `token`. */
export const acme = defineVendor({
  name: "acme",
  defaultUrl: "https://api.acme.example",
  connection: z.strictObject({ token: z.string().min(1) }),
  connect: (options) => acmeClient(options),
});

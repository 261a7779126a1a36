import { z } from "zod";
import { type ConnectionOptions, defineVendor } from "../../core/adapter.ts";
import type { Secret } from "../../core/secret-value.ts";
import type { Instant } from "../../core/time.ts";
import { createHttp } from "../http.ts";
import type { Answer, Ask, Failure, Reply } from "../reply.ts";
import { moment, plainText, secretText, shaped } from "../shaped.ts";
import { infisicalDialect } from "./dialect.ts";
import { createLogin } from "./login.ts";

/** A folder of an environment of a project. The path starts with a slash and ends without one, but for `/`. */
export interface Place {
  readonly project: string;
  readonly environment: string;
  readonly path: string;
}

/** A secret as a read shows it. */
export interface VaultSecret {
  readonly value: Secret;
  /** 1, then one more with every write. */
  readonly version: number;
  readonly updatedAt: Instant | undefined;
  readonly project: string | undefined;
  readonly environment: string;
  /** Only the current generation says it. */
  readonly path: string | undefined;
  /** The identity may see that the secret is there, but not its value. */
  readonly hidden: boolean;
  /** Infisical's own rotation writes it. */
  readonly rotated: boolean;
}

/** What a write answers: the version that it made, or the change request that it became (infisical.md, Approvals). */
type Written =
  | { readonly is: "written"; readonly version: number }
  | { readonly is: "awaits-approval"; readonly approval: string };

/** Infisical's secrets, one method a call; logs in by itself and speaks v4, or v3 where the server has no v4 (infisical.md). */
export interface InfisicalClient {
  /** Unexpanded and, unless asked for, without imports. A 404 has many reasons: see {@link missingIn}. */
  secret(place: Place, key: string, imports?: "with imports"): Promise<Answer<VaultSecret>>;
  createSecret(place: Place, key: string, value: Secret): Promise<Answer<Written>>;
  updateSecret(place: Place, key: string, value: Secret): Promise<Answer<Written>>;
  /** Makes the folder and those above it; one that is there stays. Nothing is sent for `/`. */
  createFolder(place: Place): Promise<Answer<void>>;
}

/** Infisical, for connections that hold the universal-auth fields `clientId` and `clientSecret`. */
export const infisical = defineVendor({
  name: "infisical",
  defaultUrl: "https://app.infisical.com",
  rate: { capacity: 120, perMinute: 120 },
  connection: z.strictObject({ clientId: z.string().min(1), clientSecret: z.string().min(1) }),
  connect: infisicalClient,
});

type Part = Omit<Ask, "effect" | "hidden"> & { readonly value?: Secret };
/** The same call in the current and in the older dialect. */
interface Dialects {
  readonly current: Part;
  readonly older: Part;
}

/** A client of Infisical by this connection. */
export function infisicalClient(options: ConnectionOptions): InfisicalClient {
  const either = caller(options);

  const write = (method: "POST" | "PATCH", place: Place, key: string, value: Secret) => {
    const body = { environment: place.environment, secretPath: place.path, secretValue: value.reveal() };
    const params = { name: key };
    const current = { method, route: V4, params, body: { projectId: place.project, ...body }, value };
    const before = { method, route: V3, params, body: { workspaceId: place.project, ...body }, value };
    return either("secrets", { current, older: before }, writtenShape);
  };

  return {
    secret(place, key, imports) {
      const query = readQuery(place, imports !== undefined);
      const params = { name: key };
      const current = {
        method: "GET",
        route: V4,
        params,
        query: { projectId: place.project, ...query },
      } as const;
      const before = {
        method: "GET",
        route: V3,
        params,
        query: { workspaceId: place.project, ...query },
      } as const;
      return either("secrets", { current, older: before }, secretShape);
    },
    createSecret: (place, key, value) => write("POST", place, key, value),
    updateSecret: (place, key, value) => write("PATCH", place, key, value),
    async createFolder({ project, environment, path }) {
      const cut = path.lastIndexOf("/");
      const name = path.slice(cut + 1);
      if (name === "") return { is: "done", value: undefined };
      const body = { environment, name, path: path.slice(0, cut) || "/" };
      const current = {
        method: "POST",
        route: "/api/v2/folders",
        body: { projectId: project, ...body },
      } as const;
      const before = {
        method: "POST",
        route: "/api/v1/folders",
        body: { workspaceId: project, ...body },
      } as const;
      return either("folders", { current, older: before }, folderShape);
    },
  };
}

/** Makes a call with a login, in the dialect that this server speaks. */
function caller(options: ConnectionOptions) {
  const http = createHttp(infisicalDialect, options);
  const login = createLogin(http, options);
  /** Families of routes that this server turned out to have only in the older dialect. */
  const older = new Set<"secrets" | "folders">();

  async function send(part: Part, token: Secret): Promise<{ ask: Ask; answer: Answer<Reply> }> {
    const { value, ...rest } = part;
    const text = token.reveal();
    const headers = { "user-agent": "lockstep", authorization: `Bearer ${text}` };
    const hidden = value === undefined ? [text] : [text, value.reveal()];
    const ask: Ask = { ...rest, headers, effect: part.method === "GET" ? "read" : "write", hidden };
    return { ask, answer: await http(ask) };
  }

  // A refused token is replaced once. It was refused before anything was looked at, so a write may be sent again too.
  async function call<T>(part: Part, schema: z.ZodType<T>): Promise<Answer<T>> {
    const token = await login.token();
    if (token.is !== "done") return token;
    let sent = await send(part, token.value);
    if (sent.answer.is === "refused" && sent.answer.trouble.code === "VENDOR_REFUSED_CREDENTIAL") {
      const fresh = await login.token(token.value);
      if (fresh.is !== "done") return fresh;
      sent = await send(part, fresh.value);
    }
    return shaped(infisicalDialect, sent.ask, sent.answer, schema);
  }

  return async function either<T>(
    family: "secrets" | "folders",
    parts: Dialects,
    schema: z.ZodType<T>,
  ): Promise<Answer<T>> {
    if (!older.has(family)) {
      const answer = await call(parts.current, schema);
      if (!isRouteMissing(answer)) return answer;
      const second = await call(parts.older, schema);
      // Remembered only once the older routes have answered: a proxy's odd minute must not fix the dialect.
      const answered = second.is === "done" || second.said !== undefined;
      if (answered && !isRouteMissing(second)) older.add(family);
      return second;
    }
    return call(parts.older, schema);
  };
}

const V4 = "/api/v4/secrets/{name}";
const V3 = "/api/v3/secrets/raw/{name}";

// Every switch explicitly: their defaults differ between versions, SDK and documentation (infisical.md 2).
function readQuery({ environment, path }: Place, imports: boolean): Record<string, string> {
  const include = String(imports);
  const shown = { viewSecretValue: "true", expandSecretReferences: "false", type: "shared" };
  return { environment, secretPath: path, ...shown, include_imports: include, includeImports: include };
}

const secretShape: z.ZodType<VaultSecret> = z
  .object({
    secret: z.object({
      secretValue: secretText,
      version: z.int(),
      updatedAt: moment.optional(),
      workspace: plainText.optional(),
      environment: plainText,
      secretPath: plainText.optional(),
      secretValueHidden: z.boolean().optional(),
      isRotatedSecret: z.boolean().optional(),
    }),
  })
  .transform(({ secret }) => ({
    value: secret.secretValue,
    version: secret.version,
    updatedAt: secret.updatedAt,
    project: secret.workspace,
    environment: secret.environment,
    path: secret.secretPath,
    hidden: secret.secretValueHidden === true,
    rotated: secret.isRotatedSecret === true,
  }));

const writtenShape: z.ZodType<Written> = z.union([
  z
    .object({ approval: z.object({ id: plainText }) })
    .transform(({ approval }): Written => ({ is: "awaits-approval", approval: approval.id })),
  z
    .object({ secret: z.object({ version: z.int() }) })
    .transform(({ secret }): Written => ({ is: "written", version: secret.version })),
]);

const folderShape: z.ZodType<void> = z
  .object({ folder: z.object({ id: z.string() }) })
  .transform(() => undefined);

function isRouteMissing(answer: Answer<unknown>): boolean {
  if (answer.is === "done" || answer.said?.status !== 404) return false;
  // The message goes on with the whole query, so that its end may have been cut off.
  return answer.said.id === "Not Found" && /^Route [A-Z]+:/.test(answer.said.text);
}

/** What a 404 of Infisical says is missing, by its words: the status alone cannot tell (infisical.md, Errors). */
export function missingIn(failure: Failure): "secret" | "folder" | "something else" | undefined {
  if (failure.said?.status !== 404) return undefined;
  if (/^Secret with name /.test(failure.said.text)) return "secret";
  // The same words for a wrong environment; making the folder tells them apart.
  if (/^Folder with path /.test(failure.said.text)) return "folder";
  return "something else";
}

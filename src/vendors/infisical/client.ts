import { z } from "zod";
import { type ConnectionOptions, defineVendor } from "../../core/adapter.ts";
import type { Secret } from "../../core/secret-value.ts";
import type { Answer, Failure } from "../reply.ts";
import { createCaller } from "./caller.ts";
import { type Requests, requests } from "./requests.ts";
import { type RightsReader, rightsReader } from "./rights.ts";
import {
  CLAIMS,
  type Claim,
  claimShape,
  folderShape,
  type Place,
  secretShape,
  type VaultSecret,
  type Written,
  within,
  writtenShape,
} from "./shapes.ts";
import { type Surroundings, surroundings } from "./surroundings.ts";

/** Infisical's secrets and what lies around them; logs in by itself and speaks v4, or v3 where the server has no v4 (infisical.md). */
export interface InfisicalClient extends Surroundings, Requests, RightsReader {
  /** Unexpanded and, unless asked for, without imports. A 404 has many reasons: see {@link missingIn}. */
  secret(place: Place, key: string, imports?: "with imports"): Promise<Answer<VaultSecret>>;
  createSecret(place: Place, key: string, value: Secret): Promise<Answer<Written>>;
  updateSecret(place: Place, key: string, value: Secret): Promise<Answer<Written>>;
  /** Makes the folder and those above it; one that is there stays. Nothing is sent for `/`. */
  createFolder(place: Place): Promise<Answer<void>>;
  /** Who has claimed this key of this place. A 404 is as with {@link secret}. */
  claim(place: Place, key: string): Promise<Answer<Claim>>;
  /** Claims this key of this place; the folder {@link claimsOf} must be there. */
  putClaim(
    place: Place,
    key: string,
    installation: string,
    over: Claim | undefined,
  ): Promise<Answer<Written>>;
}

/** Infisical, for connections that hold the universal-auth fields `clientId` and `clientSecret`. */
export const infisical = defineVendor({
  name: "infisical",
  defaultUrl: "https://app.infisical.com",
  rate: { capacity: 120, perMinute: 120 },
  signIn: 1,
  connection: z.strictObject({ clientId: z.string().min(1), clientSecret: z.string().min(1) }),
  connect: infisicalClient,
});

/** A client of Infisical by this connection. */
export function infisicalClient(options: ConnectionOptions): InfisicalClient {
  const caller = createCaller(options);
  const { either } = caller;
  const around = surroundings(caller);

  const read = <T>(place: Place, key: string, imports: boolean, schema: z.ZodType<T>) => {
    const query = readQuery(place, imports);
    const asked = { method: "GET", params: { name: key } } as const;
    return either(
      "secrets",
      {
        current: { ...asked, route: V4, query: { projectId: place.project, ...query } },
        older: { ...asked, route: V3, query: { workspaceId: place.project, ...query } },
      },
      schema,
    );
  };

  const write = async (method: "POST" | "PATCH", place: Place, key: string, value: Secret | string) => {
    const text = typeof value === "string" ? value : value.reveal();
    const body = { environment: place.environment, secretPath: place.path, secretValue: text };
    const asked = { method, params: { name: key }, ...(typeof value === "string" ? {} : { value }) } as const;
    return either(
      "secrets",
      {
        current: { ...asked, route: V4, body: { projectId: place.project, ...body } },
        older: { ...asked, route: V3, body: { workspaceId: place.project, ...body } },
      },
      writtenShape,
    );
  };

  return {
    ...around,
    ...rightsReader(caller, around),
    ...requests(caller),
    secret: (place, key, imports) => read(place, key, imports !== undefined, secretShape),
    createSecret: (place, key, value) => write("POST", place, key, value),
    updateSecret: (place, key, value) => write("PATCH", place, key, value),
    claim: (place, key) => read(claimsOf(place), key, false, claimShape),
    putClaim: (place, key, installation, over) =>
      write(over === undefined ? "POST" : "PATCH", claimsOf(place), key, installation),
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

/** The folder in which the claims of a place's keys lie, each under its key's name. */
export function claimsOf(place: Place): Place {
  return { ...place, path: within(place.path, CLAIMS) };
}

const V4 = "/api/v4/secrets/{name}";
const V3 = "/api/v3/secrets/raw/{name}";

// Every switch explicitly: their defaults differ between versions, SDK and documentation (infisical.md 2).
function readQuery({ environment, path }: Place, imports: boolean): Record<string, string> {
  const include = String(imports);
  const shown = { viewSecretValue: "true", expandSecretReferences: "false", type: "shared" };
  return { environment, secretPath: path, ...shown, include_imports: include, includeImports: include };
}

/** What a 404 of Infisical says is missing, by its words: the status alone cannot tell (infisical.md, Errors). */
export function missingIn(failure: Failure): "secret" | "folder" | "something else" | undefined {
  if (failure.said?.status !== 404) return undefined;
  if (/^Secret with name /.test(failure.said.text)) return "secret";
  // The same words for a wrong environment; making the folder tells them apart.
  if (/^Folder with path /.test(failure.said.text)) return "folder";
  return "something else";
}

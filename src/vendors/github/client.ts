import { z } from "zod";
import { type ConnectionOptions, defineVendor } from "../../core/adapter.ts";
import { troubleOf } from "../../core/errors.ts";
import type { Secret } from "../../core/secret-value.ts";
import type { Instant } from "../../core/time.ts";
import { between } from "../../core/time.ts";
import { foreign } from "../classify.ts";
import { createHttp, dateOf } from "../http.ts";
import { type Answer, type Ask, type Failure, type Reply, trouble } from "../reply.ts";
import { moment, plainText, shaped } from "../shaped.ts";
import { githubDialect } from "./dialect.ts";
import { sealedBox } from "./sealed-box.ts";

/** A repository. */
export interface Repository {
  readonly id: number;
  /** `owner/name`, as it is called now. */
  readonly fullName: string;
  readonly archived: boolean;
}

/** What GitHub tells of an Actions secret: never its value. Times are whole seconds. */
interface ActionsSecret {
  readonly name: string;
  readonly updatedAt: Instant;
}

/** The key that a repository's secrets are sealed to. */
interface SealingKey {
  readonly keyId: string;
  /** 32 bytes in base64. */
  readonly key: string;
}

/** An accepted write of a secret. */
interface PutReply {
  readonly created: boolean;
  /** The reply's own `Date`, by the clock that also stamps `updatedAt`; undefined where a proxy removed it. */
  readonly at: Instant | undefined;
}

/** GitHub's REST API, one method a call (heroku-github.md part B). Repositories are `owner/name`. */
export interface GithubClient {
  repository(repository: string): Promise<Answer<Repository>>;
  /** 404 for an absent one, and also for a repository that the token cannot see. */
  secret(repository: string, name: string): Promise<Answer<ActionsSecret>>;
  publicKey(repository: string): Promise<Answer<SealingKey>>;
  /** Seals the value and puts it there. */
  putSecret(repository: string, name: string, key: SealingKey, value: Secret): Promise<Answer<PutReply>>;
}

/** GitHub, for connections that hold a `token`. An Enterprise Server's URL ends with `/api/v3`. */
export const github = defineVendor({
  name: "github",
  defaultUrl: "https://api.github.com",
  rate: { capacity: 5_000, perMinute: 83 },
  connection: z.strictObject({ token: z.string().min(1) }),
  connect: githubClient,
});

type Part = Omit<Ask, "effect" | "hidden"> & { readonly value?: Secret };

/** Several bad attempts make GitHub refuse the user's good tokens too (heroku-github.md B2), so a refused one rests. */
const REST_MS = 5 * 60_000;

/** A client of GitHub by this connection. */
export function githubClient(options: ConnectionOptions): GithubClient {
  const http = createHttp(githubDialect, options);
  let refused: { token: Secret; at: Instant; failure: Failure } | undefined;

  async function call(part: Part): Promise<{ ask: Ask; answer: Answer<Reply> }> {
    const { value, ...rest } = part;
    const bare: Ask = { ...rest, effect: part.method === "GET" ? "read" : "write", hidden: [] };
    let token: Secret | undefined;
    try {
      token = (await options.credential())["token"];
    } catch (thrown) {
      return { ask: bare, answer: { is: "refused", trouble: troubleOf(thrown) } };
    }
    if (token === undefined) return { ask: bare, answer: noToken() };
    const resting = refused !== undefined && between(refused.at, options.clock.now()) < REST_MS;
    if (refused !== undefined && resting && refused.token.equals(token))
      return { ask: bare, answer: refused.failure };
    const text = token.reveal();
    const headers = {
      accept: "application/vnd.github+json",
      "user-agent": "lockstep",
      "x-github-api-version": "2022-11-28",
      authorization: `Bearer ${text}`,
    };
    const hidden = value === undefined ? [text] : [text, value.reveal()];
    const ask: Ask = { ...bare, headers, hidden };
    const answer = await http(ask);
    const isRefused = answer.is === "refused" && answer.trouble.code === "VENDOR_REFUSED_CREDENTIAL";
    refused = isRefused ? { token, at: options.clock.now(), failure: answer } : undefined;
    return { ask, answer };
  }

  async function read<T>(part: Part, schema: z.ZodType<T>): Promise<Answer<T>> {
    const { ask, answer } = await call(part);
    return shaped(githubDialect, ask, answer, schema);
  }

  const secrets = "/repos/{owner}/{repo}/actions/secrets";
  return {
    repository: (repository) =>
      read({ method: "GET", route: "/repos/{owner}/{repo}", params: named(repository) }, repositoryShape),
    secret: (repository, name) =>
      read(
        { method: "GET", route: `${secrets}/{name}`, params: { ...named(repository), name } },
        secretShape,
      ),
    publicKey: (repository) =>
      read({ method: "GET", route: `${secrets}/public-key`, params: named(repository) }, keyShape),
    async putSecret(repository, name, key, value) {
      const params = { ...named(repository), name };
      const body = { encrypted_value: await sealedBox(value, key.key), key_id: key.keyId };
      const { ask, answer } = await call({ method: "PUT", route: `${secrets}/{name}`, params, body, value });
      if (answer.is !== "done") return answer;
      const { status, headers } = answer.value;
      if (status !== 201 && status !== 204) return foreign(githubDialect, ask, status);
      return { is: "done", value: { created: status === 201, at: dateOf(headers) } };
    },
  };
}

const repositoryShape: z.ZodType<Repository> = z
  .object({ id: z.int(), full_name: plainText, archived: z.boolean().optional() })
  .transform(({ id, full_name, archived }) => ({ id, fullName: full_name, archived: archived === true }));

const secretShape: z.ZodType<ActionsSecret> = z
  .object({ name: plainText, updated_at: moment })
  .transform(({ name, updated_at }) => ({ name, updatedAt: updated_at }));

// A key of another length cannot be sealed to, so such a reply is not GitHub's.
const keyShape: z.ZodType<SealingKey> = z
  .object({
    key_id: z.string().min(1),
    key: z.string().refine((key) => Buffer.from(key, "base64").length === 32),
  })
  .transform(({ key_id, key }) => ({ keyId: key_id, key }));

function named(repository: string): { owner: string; repo: string } {
  const [owner = "", repo = ""] = repository.split("/");
  return { owner, repo };
}

function noToken(): Answer<never> {
  return {
    is: "refused",
    trouble: trouble(
      "CREDENTIAL_MISSING",
      "The GitHub connection has no field `token`",
      "no call can be made without it",
      "Say in the configuration where the connection's token comes from",
    ),
  };
}

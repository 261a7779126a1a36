import { z } from "zod";
import { type ConnectionOptions, defineVendor } from "../../core/adapter.ts";
import type { Secret } from "../../core/secret-value.ts";
import type { Instant } from "../../core/time.ts";
import { between } from "../../core/time.ts";
import { foreign, withoutAccess } from "../classify.ts";
import { createHttp, dateOf } from "../http.ts";
import { type Answer, type Ask, type Failure, type Reply, trouble } from "../reply.ts";
import { shaped } from "../shaped.ts";
import { githubDialect } from "./dialect.ts";
import { sealedBox, sealingReady } from "./sealed-box.ts";
import {
  type ActionsSecret,
  dispatchedShape,
  environmentsShape,
  jobsShape,
  keyShape,
  type ListedSecret,
  type Page,
  type Repository,
  repositoriesShape,
  repositoryShape,
  runsShape,
  type SealingKey,
  secretShape,
  secretsShape,
  type Workflow,
  type WorkflowRun,
  workflowShape,
} from "./shapes.ts";

/** An accepted write of a secret. */
interface PutReply {
  readonly created: boolean;
  /** The reply's own `Date`, by the clock that also stamps `updatedAt`; undefined where a proxy removed it. */
  readonly at: Instant | undefined;
}

/** Where, besides in environments, a name may stand that a repository's Actions secret has. */
const ELSEWHERE = {
  /** Actions secrets of the organization that reach the repository. */
  organization: "/repos/{owner}/{repo}/actions/organization-secrets",
  dependabot: "/repos/{owner}/{repo}/dependabot/secrets",
  codespaces: "/repos/{owner}/{repo}/codespaces/secrets",
  "organization dependabot": "/orgs/{owner}/dependabot/secrets",
  "organization codespaces": "/orgs/{owner}/codespaces/secrets",
} as const;

/** A set of secrets beside the repository's own. */
export type Elsewhere = keyof typeof ELSEWHERE;

/** What starts a run of a workflow. */
interface Dispatch {
  /** Branch or tag. */
  readonly ref: string;
  readonly inputs: Readonly<Record<string, string>>;
}

/** GitHub's REST API (heroku-github.md part B). Repositories are `owner/name`, workflows go by their file's name; lists are read to their end. */
export interface GithubClient {
  repository(repository: string): Promise<Answer<Repository>>;
  /** 404 for an absent one, and also for a repository that the token cannot see. */
  secret(repository: string, name: string): Promise<Answer<ActionsSecret>>;
  publicKey(repository: string): Promise<Answer<SealingKey>>;
  /** Seals the value and puts it there. */
  putSecret(repository: string, name: string, key: SealingKey, value: Secret): Promise<Answer<PutReply>>;
  environments(repository: string): Promise<Answer<readonly string[]>>;
  environmentSecrets(repository: string, environment: string): Promise<Answer<readonly ListedSecret[]>>;
  secretsElsewhere(repository: string, where: Elsewhere): Promise<Answer<readonly ListedSecret[]>>;
  /** Numbers of the repositories that an organization's secret of visibility `selected` reaches. */
  audience(repository: string, where: Elsewhere, name: string): Promise<Answer<readonly number[]>>;
  workflow(repository: string, file: string): Promise<Answer<Workflow>>;
  /** Starts a run; `done` once GitHub has accepted it, before any list shows it. */
  dispatch(repository: string, file: string, dispatch: Dispatch): Promise<Answer<void>>;
  /** A workflow's dispatched runs created at that time or later, newest first. */
  dispatchedRuns(repository: string, file: string, since: Instant): Promise<Answer<readonly WorkflowRun[]>>;
  /** The newest 100 runs of that status created at that time or earlier, and how many there are. */
  runsBefore(repository: string, status: string, until: Instant): Promise<Answer<Page<WorkflowRun>>>;
  /** Names of the jobs of a run's last attempt. */
  jobs(repository: string, run: number): Promise<Answer<readonly string[]>>;
}

/** GitHub, for connections that hold a `token`. An Enterprise Server's URL ends with `/api/v3`. */
export const github = defineVendor({
  name: "github",
  defaultUrl: "https://api.github.com",
  rate: { capacity: 5_000, perMinute: 83 },
  connection: z.strictObject({ token: z.string().min(1) }),
  connect: githubClient,
});

type Part = Omit<Ask, "effect" | "hidden" | "query"> & {
  readonly query?: Readonly<Record<string, string>>;
  readonly value?: Secret;
};

/** Several bad attempts make GitHub refuse the user's good tokens too (heroku-github.md B2), so a refused one rests. */
const REST_MS = 5 * 60_000;

const REPOSITORY = "/repos/{owner}/{repo}";
const SECRETS = `${REPOSITORY}/actions/secrets`;
const WORKFLOW = `${REPOSITORY}/actions/workflows/{file}`;

const PER_PAGE = "100";
/** No list that is asked for here has so many pages; a reply that never ends is not GitHub's. */
const MOST_PAGES = 30;

type Call = (part: Part) => Promise<{ ask: Ask; answer: Answer<Reply> }>;

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
      return { ask: bare, answer: withoutAccess(thrown) };
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

  return {
    ...readers(call),
    async putSecret(repository, name, key, value) {
      const params = { ...paramsOf(repository), name };
      const body = { encrypted_value: await sealedBox(value, key.key), key_id: key.keyId };
      const { ask, answer } = await call({ method: "PUT", route: `${SECRETS}/{name}`, params, body, value });
      if (answer.is !== "done") return answer;
      const { status, headers } = answer.value;
      if (status !== 201 && status !== 204) return foreign(githubDialect, ask, status);
      return { is: "done", value: { created: status === 201, at: dateOf(headers) } };
    },
    async dispatch(repository, file, { ref, inputs }) {
      const params = { ...paramsOf(repository), file };
      const route = `${WORKFLOW}/dispatches`;
      const { ask, answer } = await call({ method: "POST", route, params, body: { ref, inputs } });
      if (answer.is !== "done") return answer;
      // Later versions of the API, and some servers, name the run instead of answering nothing.
      const { status, body } = answer.value;
      const accepted = status === 204 || (status === 200 && dispatchedShape.safeParse(body).success);
      return accepted ? { is: "done", value: undefined } : foreign(githubDialect, ask, status);
    },
  };
}

/** The calls that only read. */
function readers(call: Call): Omit<GithubClient, "putSecret" | "dispatch"> {
  const read = <T>(part: Part, schema: z.ZodType<T>) => readOne(call, part, schema);
  const listed = <T>(part: Part, schema: z.ZodType<Page<T>>) => readAll(call, part, schema);
  return {
    async repository(repository) {
      const { ask, answer } = await call({ method: "GET", route: REPOSITORY, params: paramsOf(repository) });
      if (answer.is !== "done") return answer;
      const scopes = scopesIn(answer.value.headers);
      return shaped(
        githubDialect,
        ask,
        answer,
        repositoryShape.transform((found) => ({ ...found, scopes })),
      );
    },
    secret: (repository, name) =>
      read(
        { method: "GET", route: `${SECRETS}/{name}`, params: { ...paramsOf(repository), name } },
        secretShape,
      ),
    publicKey(repository) {
      sealingReady().catch(() => {});
      return read({ method: "GET", route: `${SECRETS}/public-key`, params: paramsOf(repository) }, keyShape);
    },
    environments: (repository) =>
      listed(
        { method: "GET", route: `${REPOSITORY}/environments`, params: paramsOf(repository) },
        environmentsShape,
      ),
    environmentSecrets(repository, environment) {
      const route = `${REPOSITORY}/environments/{environment}/secrets`;
      return listed({ method: "GET", route, params: { ...paramsOf(repository), environment } }, secretsShape);
    },
    secretsElsewhere: (repository, where) =>
      listed({ method: "GET", route: ELSEWHERE[where], params: paramsOf(repository) }, secretsShape),
    audience(repository, where, name) {
      const route = `${ELSEWHERE[where]}/{name}/repositories`;
      return listed({ method: "GET", route, params: { ...paramsOf(repository), name } }, repositoriesShape);
    },
    workflow: (repository, file) =>
      read({ method: "GET", route: WORKFLOW, params: { ...paramsOf(repository), file } }, workflowShape),
    dispatchedRuns(repository, file, since) {
      const query = { event: "workflow_dispatch", created: `>=${secondOf(since)}` };
      const params = { ...paramsOf(repository), file };
      return listed({ method: "GET", route: `${WORKFLOW}/runs`, params, query }, runsShape);
    },
    runsBefore(repository, status, until) {
      const query = { status, created: `<=${secondOf(until)}`, per_page: PER_PAGE };
      const route = `${REPOSITORY}/actions/runs`;
      return read({ method: "GET", route, params: paramsOf(repository), query }, runsShape);
    },
    jobs(repository, run) {
      const route = `${REPOSITORY}/actions/runs/{run}/jobs`;
      const query = { filter: "latest" };
      return listed(
        { method: "GET", route, params: { ...paramsOf(repository), run: String(run) }, query },
        jobsShape,
      );
    },
  };
}

async function readOne<T>(call: Call, part: Part, schema: z.ZodType<T>): Promise<Answer<T>> {
  const { ask, answer } = await call(part);
  return shaped(githubDialect, ask, answer, schema);
}

async function readAll<T>(call: Call, part: Part, schema: z.ZodType<Page<T>>): Promise<Answer<readonly T[]>> {
  const found: T[] = [];
  for (let page = 1; ; page += 1) {
    const query = { ...part.query, per_page: PER_PAGE, ...(page > 1 && { page: String(page) }) };
    const { ask, answer } = await call({ ...part, query });
    const read = shaped(githubDialect, ask, answer, schema);
    if (read.is !== "done") return read;
    found.push(...read.value.items);
    if (found.length >= read.value.total) return { is: "done", value: found };
    // A list that ends before its own count does not show what is absent from it.
    if (read.value.items.length === 0 || page === MOST_PAGES) return foreign(githubDialect, ask, 200);
  }
}

function paramsOf(repository: string): { owner: string; repo: string } {
  const [owner = "", repo = ""] = repository.split("/");
  return { owner, repo };
}

/** Scopes of a classic token; other tokens have no such header. */
function scopesIn(headers: Headers): readonly string[] | undefined {
  return headers
    .get("x-oauth-scopes")
    ?.split(",")
    .map((scope) => scope.trim());
}

/** A time as GitHub's filters have it, in whole seconds. */
function secondOf(at: Instant): string {
  return at.replace(/\.\d+Z$/, "Z");
}

function noToken(): Answer<never> {
  return {
    is: "refused",
    trouble: trouble(
      "CREDENTIAL_MISSING",
      "The GitHub connection has no field `token`",
      "no call can be made without it",
      "lockstep doctor    after you have said in the configuration where the connection's token comes from",
    ),
  };
}

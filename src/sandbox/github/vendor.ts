import { Hono } from "hono";
import { conditional } from "../conditional.ts";
import { hex } from "../random.ts";
import { RememberingRouter } from "../router.ts";
import type { Vendor } from "../world.ts";
import {
  authenticate,
  budget,
  checkProtocol,
  errorBody,
  type GithubContext,
  type GithubEnv,
  GithubRefusal,
  rateHeaders,
  spend,
} from "./access.ts";
import { graphqlRoutes } from "./graphql.ts";
import { issueRoutes } from "./issues.ts";
import { api, privateUserReply } from "./replies.ts";
import { repositoryRoutes } from "./repositories.ts";
import { settleGithub } from "./runner.ts";
import { runRoutes } from "./runs.ts";
import { secretRoutes } from "./secrets.ts";
import type { GithubState } from "./state.ts";
import { workflowRoutes } from "./workflows.ts";

const MESSAGES: Record<number, string> = {
  400: "Problems parsing JSON",
  401: "Bad credentials",
  403: "Resource not accessible by personal access token",
  404: "Not Found",
  409: "Conflict",
  422: "Validation Failed",
  429: "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
};

/** The simulated GitHub REST API over this state, at `/` and, as an Enterprise Server has it, at `/api/v3`. */
export function githubVendor(live: GithubState): Vendor<GithubState> {
  routes ??= githubApp();
  const app = routes;
  return {
    name: "github",
    live,
    settle: settleGithub,
    handle: async (request, call) => {
      const requestId = hex(call.world.random, 8).toUpperCase();
      call.trace.requestId = requestId;
      const response = await conditional(request, await app.fetch(rooted(request, call.state), call), {
        weak: true,
        errors: false,
      });
      // A reply of 304 is not charged.
      const caller = live.tokens.find((one) => one.name === call.trace.credential);
      if (response.status === 304 && caller) spend(call, caller, -1);
      response.headers.set("x-github-request-id", requestId);
      return response;
    },
    refusal: (status, message, world) => ({
      body:
        status >= 500
          ? { message: message ?? "Server Error" }
          : errorBody(status, message ?? MESSAGES[status] ?? "Error"),
      headers: { "x-github-request-id": hex(world.random, 8).toUpperCase() },
    }),
    route: withoutBase,
  };
}

/** The same for every sandbox: what they differ in comes with each call. */
let routes: Hono<GithubEnv> | undefined;

function githubApp(): Hono<GithubEnv> {
  const app = new Hono<GithubEnv>({ router: new RememberingRouter() });
  app.onError((error, c) => {
    if (!(error instanceof GithubRefusal)) throw error;
    const { location } = error.headers;
    const body = errorBody(error.status, error.message, error.errors);
    return finish(c, c.json(location ? { ...body, url: location } : body, error.status, error.headers));
  });
  app.notFound((c) => c.json(errorBody(404, "Not Found"), 404));
  app.use(async (c, next) => {
    checkProtocol(c);
    authenticate(c);
    await next();
    c.res = finish(c, c.res);
  });
  app.get("/user", (c) => {
    const caller = c.get("caller");
    if (caller === null) throw new GithubRefusal(401, "Requires authentication");
    return c.json(privateUserReply(api(c), caller.login, caller.userId));
  });
  app.get("/rate_limit", (c) => c.json(rateLimitReply(c)));
  repositoryRoutes(app);
  secretRoutes(app);
  workflowRoutes(app);
  runRoutes(app);
  issueRoutes(app);
  graphqlRoutes(app);
  return app;
}

function finish(c: GithubContext, response: Response): Response {
  const caller = c.get("caller") ?? null;
  for (const [name, value] of Object.entries(rateHeaders(c.env, caller))) response.headers.set(name, value);
  const version = c.get("version");
  const accepted = c.get("accepted");
  if (caller !== null && accepted) response.headers.set("x-accepted-github-permissions", accepted);
  if (version) response.headers.set("x-github-api-version-selected", version);
  response.headers.set("x-github-media-type", "github.v3; format=json");
  return response;
}

function rateLimitReply(c: GithubContext) {
  const { limit, used, resetAt } = budget(c.env, c.get("caller"));
  const core = { limit, used, remaining: Math.max(0, limit - used), reset: Math.ceil(resetAt / 1000) };
  const search = { limit: 30, used: 0, remaining: 30, reset: core.reset };
  const resources = { core, search, graphql: core };
  return c.get("version") === "2022-11-28" ? { resources, rate: core } : { resources };
}

function withoutBase(path: string): string {
  return path.startsWith("/api/v3/") ? path.slice("/api/v3".length) : path;
}

const ELSEWHERE = /\/api\/v3\/|\/repositories\//;

// Enterprise clients put /api/v3 before every path, and a redirect names a repository by its id.
function rooted(request: Request, state: GithubState): Request {
  if (!ELSEWHERE.test(request.url)) return request;
  const url = new URL(request.url);
  const path = byName(withoutBase(url.pathname), state);
  if (path === url.pathname) return request;
  return new Request(`${url.origin}${path}${url.search}`, {
    method: request.method,
    headers: request.headers,
  });
}

function byName(path: string, state: GithubState): string {
  const [, id, rest = ""] = /^\/repositories\/(\d+)(\/.*)?$/.exec(path) ?? [];
  const found = state.repositories.find((one) => String(one.id) === id);
  return found ? `/repos/${found.owner}/${found.name}${rest}` : path;
}

import { Hono } from "hono";
import { conditional } from "../conditional.ts";
import { uuid } from "../random.ts";
import { RememberingRouter } from "../router.ts";
import type { Vendor } from "../world.ts";
import { authenticate, type HerokuEnv, HerokuRefusal, refill } from "./access.ts";
import { addonRoutes } from "./addons.ts";
import { appRoutes } from "./apps.ts";
import { authorizationRoutes } from "./authorizations.ts";
import { dynoRoutes } from "./dynos.ts";
import { featureRoutes } from "./features.ts";
import { healthRoutes } from "./health.ts";
import { settleHeroku } from "./lifecycle.ts";
import { logSessionRoutes, streamRoutes } from "./logs.ts";
import { sharingRoutes } from "./sharing.ts";
import type { HerokuState } from "./state.ts";

const ACCEPTED = /application\/vnd\.heroku\+json\s*;\s*version=3(\.[\w-]+)?\s*(,|;|$)/;

const REFUSALS: Record<number, [string, string]> = {
  400: ["bad_request", "Request was invalid."],
  401: ["unauthorized", "Invalid credentials provided."],
  403: ["forbidden", "You do not have access to this resource."],
  404: [
    "not_found",
    "The requested API endpoint was not found. Are you using the right HTTP verb and API version?",
  ],
  409: ["conflict", "Another change is in progress. Try again."],
  422: ["invalid_params", "Invalid parameters."],
  429: [
    "rate_limit",
    "Your account reached the API rate limit\nPlease wait a few minutes before making new requests",
  ],
};

/** The simulated Heroku Platform API v3 over this state. */
export function herokuVendor(live: HerokuState): Vendor<HerokuState> {
  routes ??= herokuApp();
  const app = routes;
  return {
    name: "heroku",
    live,
    settle: settleHeroku,
    handle: async (request, call) => {
      const inner = overridden(request);
      const requestId = inner.headers.get("request-id") ?? uuid(call.world.random);
      call.trace.requestId = requestId;
      const response = await conditional(inner, await app.fetch(inner, call), { weak: false, errors: false });
      response.headers.set("request-id", requestId);
      response.headers.set("ratelimit-remaining", String(refill(live, call.world.now())));
      response.headers.set("ratelimit-multiplier", "1");
      return response;
    },
    refusal: (status, message, world) => {
      const [id, text] = REFUSALS[status] ?? ["internal_server_error", "Internal server error."];
      return { body: { id, message: message ?? text }, headers: { "request-id": uuid(world.random) } };
    },
    route: (path) => path,
  };
}

/** The same for every sandbox: what they differ in comes with each call. */
let routes: Hono<HerokuEnv> | undefined;

function herokuApp(): Hono<HerokuEnv> {
  const app = new Hono<HerokuEnv>({ router: new RememberingRouter() });
  app.onError((error, c) => {
    if (!(error instanceof HerokuRefusal)) throw error;
    return c.json({ id: error.id, message: error.message, ...error.more }, error.status);
  });
  app.notFound((c) => c.json({ id: "not_found", message: REFUSALS[404]?.[1] }, 404));
  streamRoutes(app);
  healthRoutes(app);
  app.use(async (c, next) => {
    if (!ACCEPTED.test(c.req.header("accept") ?? "")) {
      throw new HerokuRefusal(
        406,
        "not_acceptable",
        'For the latest API version, set the Accept header to "application/vnd.heroku+json; version=3".',
      );
    }
    authenticate(c);
    const expected = c.req.header("if-match");
    if (expected !== undefined && expected !== "*" && c.req.method !== "GET")
      await requireMatch(app, c.req.raw, c.env, expected);
    await next();
  });
  authorizationRoutes(app);
  appRoutes(app);
  dynoRoutes(app);
  featureRoutes(app);
  addonRoutes(app);
  sharingRoutes(app);
  logSessionRoutes(app);
  return app;
}

// A write with If-Match is allowed only while a GET of the same resource still carries that ETag.
async function requireMatch(
  app: Hono<HerokuEnv>,
  request: Request,
  call: HerokuEnv["Bindings"],
  expected: string,
): Promise<void> {
  const headers = new Headers(request.headers);
  headers.delete("if-match");
  headers.delete("if-none-match");
  const trace = { ...call.trace, fields: [] };
  const current = new Request(request.url, { headers });
  const reply = await conditional(current, await app.fetch(current, { ...call, trace }), {
    weak: false,
    errors: false,
  });
  if (reply.headers.get("etag") !== expected) {
    throw new HerokuRefusal(412, "precondition_failed", "The resource has changed since it was read.");
  }
}

function overridden(request: Request): Request {
  const method = request.headers.get("x-http-method-override")?.toUpperCase();
  return request.method === "POST" && method
    ? new Request(request.url, { method, headers: request.headers })
    : request;
}

import { Hono } from "hono";
import { conditional } from "../conditional.ts";
import { RememberingRouter } from "../router.ts";
import { isObject, type Vendor } from "../world.ts";
import { type InfisicalContext, type InfisicalEnv, InfisicalRefusal, requestId } from "./access.ts";
import { approvalRoutes } from "./approvals.ts";
import { authRoutes } from "./auth.ts";
import { batchRoutes } from "./batch.ts";
import { importRoutes } from "./imports.ts";
import { memberRoutes } from "./members.ts";
import { V3, V4 } from "./place.ts";
import { projectRoutes } from "./projects.ts";
import { stoppedByProxy } from "./proxy.ts";
import { secretRoutes } from "./secrets.ts";
import type { InfisicalState } from "./state.ts";
import { syncRoutes } from "./syncs.ts";

const REFUSALS: Record<number, [string, string]> = {
  400: ["Bad request", "BadRequest"],
  401: ["Token missing", "UnauthorizedError"],
  403: ["You are not allowed to access this resource", "PermissionDenied"],
  404: ["Not found", "NotFound"],
  409: ["Conflict", "Conflict"],
  422: ["Validation failure", "ValidationFailure"],
  429: ["Rate limit exceeded. Please try again in 1 minute", "RateLimitExceeded"],
};

/** The simulated Infisical over this state, of the generation that the state names. */
export function infisicalVendor(live: InfisicalState): Vendor<InfisicalState> {
  routes ??= { v3: infisicalApp("v3"), v4: infisicalApp("v4") };
  const apps = routes;
  return {
    name: "infisical",
    live,
    settle: () => {},
    handle: async (request, call) => {
      const stopped = stoppedByProxy(live.settings.proxy, request);
      if (stopped) return stopped;
      return conditional(request, await apps[live.generation].fetch(request, call), {
        weak: false,
        errors: true,
      });
    },
    refusal: (status, message) => {
      const [text, error] = REFUSALS[status] ?? ["Something went wrong", "InternalServerError"];
      const reqId = live.generation === "v4" ? { reqId: "req-sandbox" } : {};
      return { body: { ...reqId, statusCode: status, message: message ?? text, error }, headers: {} };
    },
    route: (path) => path,
  };
}

/** The same for every sandbox: what they differ in comes with each call. */
let routes: Record<"v3" | "v4", Hono<InfisicalEnv>> | undefined;

function infisicalApp(generation: "v3" | "v4"): Hono<InfisicalEnv> {
  const app = new Hono<InfisicalEnv>({ router: new RememberingRouter() });
  app.onError((error, c) => {
    if (!(error instanceof InfisicalRefusal)) throw error;
    const details = generation === "v4" && error.error === "PermissionDenied" ? { details: [] } : {};
    const reqId = generation === "v4" ? { reqId: requestId(c) } : {};
    return c.json(
      { ...reqId, statusCode: error.status, message: error.detail, error: error.error, ...details },
      error.status,
    );
  });
  app.notFound((c) => {
    const url = new URL(c.req.url);
    const message = `Route ${c.req.method}:${url.pathname}${url.search} not found`;
    return c.json({ message, error: "Not Found", statusCode: 404 }, 404);
  });
  app.use(async (c, next) => {
    refuseBrokenJson(c);
    await next();
  });
  app.get("/api/status", (c) =>
    c.json({
      date: new Date(c.env.world.now()).toISOString(),
      message: "Ok",
      emailConfigured: false,
      inviteOnlySignup: true,
      redisConfigured: true,
      secretScanningConfigured: false,
    }),
  );
  authRoutes(app);
  for (const dialect of generation === "v4" ? [V3, V4] : [V3]) {
    // Before the single routes: "batch" would be taken for a secret's name.
    batchRoutes(app, dialect);
    secretRoutes(app, dialect);
  }
  projectRoutes(app, generation);
  importRoutes(app, generation);
  memberRoutes(app, generation);
  approvalRoutes(app);
  if (generation === "v4") syncRoutes(app);
  return app;
}

// The body is parsed before anything else is looked at, the token included.
function refuseBrokenJson(c: InfisicalContext): void {
  if (!c.req.header("content-type")?.includes("json") || c.env.body === "") return;
  try {
    if (isObject(JSON.parse(c.env.body))) return;
  } catch {
    // Answered below.
  }
  throw new InfisicalRefusal(500, "Something went wrong", "InternalServerError");
}

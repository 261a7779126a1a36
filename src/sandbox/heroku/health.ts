import type { Hono } from "hono";
import type { HerokuEnv } from "./access.ts";
import { type Dyno, type HerokuApp, type HerokuState, tokenAccepted } from "./state.ts";

/** What stops the trading of an app whose processes were started with it, as the SOPs have it. */
const KILL_SWITCH = "TRADING_LIVE_DISABLED";

/**
 * Adds `/_apps/{name}/health` and `/_apps/{name}/health/trading`: pages that an app itself answers, which need no token and no
 * Accept header.
 */
export function healthRoutes(app: Hono<HerokuEnv>): void {
  app.get("/_apps/:app/health/trading", (c) => {
    const target = c.env.state.apps.find((one) => one.name === c.req.param("app"));
    const serving = target ? servingDynos(target) : [];
    if (serving.length === 0) return c.html("<h1>Application error</h1>", target ? 503 : 404);
    // The router picks any of them, so one that trades is enough.
    return c.json({ live_enabled: serving.some(({ env }) => env[KILL_SWITCH] !== "1") });
  });
  app.get("/_apps/:app/health", (c) => {
    const target = c.env.state.apps.find((one) => one.name === c.req.param("app"));
    if (!target) return c.html("<h1>There's nothing here, yet.</h1>", 404);
    const serving = servingDynos(target);
    // The router's own page: H10 (crashed) or H14 (none running).
    if (serving.length === 0) return c.html("<h1>Application error</h1>", 503);
    return healthy(c.env.live, target, c.env.world.now())
      ? c.json({ status: "ok" })
      : c.json({ status: "error" }, 503);
  });
}

/** Whether requests to the app succeed: a web dyno is up, and each that serves holds a key that Heroku accepts. */
export function healthy(state: HerokuState, app: HerokuApp, now: number): boolean {
  const { variable, failing } = app.health;
  const serving = servingDynos(app);
  // The router picks any of them, so one that holds a dead key is enough for errors.
  return (
    !failing &&
    serving.length > 0 &&
    serving.every(({ env }) => {
      const value = env[variable];
      return value === undefined || tokenAccepted(state, value, now);
    })
  );
}

// Under preboot requests go to the old dynos until they end.
function servingDynos(app: HerokuApp): Dyno[] {
  return app.dynos
    .filter((dyno) => dyno.type === "web" && dyno.endsAt === null)
    .map((dyno) => app.retiring.find((old) => old.name === dyno.name) ?? dyno)
    .filter((dyno) => dyno.state === "up");
}

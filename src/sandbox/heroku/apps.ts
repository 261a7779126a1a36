import type { Hono } from "hono";
import { jsonObject, wrote } from "../world.ts";
import {
  answer,
  findApp,
  type HerokuContext,
  type HerokuEnv,
  HerokuRefusal,
  need,
  now,
  origin,
  refill,
} from "./access.ts";
import { createRelease } from "./lifecycle.ts";
import { page } from "./ranges.ts";
import { accountReply, appReply, releaseReply } from "./replies.ts";
import { mayChange } from "./sharing.ts";
import { addonVarsOf, currentRelease, type HerokuApp, type Release } from "./state.ts";

/** Adds account, apps, config vars and releases. */
export function appRoutes(app: Hono<HerokuEnv>): void {
  app.get("/account", (c) => {
    need(c, "identity");
    return c.json(accountReply(c.env.state));
  });
  app.get("/account/rate-limits", (c) => c.json({ remaining: refill(c.env.live, now(c)) }));
  app.get("/apps", listApps);
  // What `heroku apps` lists; all apps of the estate are the account's own.
  app.get("/users/:user/apps", (c) => {
    const { id, email } = c.env.state.account;
    if (!["~", id, email].includes(c.req.param("user")))
      throw new HerokuRefusal(404, "not_found", "Couldn't find that user.", { resource: "user" });
    return listApps(c);
  });
  app.get("/apps/:app", (c) => {
    need(c, "read");
    return c.json(appReply(c.env.state, findApp(c)));
  });
  configRoutes(app);
  releaseRoutes(app);
}

function listApps(c: HerokuContext): Response {
  need(c, "read");
  const keys = { id: (one: HerokuApp) => one.id, name: (one: HerokuApp) => one.name };
  const seen = c.env.state.apps.filter((one) => one.access.role !== "none");
  return answer(c, page(seen, c.req.header("range") ?? null, keys), (one) => appReply(c.env.state, one));
}

function configRoutes(app: Hono<HerokuEnv>): void {
  app.get("/apps/:app/config-vars", (c) => {
    need(c, "read-protected");
    return c.json(currentRelease(mayChange(c, "view config vars")).config);
  });
  app.patch("/apps/:app/config-vars", (c) => {
    need(c, "write-protected");
    const target = mayChange(c, "edit config vars");
    const changes = configChanges(c.env.body, target);
    const newest = target.releases.findLast((one) => one.status !== "failed") ?? currentRelease(target);
    const effective = Object.entries(changes).filter(
      ([name, value]) => (newest.config[name] ?? null) !== value,
    );
    // Whether Heroku makes a release of a change that changes nothing is not known; here it makes none.
    if (effective.length > 0) {
      const release = createRelease(
        target,
        { description: describe(effective), changes: Object.fromEntries(effective) },
        c.env.world,
      );
      wrote(c.env, ...effective.map(([name]) => name));
      if (release.status === "pending") {
        c.header(
          "x-heroku-warning",
          "Release command executing: this config change will not be available until the command succeeds. Use `heroku releases:output` to view the log.",
        );
      }
    }
    return c.json(currentRelease(target).config);
  });
}

function configChanges(body: string, app: HerokuApp): Record<string, string | null> {
  const fields = jsonObject(body);
  if (fields === null) throw new HerokuRefusal(400, "bad_request", "Unable to parse the JSON request.");
  refuseAddonVars(fields, app);
  const changes: Record<string, string | null> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (!/^\w+$/.test(name))
      throw new HerokuRefusal(422, "invalid_params", `Config var names must be words: ${name}`);
    if (value !== null && typeof value === "object")
      throw new HerokuRefusal(422, "invalid_params", `Invalid value for ${name}.`);
    changes[name] = value === null ? null : String(value);
  }
  const size = Object.entries({ ...currentRelease(app).config, ...changes }).reduce(
    (sum, [name, value]) => sum + name.length + (value ?? "").length,
    0,
  );
  if (size > 32 * 1024)
    throw new HerokuRefusal(422, "invalid_params", "Config vars may hold up to 32kb of data.");
  return changes;
}

// heroku-config issue 32: one message names them all.
function refuseAddonVars(fields: Record<string, unknown>, app: HerokuApp): void {
  const owned = Object.keys(fields).filter((name) => addonVarsOf(app).includes(name));
  if (owned.length === 0) return;
  const act = owned.some((name) => fields[name] !== null) ? "overwrite" : "destroy";
  throw new HerokuRefusal(422, "invalid_params", `Cannot ${act} attachment values ${owned.join(", ")}.`);
}

function describe(changes: [string, string | null][]): string {
  const names = (kept: boolean) =>
    changes.filter(([, value]) => (value !== null) === kept).map(([name]) => name);
  const set = names(true);
  const removed = names(false);
  const parts = [
    set.length > 0 ? `Set ${set.join(", ")} config vars` : "",
    removed.length > 0 ? `Remove ${removed.join(", ")} config vars` : "",
  ];
  return parts.filter(Boolean).join("; ");
}

function releaseRoutes(app: Hono<HerokuEnv>): void {
  app.get("/apps/:app/releases", (c) => {
    need(c, "read");
    const target = findApp(c);
    const keys = { version: (one: Release) => one.version, id: (one: Release) => one.id };
    return answer(c, page(target.releases, c.req.header("range") ?? null, keys), (one) =>
      releaseReply(c.env.state, target, one, origin(c)),
    );
  });
  app.get("/apps/:app/releases/:release", (c) => {
    need(c, "read");
    const target = findApp(c);
    return c.json(releaseReply(c.env.state, target, findRelease(target, c.req.param("release")), origin(c)));
  });
  app.get("/apps/:app/releases/:release/config-vars", (c) => {
    need(c, "read-protected");
    return c.json(findRelease(mayChange(c, "view config vars"), c.req.param("release")).config);
  });
  app.post("/apps/:app/releases", (c) => {
    need(c, "write");
    const target = mayChange(c, "create releases");
    const { release, slug, description } = jsonObject(c.env.body) ?? {};
    if (release === undefined && typeof slug !== "string")
      throw new HerokuRefusal(422, "invalid_params", "Require params: slug.");
    const back = release === undefined ? null : findRelease(target, String(release));
    if (back && back.status !== "succeeded")
      throw new HerokuRefusal(422, "invalid_params", "Cannot roll back to a release that did not succeed.");
    const made = back
      ? createRelease(
          target,
          { description: `Rollback to v${back.version}`, config: back.config, slugId: back.slugId },
          c.env.world,
        )
      : createRelease(
          target,
          { description: typeof description === "string" ? description : "Deploy", slugId: String(slug) },
          c.env.world,
        );
    wrote(c.env, "release");
    return c.json(releaseReply(c.env.state, target, made, origin(c)), 201);
  });
}

function findRelease(app: HerokuApp, identity: string): Release {
  const found = app.releases.find(
    (one) => one.id === identity || String(one.version) === identity.replace(/^v/, ""),
  );
  if (!found)
    throw new HerokuRefusal(404, "not_found", "Couldn't find that release.", { resource: "release" });
  return found;
}

import type { Hono } from "hono";
import { isObject, jsonObject, wrote } from "../world.ts";
import {
  findApp,
  type HerokuContext,
  type HerokuEnv,
  HerokuRefusal,
  need,
  now,
  origin,
  refill,
} from "./access.ts";
import { createRelease, log, restartDynos, scaleDynos } from "./lifecycle.ts";
import { type Page, page } from "./ranges.ts";
import { accountReply, appReply, dynoReply, formationReply, releaseReply } from "./replies.ts";
import { currentRelease, type HerokuApp, type Release } from "./state.ts";

/** Adds account, apps, config vars, releases, dynos and formation. */
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
  // The CLI asks for these beside the app; this estate has none.
  app.get("/apps/:app/addons", (c) => c.json(findApp(c) ? [] : []));
  app.get("/apps/:app/collaborators", (c) => c.json(findApp(c) ? [] : []));
  configRoutes(app);
  releaseRoutes(app);
  dynoRoutes(app);
  formationRoutes(app);
}

function listApps(c: HerokuContext): Response {
  need(c, "read");
  const keys = { id: (one: HerokuApp) => one.id, name: (one: HerokuApp) => one.name };
  return answer(c, page(c.env.state.apps, c.req.header("range") ?? null, keys), (one) =>
    appReply(c.env.state, one),
  );
}

function configRoutes(app: Hono<HerokuEnv>): void {
  app.get("/apps/:app/config-vars", (c) => {
    need(c, "read-protected");
    return c.json(currentRelease(findApp(c)).config);
  });
  app.patch("/apps/:app/config-vars", (c) => {
    need(c, "write-protected");
    const target = findApp(c);
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
          "This config change will not be available until the release command succeeds.",
        );
      }
    }
    return c.json(currentRelease(target).config);
  });
}

function configChanges(body: string, app: HerokuApp): Record<string, string | null> {
  const fields = jsonObject(body);
  if (fields === null) throw new HerokuRefusal(400, "bad_request", "Unable to parse the JSON request.");
  const changes: Record<string, string | null> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (!/^\w+$/.test(name))
      throw new HerokuRefusal(422, "invalid_params", `Config var names must be words: ${name}`);
    if (app.addonVars.includes(name)) {
      const act = value === null ? "destroy" : "overwrite";
      throw new HerokuRefusal(422, "invalid_params", `Cannot ${act} attachment values ${name}.`);
    }
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
    return c.json(findRelease(findApp(c), c.req.param("release")).config);
  });
  app.post("/apps/:app/releases", (c) => {
    need(c, "write");
    const target = findApp(c);
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

function dynoRoutes(app: Hono<HerokuEnv>): void {
  app.get("/apps/:app/dynos", (c) => {
    need(c, "read");
    const target = findApp(c);
    return answer(
      c,
      page(target.dynos, c.req.header("range") ?? null, { name: (one) => one.name, id: (one) => one.id }),
      (one) => dynoReply(target, one),
    );
  });
  app.get("/apps/:app/dynos/:dyno", (c) => {
    need(c, "read");
    const target = findApp(c);
    const dyno = target.dynos.find(
      (one) => one.name === c.req.param("dyno") || one.id === c.req.param("dyno"),
    );
    if (!dyno) throw new HerokuRefusal(404, "not_found", "Couldn't find that process.", { resource: "dyno" });
    return c.json(dynoReply(target, dyno));
  });
  app.delete("/apps/:app/dynos", (c) => restart(c, () => true));
  app.delete("/apps/:app/dynos/:dyno", (c) =>
    restart(c, (one) => one.name === c.req.param("dyno") || one.id === c.req.param("dyno")),
  );
  app.delete("/apps/:app/formations/:type", (c) => restart(c, (one) => one.type === c.req.param("type")));
}

function restart(c: HerokuContext, chosen: Parameters<typeof restartDynos>[1]): Response {
  need(c, "write");
  const target = findApp(c);
  if (!target.dynos.some(chosen))
    throw new HerokuRefusal(404, "not_found", "Couldn't find that process.", { resource: "dyno" });
  restartDynos(target, chosen, now(c), c.env.world);
  wrote(c.env, "dynos");
  return c.json({}, 202);
}

function formationRoutes(app: Hono<HerokuEnv>): void {
  app.get("/apps/:app/formation", (c) => {
    need(c, "read");
    const target = findApp(c);
    return answer(
      c,
      page(target.formation, c.req.header("range") ?? null, { id: (one) => one.id, type: (one) => one.type }),
      (one) => formationReply(target, one),
    );
  });
  app.get("/apps/:app/formation/:type", (c) => {
    need(c, "read");
    const target = findApp(c);
    return c.json(formationReply(target, findFormation(target, c.req.param("type"))));
  });
  app.patch("/apps/:app/formation", (c) => {
    need(c, "write");
    const target = findApp(c);
    const updates = jsonObject(c.env.body)?.["updates"];
    if (!Array.isArray(updates)) throw new HerokuRefusal(422, "invalid_params", "Require array: updates.");
    const changed = updates
      .filter(isObject)
      .map((update) => scale(c, target, String(update["type"]), update));
    return c.json(changed.map((one) => formationReply(target, one)));
  });
  app.patch("/apps/:app/formation/:type", (c) => {
    need(c, "write");
    const target = findApp(c);
    return c.json(
      formationReply(target, scale(c, target, c.req.param("type"), jsonObject(c.env.body) ?? {})),
    );
  });
}

function scale(c: HerokuContext, app: HerokuApp, type: string, update: Record<string, unknown>) {
  const formation = findFormation(app, type);
  formation.quantity = scaled(formation.quantity, update["quantity"]);
  formation.updatedAt = now(c);
  scaleDynos(app, now(c), c.env.world);
  log(
    app,
    now(c),
    "app",
    "api",
    `Scaled to ${formation.type}@${formation.quantity}:${formation.size} by user`,
  );
  wrote(c.env, "formation");
  return formation;
}

// The CLI sends strings, "3" or as a change "+1"; other clients send numbers.
function scaled(before: number, asked: unknown): number {
  if (asked === undefined) return before;
  const text = String(asked);
  if (!/^[+-]?\d+$/.test(text)) throw new HerokuRefusal(422, "invalid_params", "Invalid quantity.");
  const quantity = /^[+-]/.test(text) ? before + Number(text) : Number(text);
  if (quantity < 0) throw new HerokuRefusal(422, "invalid_params", "Invalid quantity.");
  return quantity;
}

function findFormation(app: HerokuApp, type: string) {
  const found = app.formation.find((one) => one.type === type || one.id === type);
  if (!found)
    throw new HerokuRefusal(404, "not_found", "Couldn't find that formation.", { resource: "formation" });
  return found;
}

function findRelease(app: HerokuApp, identity: string): Release {
  const found = app.releases.find(
    (one) => one.id === identity || String(one.version) === identity.replace(/^v/, ""),
  );
  if (!found)
    throw new HerokuRefusal(404, "not_found", "Couldn't find that release.", { resource: "release" });
  return found;
}

function answer<T>(c: HerokuContext, found: Page<T>, reply: (item: T) => unknown): Response {
  if (found.status === 416)
    throw new HerokuRefusal(416, "requested_range_not_satisfiable", "Range not satisfiable.");
  return c.json(found.items.map(reply), found.status, found.headers);
}

import type { Hono } from "hono";
import { type HerokuContext, type HerokuEnv, HerokuRefusal, need } from "./access.ts";
import { stamp } from "./replies.ts";
import { mayChange } from "./sharing.ts";
import { type Addon, currentRelease, type HerokuApp } from "./state.ts";

const VIEW = "view addon resources";

/** Adds add-ons with the names of their config vars, their values, and their attachments. */
export function addonRoutes(app: Hono<HerokuEnv>): void {
  app.get("/apps/:app/addons", (c) => {
    need(c, "read");
    const target = mayChange(c, VIEW);
    return c.json(target.addons.map((one) => addonReply(target, one)));
  });
  app.get("/apps/:app/addons/:addon", (c) => {
    need(c, "read");
    const target = mayChange(c, VIEW);
    return c.json(addonReply(target, find(c, [target]).addon));
  });
  app.get("/apps/:app/addon-attachments", (c) => {
    need(c, "read");
    const target = mayChange(c, VIEW);
    return c.json(target.addons.map((one) => attachmentReply(target, one)));
  });
  app.get("/addons", (c) => {
    need(c, "read");
    return c.json(all(c).map(({ app: owner, addon }) => addonReply(owner, addon)));
  });
  app.get("/addon-attachments", (c) => {
    need(c, "read");
    return c.json(all(c).map(({ app: owner, addon }) => attachmentReply(owner, addon)));
  });
  app.get("/addons/:addon", (c) => {
    need(c, "read");
    const { app: owner, addon } = find(c, visible(c));
    return c.json(addonReply(owner, addon));
  });
  app.get("/addons/:addon/config", (c) => {
    need(c, "read-protected");
    const { app: owner, addon } = find(c, visible(c));
    const { config } = currentRelease(owner);
    return c.json(addon.configVars.map((name) => ({ name, value: config[name] ?? null })));
  });
}

function visible(c: HerokuContext): HerokuApp[] {
  return c.env.state.apps.filter((one) => one.access.role !== "none");
}

function all(c: HerokuContext): { app: HerokuApp; addon: Addon }[] {
  return visible(c).flatMap((app) => app.addons.map((addon) => ({ app, addon })));
}

function find(c: HerokuContext, apps: HerokuApp[]): { app: HerokuApp; addon: Addon } {
  const asked = c.req.param("addon");
  for (const app of apps) {
    const addon = app.addons.find((one) => one.id === asked || one.name === asked);
    if (addon) return { app, addon };
  }
  throw new HerokuRefusal(404, "not_found", "Couldn't find that add-on.", { resource: "add_on" });
}

function addonReply(app: HerokuApp, addon: Addon) {
  const at = stamp(addon.createdAt);
  return {
    actions: [],
    addon_service: { id: addon.id, name: addon.service },
    app: { id: app.id, name: app.name },
    billed_price: null,
    billing_entity: { id: app.id, name: app.name, type: "app" },
    config_vars: addon.configVars,
    created_at: at,
    id: addon.id,
    name: addon.name,
    plan: { id: addon.id, name: `${addon.service}:essential-0` },
    provider_id: addon.id,
    state: "provisioned",
    updated_at: at,
    web_url: null,
  };
}

function attachmentReply(app: HerokuApp, addon: Addon) {
  const at = stamp(addon.createdAt);
  const owner = { id: app.id, name: app.name };
  return {
    addon: { id: addon.id, name: addon.name, app: owner },
    app: owner,
    created_at: at,
    id: addon.id,
    log_input_url: null,
    // DATABASE_URL belongs to the attachment DATABASE.
    name: (addon.configVars[0] ?? addon.service).split("_")[0],
    namespace: null,
    updated_at: at,
    web_url: null,
  };
}

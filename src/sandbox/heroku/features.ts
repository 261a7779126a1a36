import type { Hono } from "hono";
import { jsonObject, wrote } from "../world.ts";
import { findApp, type HerokuEnv, HerokuRefusal, need } from "./access.ts";
import { stamp } from "./replies.ts";
import { mayChange } from "./sharing.ts";
import type { HerokuApp } from "./state.ts";

const ID = "4cb1f8e5-7d02-4a36-9c58-e1f60a3b7d94";

/** Adds app features; `preboot` is the one that there is. */
export function featureRoutes(app: Hono<HerokuEnv>): void {
  app.get("/apps/:app/features", (c) => {
    need(c, "read");
    return c.json([preboot(findApp(c))]);
  });
  app.get("/apps/:app/features/:feature", (c) => {
    need(c, "read");
    known(c.req.param("feature"));
    return c.json(preboot(findApp(c)));
  });
  app.patch("/apps/:app/features/:feature", (c) => {
    need(c, "write");
    known(c.req.param("feature"));
    const target = mayChange(c, "change features");
    const enabled = jsonObject(c.env.body)?.["enabled"];
    if (typeof enabled !== "boolean")
      throw new HerokuRefusal(422, "invalid_params", "Require params: enabled.");
    // Only standard and performance dynos have it (preboot article).
    if (enabled && target.formation.some((one) => one.type === "web" && /^(eco|basic)$/i.test(one.size)))
      throw new HerokuRefusal(422, "invalid_params", "Preboot is not available for this dyno type.");
    // Neither way restarts anything (preboot article).
    target.preboot = enabled;
    wrote(c.env, "preboot");
    return c.json(preboot(target));
  });
}

function known(feature: string): void {
  if (feature !== "preboot" && feature !== ID)
    throw new HerokuRefusal(404, "not_found", "Couldn't find that feature.", { resource: "feature" });
}

function preboot(app: HerokuApp) {
  const at = stamp(app.createdAt);
  return {
    created_at: at,
    description: "Provide seamless web dyno deploys",
    display_name: "Preboot",
    doc_url: "https://devcenter.heroku.com/articles/preboot",
    enabled: app.preboot,
    feedback_email: "",
    id: ID,
    name: "preboot",
    state: "general",
    updated_at: at,
  };
}

import { Hono } from "hono";
import type { Act } from "./acts.ts";
import type { Control, Settings } from "./control.ts";
import type { Fault } from "./faults.ts";
import { type Effect, isObject, jsonObject, type VendorName } from "./world.ts";

/** The control API: JSON over loopback, refused to browsers of other origins. */
export function controlApp(control: Control, name = ""): Hono {
  const app = new Hono();
  app.use(async (c, next) => {
    // It gives out every credential of the estate: a web page must not reach it by a name that resolves to loopback.
    const host = new URL(c.req.url).hostname;
    const local = host === "127.0.0.1" || host === "localhost" || host === "[::1]";
    if (!local || c.req.header("origin") !== undefined)
      return c.json({ error: "only for loopback clients" }, 403);
    return next();
  });
  app.onError((error, c) => c.json({ error: error.message }, 400));
  app.get("/name", (c) => c.text(name));
  app.get("/truth", (c) => c.json(control.truth()));
  app.get("/estate", (c) => c.json(control.estate()));
  app.get("/journal", (c) => {
    const { vendor, effect, since } = c.req.query();
    const filter: Parameters<Control["journal"]["list"]>[0] = {};
    if (isVendor(vendor)) filter.vendor = vendor;
    if (isEffect(effect)) filter.effect = effect;
    if (since !== undefined) filter.since = Number(since);
    return c.json(control.journal.list(filter));
  });
  app.delete("/journal", (c) => {
    control.journal.clear();
    return c.body(null, 204);
  });
  app.get("/settings", (c) => c.json(control.settings()));
  app.patch("/settings", async (c) => {
    const settings: Settings = object(await c.req.text());
    control.set(settings);
    return c.json(control.settings());
  });
  app.get("/faults", (c) => c.json(control.faults()));
  app.post("/faults", async (c) => c.json(control.addFault(fault(object(await c.req.text()))), 201));
  app.delete("/faults", (c) => {
    control.clearFaults();
    return c.body(null, 204);
  });
  app.delete("/faults/:id", (c) => c.body(null, control.removeFault(Number(c.req.param("id"))) ? 204 : 404));
  app.post("/acts", async (c) => c.json(control.act(act(object(await c.req.text()))), 201));
  return app;
}

const VENDORS: readonly VendorName[] = ["heroku", "github", "infisical", "slack", "mail"];

const KINDS = [
  "status",
  "error-after",
  "lost-reply",
  "lost-request",
  "timeout",
  "late",
  "html",
  "truncated",
  "no-effect",
  "stale",
];

// What reaches these two is checked by name only: the control API is for tests and for people who read its types.
function fault(fields: Record<string, unknown>): Fault {
  if (!KINDS.includes(String(fields["kind"]))) throw new Error(`kind must be one of ${KINDS.join(", ")}`);
  return fields as unknown as Fault;
}

function act(fields: Record<string, unknown>): Act {
  if (typeof fields["act"] !== "string") throw new Error("act must name what happens");
  return fields as unknown as Act;
}

function object(text: string): Record<string, unknown> {
  const fields = jsonObject(text);
  if (!isObject(fields)) throw new Error("the body must be a JSON object");
  return fields;
}

function isVendor(name: string | undefined): name is VendorName {
  return VENDORS.some((one) => one === name);
}

function isEffect(name: string | undefined): name is Effect {
  return name === "none" || name === "read" || name === "write";
}

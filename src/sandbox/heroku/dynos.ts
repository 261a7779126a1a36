import type { Hono } from "hono";
import { isObject, jsonObject, wrote } from "../world.ts";
import { answer, findApp, type HerokuContext, type HerokuEnv, HerokuRefusal, need, now } from "./access.ts";
import { log, runOneOff, scaleDynos, stopDynos } from "./processes.ts";
import { page } from "./ranges.ts";
import { dynoReply, formationReply } from "./replies.ts";
import { mayChange } from "./sharing.ts";
import type { Dyno, HerokuApp } from "./state.ts";

const DAY_SECONDS = 86_400;

/** Adds dynos, one-off ones included, and the formation. */
export function dynoRoutes(app: Hono<HerokuEnv>): void {
  app.get("/apps/:app/dynos", (c) => {
    need(c, "read");
    const target = findApp(c);
    return answer(
      c,
      page(listed(c, target), c.req.header("range") ?? null, {
        name: (one) => one.name,
        id: (one) => one.id,
      }),
      (one) => dynoReply(target, one),
    );
  });
  app.post("/apps/:app/dynos", run);
  app.get("/apps/:app/dynos/:dyno", (c) => {
    need(c, "read");
    const target = findApp(c);
    const dyno = listed(c, target).find(named(c));
    if (!dyno) throw noProcess();
    return c.json(dynoReply(target, dyno));
  });
  app.delete("/apps/:app/dynos", (c) => stop(c, (one) => one.endsAt === null));
  app.delete("/apps/:app/dynos/:dyno", (c) => stop(c, named(c)));
  app.delete("/apps/:app/formations/:type", (c) => stop(c, (one) => one.type === c.req.param("type")));
  // In the Common Runtime a stopped dyno of the formation is started again (dyno-restarts article).
  app.post("/apps/:app/dynos/:dyno/actions/stop", (c) => stop(c, named(c)));
  app.post("/apps/:app/formations/:type/actions/stop", (c) =>
    stop(c, (one) => one.type === c.req.param("type")),
  );
  formationRoutes(app);
}

function listed(c: HerokuContext, app: HerokuApp): Dyno[] {
  return c.env.live.settings.prebootListsOld ? [...app.retiring, ...app.dynos] : app.dynos;
}

function named(c: HerokuContext): (dyno: Dyno) => boolean {
  const asked = c.req.param("dyno");
  return (one) => one.name === asked || one.id === asked;
}

function noProcess(): HerokuRefusal {
  return new HerokuRefusal(404, "not_found", "Couldn't find that process.", { resource: "dyno" });
}

function run(c: HerokuContext): Response {
  need(c, "write");
  const target = mayChange(c, "run one-off dynos");
  const fields = jsonObject(c.env.body);
  if (fields === null) throw new HerokuRefusal(400, "bad_request", "Unable to parse the JSON request.");
  const { command, type, size, env, time_to_live: seconds } = fields;
  if (typeof command !== "string" || command === "")
    throw new HerokuRefusal(422, "invalid_params", "Require params: command.");
  const lives = seconds === undefined || seconds === null ? null : Number(seconds);
  if (lives !== null && !(Number.isInteger(lives) && lives > 0 && lives <= DAY_SECONDS))
    throw new HerokuRefusal(422, "invalid_params", "Invalid time_to_live.");
  const { oneOffMs } = c.env.live.settings;
  const dyno = runOneOff(
    target,
    {
      command,
      lastsMs: lives === null ? oneOffMs : Math.min(lives * 1000, oneOffMs),
      ...(typeof type === "string" ? { type } : {}),
      ...(typeof size === "string" ? { size } : {}),
      ...(isObject(env) ? { env: strings(env) } : {}),
    },
    now(c),
    c.env.world,
  );
  wrote(c.env, "dynos");
  // Nothing listens there: what an attached process prints is not part of the sandbox.
  const attached = fields["attach"] === true ? `rendezvous://rendezvous.invalid:5000/${dyno.id}` : null;
  return c.json({ ...dynoReply(target, dyno), attach_url: attached }, 201);
}

function strings(env: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).map(([name, value]) => [name, String(value)]));
}

function stop(c: HerokuContext, chosen: (dyno: Dyno) => boolean): Response {
  need(c, "write");
  const target = mayChange(c, "restart processes");
  if (!target.dynos.some(chosen)) throw noProcess();
  stopDynos(target, chosen, now(c), c.env.world);
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
    const target = mayChange(c, "scale processes");
    const updates = jsonObject(c.env.body)?.["updates"];
    if (!Array.isArray(updates)) throw new HerokuRefusal(422, "invalid_params", "Require array: updates.");
    const changed = updates
      .filter(isObject)
      .map((update) => scale(c, target, String(update["type"]), update));
    return c.json(changed.map((one) => formationReply(target, one)));
  });
  app.patch("/apps/:app/formation/:type", (c) => {
    need(c, "write");
    const target = mayChange(c, "scale processes");
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

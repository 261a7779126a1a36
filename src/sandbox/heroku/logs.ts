import type { Hono } from "hono";
import { hex, uuid } from "../random.ts";
import { jsonObject, wrote } from "../world.ts";
import { findApp, type HerokuContext, type HerokuEnv, HerokuRefusal, need, now, origin } from "./access.ts";
import { stamp } from "./replies.ts";
import type { HerokuApp, LogLine, LogSession } from "./state.ts";

const OPENS_WITHIN_MS = 5 * 60_000;

/** Adds the creation of log sessions. */
export function logSessionRoutes(app: Hono<HerokuEnv>): void {
  app.post("/apps/:app/log-sessions", (c) => {
    need(c, "read");
    const target = findApp(c);
    const asked = jsonObject(c.env.body) ?? {};
    const dyno = asked["dyno_name"] ?? asked["dyno"] ?? asked["type"];
    const session: LogSession = {
      id: uuid(c.env.world.random),
      appId: target.id,
      createdAt: now(c),
      lines: Math.min(1500, Number(asked["lines"] ?? 100)),
      source: typeof asked["source"] === "string" ? asked["source"] : null,
      dyno: typeof dyno === "string" ? dyno : null,
      tail: asked["tail"] === true,
      key: hex(c.env.world.random, 16),
    };
    c.env.state.logSessions = [...c.env.state.logSessions.slice(-99), session];
    wrote(c.env, "log-session");
    const at = stamp(session.createdAt);
    const url = `${origin(c)}/streams/logs/${session.id}?srv=${session.key}`;
    return c.json({ created_at: at, id: session.id, logplex_url: url, updated_at: at }, 201);
  });
}

/** Adds the streams themselves, which need no token: their URL is the credential. */
export function streamRoutes(app: Hono<HerokuEnv>): void {
  app.get("/streams/logs/:id", (c) => {
    const session = c.env.state.logSessions.find(
      (one) => one.id === c.req.param("id") && one.key === c.req.query("srv"),
    );
    const target = c.env.state.apps.find((one) => one.id === session?.appId);
    if (!session || !target || now(c) > session.createdAt + OPENS_WITHIN_MS) throw gone();
    return new Response(
      session.tail
        ? tail(c, target, session)
        : write(target.log.filter(wanted(session)).slice(-session.lines)),
      {
        headers: { "content-type": "text/event-stream" },
      },
    );
  });
  app.get("/streams/release/:id", (c) => {
    const id = c.req.param("id");
    const target = c.env.state.apps.find((one) => one.releases.some((release) => release.id === id));
    if (!target) throw gone();
    return c.text(`Running release command: ${target.releaseCommand ?? ""}\n`);
  });
}

function gone(): HerokuRefusal {
  return new HerokuRefusal(404, "not_found", "Couldn't find that log session.", { resource: "log-session" });
}

function wanted(session: LogSession): (line: LogLine) => boolean {
  return (line) =>
    (session.source === null || session.source === line.source) &&
    (session.dyno === null || line.dyno === session.dyno || line.dyno.startsWith(`${session.dyno}.`));
}

function write(lines: LogLine[]): string {
  return lines
    .map(
      (line) =>
        `id: ${line.at}\ndata: ${new Date(line.at).toISOString()} ${line.source}[${line.dyno}]: ${line.text}\n\n`,
    )
    .join("");
}

// A tail looks for new lines rather than being told: state stays plain data, and a virtual clock drives it.
function tail(c: HerokuContext, app: HerokuApp, session: LogSession): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const { world } = c.env;
  let open = true;
  let last = app.log.at(-1);
  return new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(encoder.encode(write(app.log.filter(wanted(session)).slice(-session.lines))));
    },
    async pull(controller) {
      while (open) {
        await world.sleep(250);
        const from = last === undefined ? 0 : app.log.lastIndexOf(last) + 1;
        const fresh = app.log.slice(from);
        last = app.log.at(-1);
        const text = write(fresh.filter(wanted(session)));
        if (text !== "" && open) {
          controller.enqueue(encoder.encode(text));
          return;
        }
        if (world.now() > session.createdAt + 3_600_000) {
          controller.close();
          return;
        }
      }
    },
    cancel() {
      open = false;
    },
  });
}

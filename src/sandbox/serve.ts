import { chmodSync } from "node:fs";
import type { Server } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { createAdaptorServer, type HttpBindings } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { controlApp } from "./control-routes.ts";
import { serveMail } from "./mail/server.ts";
import { brokenOff } from "./pipeline.ts";
import type { Sandbox } from "./sandbox.ts";
import { ConnectionLost, type HttpVendor } from "./world.ts";

/** How long what is being handled may go on when the doors close, unless told otherwise, and how long its reply may take to leave. */
const GRACE_MS = 500;
const FLUSH_MS = 100;

type HttpDoor = HttpVendor | "control";
type Door = HttpDoor | "mail";

/** Where a served sandbox is reached: `http://...`, mail by `smtp://...`. */
export interface ServedSandbox {
  urls: Record<Door, string>;
  /** Lets what is being handled end, stops listening and breaks what is still open; the state stays. */
  close(): Promise<void>;
}

/** Doors that somebody may knock at already: whoever does waits until there is a sandbox behind them. */
export interface Doors extends ServedSandbox {
  open(sandbox: Sandbox): void;
}

/**
 * Ports, 0 or absent for any free one; a Unix socket for `gh`, whose plain HTTP goes nowhere else; and a name that the control API
 * tells, since a port can be another sandbox's by tomorrow. `graceMs`: how long what is being handled may go on when they close.
 */
export interface ServeOptions {
  ports?: Partial<Record<Door, number>>;
  githubSocket?: string;
  name?: string;
  graceMs?: number;
}

/** Serves each vendor, and the control API, on a port of 127.0.0.1 of its own. */
export async function serveSandbox(sandbox: Sandbox, options: ServeOptions = {}): Promise<ServedSandbox> {
  const { open, ...served } = await openDoors(options);
  open(sandbox);
  return served;
}

/** Takes the ports, the control API's first: of several processes that want the same ones, only one gets past that. */
export async function openDoors(options: ServeOptions = {}): Promise<Doors> {
  const behind = Promise.withResolvers<Sandbox>();
  const control = behind.promise.then((sandbox) => controlApp(sandbox.control, options.name));
  const vendor = (name: HttpVendor) => async (request: Request) =>
    (await behind.promise).fetch(name, request);
  const doors: Record<HttpDoor, (request: Request) => Promise<Response>> = {
    control: async (request) => (await control).fetch(request),
    heroku: vendor("heroku"),
    github: vendor("github"),
    infisical: vendor("infisical"),
    slack: vendor("slack"),
  };
  const handling = new Set<Promise<Response>>();
  const closers: (() => Promise<void>)[] = [];
  let closing = false;
  const close = async () => {
    // What has begun is finished before the ports are free: another process may take them at once, and go on from the state file.
    closing = true;
    const grace = wait(options.graceMs ?? GRACE_MS, undefined, { ref: false });
    await Promise.race([Promise.allSettled(handling), grace]);
    await Promise.all(closers.map((one) => one()));
  };
  const open = async (door: HttpDoor, where: number | string) => {
    const server = httpServer(async (request) => {
      if (closing) throw new ConnectionLost();
      const reply = doors[door](request);
      handling.add(reply);
      return reply.finally(() => handling.delete(reply));
    });
    await listen(server, where);
    closers.push(() => closed(server));
    const address = server.address();
    return typeof address === "object" && address !== null
      ? `http://127.0.0.1:${address.port}`
      : String(where);
  };
  const port = (door: Door) => options.ports?.[door] ?? 0;
  try {
    const first = await open("control", port("control"));
    const mail = await serveMail(async () => (await behind.promise).smtp, port("mail"));
    closers.push(mail.close);
    const urls = {
      heroku: await open("heroku", port("heroku")),
      github: await open("github", port("github")),
      infisical: await open("infisical", port("infisical")),
      slack: await open("slack", port("slack")),
      mail: mail.url,
      control: first,
    };
    if (options.githubSocket !== undefined) {
      await open("github", options.githubSocket);
      chmodSync(options.githubSocket, 0o600);
    }
    return { urls, close, open: behind.resolve };
  } catch (error) {
    await close();
    throw error;
  }
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    const breakOff = setTimeout(() => server.closeAllConnections(), FLUSH_MS);
    server.close(() => {
      clearTimeout(breakOff);
      resolve();
    });
  });
}

function httpServer(handle: (request: Request) => Response | Promise<Response>): Server {
  const fetch = async (request: Request, { outgoing }: HttpBindings) => {
    try {
      const response = await handle(request);
      const half = brokenOff.get(response);
      if (half === undefined) return response;
      // More is announced than is sent, so that the client knows that it was cut short.
      outgoing.writeHead(response.status, {
        ...Object.fromEntries(response.headers),
        "content-length": half.length * 2 + 1,
      });
      outgoing.write(half, () => outgoing.destroy());
    } catch (error) {
      // A lost connection is a broken socket, not a reply; anything else is a mistake in the sandbox.
      if (!(error instanceof ConnectionLost) && !request.signal.aborted) {
        console.error(error);
        return new Response("The sandbox made a mistake; see its standard error.", { status: 500 });
      }
      outgoing.destroy();
    }
    return RESPONSE_ALREADY_SENT;
  };
  return createAdaptorServer({
    fetch: (request, env) => fetch(request, env as HttpBindings),
    overrideGlobalObjects: false,
  }) as Server;
}

function listen(server: Server, where: number | string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    const ready = () => {
      server.off("error", reject);
      resolve();
    };
    if (typeof where === "number") server.listen(where, "127.0.0.1", ready);
    else server.listen(where, ready);
  });
}

import { chmodSync } from "node:fs";
import type { Server } from "node:http";
import { createAdaptorServer, type HttpBindings } from "@hono/node-server";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { controlApp } from "./control-routes.ts";
import { serveMail } from "./mail/server.ts";
import { brokenOff } from "./pipeline.ts";
import type { Sandbox } from "./sandbox.ts";
import { ConnectionLost, type HttpVendor } from "./world.ts";

type HttpDoor = HttpVendor | "control";
type Door = HttpDoor | "mail";

/** Where a served sandbox is reached: `http://...`, mail by `smtp://...`. */
export interface ServedSandbox {
  urls: Record<Door, string>;
  /** Stops listening and breaks open connections; the state stays. */
  close(): Promise<void>;
}

/** Ports, 0 or absent for any free one; a Unix socket for `gh`, whose plain HTTP goes nowhere else. */
export interface ServeOptions {
  ports?: Partial<Record<Door, number>>;
  githubSocket?: string;
}

/** Serves each vendor, and the control API, on a port of 127.0.0.1 of its own. */
export async function serveSandbox(sandbox: Sandbox, options: ServeOptions = {}): Promise<ServedSandbox> {
  const control = controlApp(sandbox.control);
  const doors: Record<HttpDoor, (request: Request) => Response | Promise<Response>> = {
    heroku: (request) => sandbox.fetch("heroku", request),
    github: (request) => sandbox.fetch("github", request),
    infisical: (request) => sandbox.fetch("infisical", request),
    slack: (request) => sandbox.fetch("slack", request),
    control: (request) => control.fetch(request),
  };
  const servers: Server[] = [];
  const open = async (door: HttpDoor, where: number | string) => {
    const server = httpServer(doors[door]);
    servers.push(server);
    await listen(server, where);
    const address = server.address();
    return typeof address === "object" && address !== null
      ? `http://127.0.0.1:${address.port}`
      : String(where);
  };
  let mail: { url: string; close(): Promise<void> } | null = null;
  const close = async () => {
    await mail?.close();
    await Promise.all(
      servers.map(
        (server) =>
          new Promise<void>((resolve) => {
            server.close(() => resolve());
            server.closeAllConnections();
          }),
      ),
    );
  };
  try {
    const port = (door: Door) => options.ports?.[door] ?? 0;
    mail = await serveMail(sandbox.smtp, port("mail"));
    const urls = {
      heroku: await open("heroku", port("heroku")),
      github: await open("github", port("github")),
      infisical: await open("infisical", port("infisical")),
      slack: await open("slack", port("slack")),
      mail: mail.url,
      control: await open("control", port("control")),
    };
    if (options.githubSocket !== undefined) {
      await open("github", options.githubSocket);
      chmodSync(options.githubSocket, 0o600);
    }
    return { urls, close };
  } catch (error) {
    await close();
    throw error;
  }
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

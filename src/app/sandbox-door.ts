import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { homeTrouble } from "../engine/embedded/trouble.ts";
import type { Redirection } from "./connections.ts";

/** A sandbox that this process can use: a running one, or one of its own. */
export interface SandboxDoor {
  readonly redirection: Redirection;
  readonly controlUrl: string;
  /** Stops the sandbox if it is this process's own. */
  close(): Promise<void>;
}

interface Endpoint {
  readonly pid: number;
  readonly urls: Readonly<Record<string, string>>;
}

/** The directory of everything that belongs to the sandbox of a project: its own Lockstep home beside the vendors' state. */
export function sandboxHome(root: string): string {
  return path.join(root, ".lockstep", "sandbox");
}

/** Uses the sandbox that runs for this directory, or starts one in this process that goes on from its last state. */
export async function openSandbox(root: string): Promise<SandboxDoor> {
  const running = await runningSandbox(root);
  if (running) return running;
  const served = await serveHere(root);
  return { ...(await doorTo(served.urls)), close: served.close };
}

/** The sandbox that another process runs for this directory, if it answers. */
export async function runningSandbox(root: string): Promise<SandboxDoor | undefined> {
  const endpoint = readEndpoint(root);
  if (!endpoint) return undefined;
  try {
    return { ...(await doorTo(endpoint.urls)), close: async () => {} };
  } catch {
    // The file outlived its process; the next sandbox overwrites it.
    return undefined;
  }
}

/** Serves a sandbox in this process and leaves word of it for the others. */
export async function serveHere(
  root: string,
): Promise<{ urls: Readonly<Record<string, string>>; close(): Promise<void> }> {
  const [{ createSandbox }, { serveSandbox }, { raxxEstate }] = await Promise.all([
    import("../sandbox/sandbox.ts"),
    import("../sandbox/serve.ts"),
    import("../sandbox/estate.ts"),
  ]);
  const home = sandboxHome(root);
  const inHome = async <T>(body: () => T | Promise<T>): Promise<T> => {
    try {
      return await body();
    } catch (thrown) {
      throw homeTrouble(thrown, home);
    }
  };
  const sandbox = await inHome(() => {
    mkdirSync(home, { recursive: true, mode: 0o700 });
    return createSandbox({ estate: raxxEstate(), stateFile: path.join(home, "vendors.json") });
  });
  const served = await serveSandbox(sandbox);
  const endpoint: Endpoint = { pid: process.pid, urls: { ...served.urls } };
  await inHome(() => writeFileSync(endpointFile(root), JSON.stringify(endpoint), { mode: 0o600 }));
  return {
    urls: { ...served.urls },
    close: async () => {
      if (readEndpoint(root)?.pid === process.pid) rmSync(endpointFile(root), { force: true });
      await served.close();
    },
  };
}

async function doorTo(urls: Readonly<Record<string, string>>): Promise<Omit<SandboxDoor, "close">> {
  const control = urls["control"] ?? "";
  const reply = await fetch(`${control}/estate`, { signal: AbortSignal.timeout(2_000), redirect: "error" });
  const estate = (await reply.json()) as {
    github: { tokens: Record<string, string> };
    infisical: { identities: Record<string, { clientId: string; clientSecret: string }> };
    slack: { bots: Record<string, { token: string }> };
    mail: { accounts: Record<string, string> };
    pages: Record<string, string>;
  };
  const identity = estate.infisical.identities["lockstep"];
  const [user = "", password = ""] = Object.entries(estate.mail.accounts)[0] ?? [];
  return {
    controlUrl: control,
    redirection: {
      urls,
      pages: Object.fromEntries(
        Object.entries(estate.pages).map(([origin, path]) => [origin, `${urls["heroku"] ?? ""}${path}`]),
      ),
      credentials: {
        github: { token: estate.github.tokens["rotation"] ?? "" },
        infisical: { clientId: identity?.clientId ?? "", clientSecret: identity?.clientSecret ?? "" },
        slack: { token: estate.slack.bots["lockstep"]?.token ?? "" },
        mail: { user, password },
      },
    },
  };
}

function readEndpoint(root: string): Endpoint | undefined {
  try {
    return JSON.parse(readFileSync(endpointFile(root), "utf8")) as Endpoint;
  } catch {
    return undefined;
  }
}

function endpointFile(root: string): string {
  return path.join(sandboxHome(root), "endpoint.json");
}

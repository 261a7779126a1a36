import { execFile } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createSandbox, type Sandbox, type SandboxOptions } from "../src/sandbox/sandbox.ts";
import { type ServedSandbox, serveSandbox } from "../src/sandbox/serve.ts";

/** A served sandbox with a home directory of its own for the clients that want one. */
export interface Served {
  sandbox: Sandbox;
  urls: ServedSandbox["urls"];
  /** Home directory, and Unix socket of GitHub. */
  home: string;
  socket: string;
  /** Method, path and status of every request since the last call, e.g. `GET /account 200`. */
  requests(): string[];
  close(): Promise<void>;
}

/** Serves a new sandbox on free ports. */
export async function serve(options: SandboxOptions = {}): Promise<Served> {
  const home = mkdtempSync(join(tmpdir(), "fidelity-"));
  const socket = join(home, "github.sock");
  const sandbox = await createSandbox(options);
  const { urls, close } = await serveSandbox(sandbox, { githubSocket: socket });
  const { journal } = sandbox.control;
  return {
    sandbox,
    urls,
    home,
    socket,
    requests() {
      const seen = journal.list().map((one) => `${one.method} ${one.path} ${one.status}`);
      journal.clear();
      return seen;
    },
    async close() {
      await close();
      rmSync(home, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** What a command left behind. */
export interface Ran {
  code: number;
  stdout: string;
  /** Standard error as one line: the CLIs wrap it to the width of a terminal. */
  stderr: string;
}

const HEROKU = fileURLToPath(new URL("node_modules/heroku/bin/run.js", import.meta.url));

/** Runs the heroku CLI against a sandbox; nothing of it reaches another host or the user's own home. */
export function heroku(served: Served, key: string, ...args: string[]): Promise<Ran> {
  // Without this file every first run warns of changed terms.
  const cache = join(served.home, "cache", "heroku");
  mkdirSync(cache, { recursive: true });
  writeFileSync(join(cache, "terms-of-service"), "");
  return run(process.execPath, ["--no-deprecation", HEROKU, ...args], {
    HOME: served.home,
    XDG_CACHE_HOME: join(served.home, "cache"),
    XDG_CONFIG_HOME: join(served.home, "config"),
    XDG_DATA_HOME: join(served.home, "data"),
    GIT_CONFIG_GLOBAL: join(served.home, ".gitconfig"),
    HEROKU_HOST: served.urls.heroku,
    HEROKU_API_KEY: key,
    HEROKU_PARTICLEBOARD_URL: served.urls.heroku,
    HEROKU_DISABLE_AUTOUPDATE: "1",
    HEROKU_SKIP_NEW_VERSION_CHECK: "true",
    DISABLE_TELEMETRY: "true",
    NODE_COMPILE_CACHE: fileURLToPath(new URL("node_modules/.cache/v8", import.meta.url)),
  });
}

/** Runs `gh` against a sandbox, by the Unix socket. */
export function gh(served: Served, token: string, ...args: string[]): Promise<Ran> {
  writeFileSync(join(served.home, "config.yml"), `http_unix_socket: ${served.socket}\n`);
  return run("gh", args, {
    HOME: served.home,
    GH_CONFIG_DIR: served.home,
    GH_TOKEN: token,
    GH_NO_UPDATE_NOTIFIER: "1",
    GH_PROMPT_DISABLED: "1",
  });
}

/** The version of `gh` on this machine; null where there is none. */
export async function ghVersion(): Promise<string | null> {
  const { code, stdout } = await run("gh", ["--version"], {});
  return code === 0 ? (/\d[\d.]*/.exec(stdout)?.[0] ?? null) : null;
}

function run(file: string, args: string[], env: Record<string, string>): Promise<Ran> {
  // Only what is named here: no key, proxy or setting of the person who runs the tests.
  const all = { PATH: process.env["PATH"] ?? "", LANG: "C.UTF-8", NO_COLOR: "1", COLUMNS: "400", ...env };
  return new Promise((resolve) => {
    const child = execFile(file, args, { env: all, timeout: 240_000 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      resolve({ code, stdout, stderr: stderr.replaceAll("›", " ").replace(/\s+/g, " ").trim() });
    });
    child.stdin?.end();
  });
}

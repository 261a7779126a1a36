import { type ChildProcessWithoutNullStreams, execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { endServersBelow, until } from "../../src/engine/embedded/harness.ts";
import { createSandbox, type Sandbox } from "../../src/sandbox/sandbox.ts";
import { type ServedSandbox, serveSandbox } from "../../src/sandbox/serve.ts";
import { raxx } from "./raxx-config.ts";

export const COMMAND = fileURLToPath(new URL("../../bin/lockstep.js", import.meta.url));

/** What a command left. */
export interface Left {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A command that is running. */
export interface Running {
  readonly pid: number;
  /** Resolves when what it has written to stdout or to stderr matches. */
  until(text: RegExp): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  readonly left: Promise<Left>;
}

export interface Called {
  readonly dir: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly node?: string;
  /** In a session of its own, so that not even the terminal of whoever runs the tests is there. */
  readonly detached?: boolean;
}

/** Starts `lockstep …` as a person without a terminal does. */
export function start(where: Called, ...args: string[]): Running {
  return running(where, where.node ?? process.execPath, [COMMAND, ...args]);
}

/**
 * Types a line as it was printed into a shell, and waits for its end: the command, and four spaces behind it what it does. What
 * the line has to be given on stdin comes from `stdin`.
 */
export function type(where: Called, printed: string, stdin?: string): Promise<Left> {
  const [command = ""] = printed.trim().split(/ {4}/);
  const shell = `lockstep() { "$SHELL_NODE" "$SHELL_COMMAND" "$@"; }\n${command}`;
  const env = { ...where.env, SHELL_NODE: where.node ?? process.execPath, SHELL_COMMAND: COMMAND };
  return running({ ...where, env }, "/bin/sh", ["-c", shell], stdin).left;
}

/**
 * A command on a terminal of its own, and what a person types there: its exit code and its screen. Undefined without script(1),
 * which makes the terminal and which not every system has.
 */
export function onTerminal(where: Called, typed: string, ...args: string[]): Omit<Left, "err"> | undefined {
  if (!hasTerminals()) return undefined;
  const { CI: _ci, ...env } = process.env;
  const { status, stdout } = spawnSync("script", terminalFor(args), {
    cwd: where.dir,
    env: { ...env, ...where.env },
    input: typed,
    encoding: "utf8",
  });
  return { code: status, out: stdout };
}

/** The same, where a person waits for what is asked before typing. */
export function atTerminal(
  where: Called,
  ...args: string[]
): (Running & { say(text: string): void }) | undefined {
  if (!hasTerminals()) return undefined;
  const child = spawned(where, "script", terminalFor(args));
  return { ...watched(child), say: (text) => void child.stdin.write(text) };
}

function hasTerminals(): boolean {
  return spawnSync("script", ["--version"]).status === 0;
}

function terminalFor(args: readonly string[]): string[] {
  return ["-qec", [process.execPath, COMMAND, ...args].join(" "), "/dev/null"];
}

function running(where: Called, program: string, args: readonly string[], stdin?: string): Running {
  const child = spawned(where, program, args);
  child.stdin.end(stdin ?? "");
  return watched(child);
}

function spawned(where: Called, program: string, args: readonly string[]): ChildProcessWithoutNullStreams {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(LOCKSTEP|INFISICAL|GITHUB|HEROKU|VITEST|NODE_OPTIONS|CI$)/.test(name),
  );
  const child = spawn(program, [...args], {
    cwd: where.dir,
    env: { ...Object.fromEntries(kept), ...where.env },
    stdio: ["pipe", "pipe", "pipe"],
    detached: where.detached ?? false,
  });
  // A program that does not read says so by its exit code.
  child.stdin.on("error", () => {});
  return child;
}

function watched(child: ChildProcessWithoutNullStreams): Running {
  let [out, err] = ["", ""];
  const waiting: { text: RegExp; seen(): void }[] = [];
  const look = () => {
    for (const one of waiting) if (one.text.test(err) || one.text.test(out)) one.seen();
  };
  child.stdout.on("data", (chunk: Buffer) => {
    out += chunk.toString("utf8");
    look();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    err += chunk.toString("utf8");
    look();
  });
  const left = new Promise<Left>((resolve) => {
    child.once("close", (code) => resolve({ code, out, err }));
  });
  return {
    pid: child.pid ?? 0,
    left,
    signal: (signal) => child.kill(signal),
    until: (text) =>
      new Promise((seen, reject) => {
        waiting.push({ text, seen });
        look();
        void left.then(() => reject(new Error(`it ended without ${text}: ${err}`)));
      }),
  };
}

/** Calls a command and waits for its end. */
export function call(where: Called, ...args: string[]): Promise<Left> {
  return start(where, ...args).left;
}

/** Stdout as exactly one JSON document. */
export function json<T = Record<string, unknown>>(left: Left): T {
  return JSON.parse(left.out) as T;
}

/** The error of a command that was called with `--json`. */
export function errorOf(left: Left): { code: string; message: string; because: string; next: string } {
  return json<{ error: { code: string; message: string; because: string; next: string } }>(left).error;
}

/** Vendors over HTTP, and directories whose configuration leads to them. */
export interface Site {
  readonly sandbox: Sandbox;
  readonly env: Readonly<Record<string, string>>;
  readonly urls: ServedSandbox["urls"];
  /** A directory of its own, with an installation that has never run anything. */
  project(change?: (config: ReturnType<typeof raxx>) => unknown): Promise<Called>;
  close(): Promise<void>;
}

/** Serves a sandbox, and prepares one installation that all directories are copies of: a database is made only once. */
export async function openSite(): Promise<Site> {
  const sandbox = await createSandbox();
  const served = await serveSandbox(sandbox);
  const { github, infisical } = sandbox.control.estate();
  const identity = infisical.identities["lockstep"];
  const env = {
    GITHUB_API_SECRETS_TOKEN: github.tokens["rotation"] ?? "",
    INFISICAL_CLIENT_ID: identity?.clientId ?? "",
    INFISICAL_CLIENT_SECRET: identity?.clientSecret ?? "",
  };
  const dirs: string[] = [];
  const make = (change?: (config: ReturnType<typeof raxx>) => unknown): Called => {
    const dir = mkdtempSync(path.join(tmpdir(), "lockstep-flow-"));
    dirs.push(dir);
    const config = raxx();
    // Whoever runs the tests may do everything, and nobody is told; a test that wants it otherwise says so.
    delete config.operators;
    delete config.notify;
    // Pages are those of the app that trades.
    for (const one of Object.values(config.connections))
      one.url = one.vendor === "web" ? `${served.urls.heroku}/_apps/raxx-api-prod` : served.urls[one.vendor];
    for (const one of Object.values(config.secrets))
      Object.assign(one, { soak: "500ms", steady: "500ms", propagation: "500ms" });
    const changed = change ? change(config) : config;
    writeFileSync(path.join(dir, "lockstep.config.ts"), `export default ${JSON.stringify(changed)};\n`);
    return { dir, env };
  };
  let template: Promise<string> | undefined;
  const prepare = async () => {
    const first = make();
    const { code, err } = await call(first, "status");
    if (code !== 0) throw new Error(`the first installation failed: ${err}`);
    // The database stops after its last command; a copy of a running one would be none.
    const cluster = path.join(first.dir, ".lockstep", "postgres-18");
    const runs = () =>
      [".s.PGSQL.5432", "data/postmaster.pid"].some((name) => existsSync(path.join(cluster, name)));
    await until(() => !runs(), "the database of the first installation stops");
    return first.dir;
  };
  return {
    sandbox,
    env,
    urls: served.urls,
    project: async (change) => {
      template ??= prepare();
      const from = path.join(await template, ".lockstep");
      const made = make(change);
      execFileSync("cp", ["-a", from, path.join(made.dir, ".lockstep")]);
      return made;
    },
    close: async () => {
      await served.close();
      for (const dir of dirs) {
        // The last command stops its server, and does not wait for its end.
        await endServersBelow(dir);
        rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
      }
    },
  };
}

/** An empty directory with this text as configuration, or with none. */
export function bare(config?: string): Called & { close(): void; hasHome(): boolean } {
  const dir = mkdtempSync(path.join(tmpdir(), "lockstep-flow-"));
  if (config !== undefined) writeFileSync(path.join(dir, "lockstep.config.ts"), config);
  return {
    dir,
    close: () => rmSync(dir, { recursive: true, force: true }),
    hasHome: () => existsSync(path.join(dir, ".lockstep")),
  };
}

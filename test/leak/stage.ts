/** A project directory with a sandbox of its own, the commands that are run in it, and everything that they leave behind. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { serveHere } from "../../src/app/sandbox-serving.ts";
import { cleanUp, place } from "../../src/engine/embedded/harness.ts";
import { raxxEstate } from "../../src/sandbox/estate.ts";
import { alphanumeric } from "../../src/sandbox/random.ts";
import { createSandbox, type Sandbox } from "../../src/sandbox/sandbox.ts";
import { echoFault, type VendorName } from "./hostile.ts";
import { outsideSinks } from "./outside.ts";
import type { Known } from "./search.ts";
import { filesBelow, type Leak, leaksIn, type Sink, tablesOf, watchProcesses } from "./sinks.ts";
import { freshToken, known, valuesOf } from "./values.ts";

const REPOSITORY = path.resolve(import.meta.dirname, "../..");
/** What `lockstep` runs. */
export const PROGRAM = path.join(REPOSITORY, "bin/lockstep.js");

/** How a command ended. */
export interface Ended {
  readonly exit: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs. */
interface Running {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Waits until it has printed this. */
  said(words: string | RegExp): Promise<void>;
}

/** How a command is started. */
export interface How {
  readonly env?: Readonly<Record<string, string>>;
  /** Another program than Lockstep's: arguments of `node`. */
  readonly node?: readonly string[];
  /** What it reads from its standard input. */
  readonly input?: string;
}

/** Requests that a vendor refuses with this status, repeating their credential and body in its answer. */
export interface Repeater {
  readonly vendor: VendorName;
  readonly method: string;
  readonly path: RegExp;
  readonly status: number;
}

/** Where flows are played. */
export interface Stage {
  /** The project directory. */
  readonly root: string;
  /** `.lockstep/sandbox/`. */
  readonly home: string;
  readonly sandbox: Sandbox;
  /** Has a vendor refuse such requests and repeat in its answer what was sent; undefined: nobody does. */
  repeat(which: Repeater | undefined): void;
  start(words: readonly string[], how?: How): Running;
  run(words: readonly string[], how?: How): Promise<Ended>;
  /** Resolves when all processes that live now have been looked at. */
  looked(): Promise<void>;
  /** All values: of vendors, key file and the environment that commands get. */
  known(): readonly Known[];
  /** Everything that is there by now. No command may be running. */
  sinks(): Promise<readonly Sink[]>;
  /** Searches everything for all values, or for these. */
  leaks(known?: readonly Known[]): Promise<readonly Leak[]>;
  close(): Promise<void>;
}

/** What an operator's shell holds besides: a command in the sandbox has no business with it. */
function operatorsEnvironment(): Readonly<Record<string, string>> {
  const key = () => randomBytes(32).toString("base64url");
  return {
    HEROKU_API_KEY: freshToken(),
    GITHUB_API_SECRETS_TOKEN: `github_pat_${alphanumeric(randomBytes, 22)}_${alphanumeric(randomBytes, 59)}`,
    INFISICAL_CLIENT_SECRET: randomBytes(32).toString("hex"),
    LOCKSTEP_KEYS: `k1:${key()},fingerprint:${key()}`,
    LOCKSTEP_DATABASE_URL: `postgresql://lockstep:${alphanumeric(randomBytes, 24)}@127.0.0.1:9/none`,
  };
}

function valuesIn(env: Readonly<Record<string, string>>): Known[] {
  return Object.entries(env).flatMap(([name, text]) => {
    if (name === "LOCKSTEP_DATABASE_URL")
      return [known("operator's database password", new URL(text).password)];
    if (name !== "LOCKSTEP_KEYS") return [known(`operator's ${name}`, text)];
    return text.split(",").map((part) => {
      const [id = "", key = ""] = part.split(":");
      return { name: `operator's key ${id}`, bytes: Buffer.from(key, "base64url") };
    });
  });
}

/** Sets a stage, the example's configuration changed as told; the sandbox runs in this process, so that a test can reach its faults and its truth. */
export async function setStage(change = (config: string) => config): Promise<Stage> {
  const top = place();
  const [root, home, tmp, user] = ["project", "project/.lockstep/sandbox", "tmp", "user"].map((name) => {
    mkdirSync(path.join(top, name), { recursive: true, mode: 0o700 });
    return path.join(top, name);
  }) as [string, string, string, string];
  const example = readFileSync(path.join(REPOSITORY, "examples/raxx/lockstep.config.ts"), "utf8");
  writeFileSync(path.join(root, "lockstep.config.ts"), change(example));
  const sandbox = await createSandbox({ estate: raxxEstate(), stateFile: path.join(home, "vendors.json") });
  let repeater: Repeater | undefined;
  const fetch: Sandbox["fetch"] = async (vendor, request) =>
    (repeater && (await repeated(repeater, vendor, request))) ?? sandbox.fetch(vendor, request);
  const repeating = Object.create(sandbox, { fetch: { value: fetch } }) as Sandbox;
  const served = await serveHere(root, async () => repeating);
  const operators = operatorsEnvironment();
  const env = {
    PATH: "/usr/bin:/bin",
    HOME: user,
    TMPDIR: tmp,
    XDG_CACHE_HOME: path.join(user, "cache"),
    ...operators,
  };
  const printed: Sink[] = [];
  const watch = watchProcesses(top);

  const start: Stage["start"] = (words, how = {}) => {
    const child = spawn(process.execPath, [...(how.node ?? [PROGRAM]), ...words], {
      cwd: root,
      env: { ...env, ...how.env },
      stdio: [how.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
    });
    child.stdin?.end(how.input);
    return follow(child, words, printed);
  };
  const byDesign = (relative: string) =>
    /^project\/\.lockstep\/sandbox\/(vendors|keys)\.json$/.test(relative);
  const allKnown = () => [...valuesOf(home), ...valuesIn(operators)];
  const sinks = async () => {
    const homes = [home, path.join(root, ".lockstep")].filter((one) => existsSync(path.join(one, "version")));
    const tables = await Promise.all(homes.map(tablesOf));
    const left = [...tables.flat(), ...filesBelow(top, byDesign)];
    return [...watch.seen(), ...printed, ...outsideSinks(sandbox), ...left];
  };
  return {
    root,
    home,
    sandbox,
    repeat: (which) => {
      repeater = which;
    },
    start,
    run: (words, how) => start(words, how).ended,
    looked: () => watch.looked(),
    known: allKnown,
    sinks,
    leaks: async (values) => leaksIn(await sinks(), values ?? allKnown()),
    close: async () => {
      await watch.stop();
      await served.close?.();
      await cleanUp();
    },
  };
}

async function repeated(which: Repeater, vendor: string, request: Request): Promise<Response | undefined> {
  const { pathname } = new URL(request.url);
  if (vendor !== which.vendor || request.method !== which.method || !which.path.test(pathname))
    return undefined;
  const body = await request.clone().text();
  const fault = echoFault(which.vendor, which.status, `${request.headers.get("authorization")} ${body}`);
  return Response.json(fault.body, { status: which.status, headers: fault.headers ?? {} });
}

function follow(child: ChildProcess, words: readonly string[], printed: Sink[]): Running {
  const parts = { stdout: "", stderr: "" };
  const waiting = new Set<() => void>();
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.setEncoding("latin1").on("data", (text: string) => {
      parts[name] += text;
      for (const look of waiting) look();
    });
  }
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (exit) => {
      for (const name of ["stdout", "stderr"] as const)
        printed.push({ name: `${name} of ${words.join(" ")}`, bytes: Buffer.from(parts[name], "latin1") });
      for (const look of waiting) look();
      resolve({ exit, ...parts });
    });
  });
  return {
    process: child,
    ended,
    said: (wanted) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const text = parts.stdout + parts.stderr;
          const there = typeof wanted === "string" ? text.includes(wanted) : wanted.test(text);
          if (!there && child.exitCode === null && child.signalCode === null) return;
          waiting.delete(look);
          if (there) resolve();
          else reject(new Error(`${words.join(" ")} ended without saying ${wanted}`));
        };
        waiting.add(look);
        look();
      }),
  };
}

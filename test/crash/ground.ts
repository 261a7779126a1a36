import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { answer, claim, taskOf } from "../../src/app/answering.ts";
import type { Config } from "../../src/app/config.ts";
import { decide } from "../../src/app/decisions.ts";
import { type Home, openHome } from "../../src/app/home.ts";
import { loadConfig } from "../../src/app/load-config.ts";
import { RUNBOOKS_VERSION } from "../../src/app/runbooks.ts";
import { followRun, planFor, type RunView, startRun } from "../../src/app/runs.ts";
import { serveHere } from "../../src/app/sandbox-serving.ts";
import type { PlanRequest } from "../../src/app/snapshot.ts";
import type { Decision } from "../../src/core/circumstances.ts";
import type { Plan } from "../../src/core/plan.ts";
import { type EngineClient, openClient } from "../../src/engine/client.ts";
import { endServersBelow } from "../../src/engine/embedded/harness.ts";
import { type EmbeddedServer, openEmbedded } from "../../src/engine/embedded/server.ts";
import { raxxEstate } from "../../src/sandbox/estate.ts";
import { createSandbox, type Sandbox } from "../../src/sandbox/sandbox.ts";
import { journalSealer } from "../../src/sealing/envelope.ts";
import { type Crew, openCrew } from "./crew.ts";
import { type Watch, watched } from "./estate.ts";
import type { Hit, Order } from "./hook.ts";

/** The secret that is rotated again and again: each run starts from what the one before left. */
export const SECRET = "heroku-api-key";

/** How long is waited for what should come; only to say what has not. */
const PATIENCE_MS = 240_000;

/** Who starts the runs and decides on them. */
const ACTOR = { name: "crash suite", assurance: "local user", role: "superadmin" } as const;

/** A project directory with its configuration. */
export interface Project {
  readonly dir: string;
  readonly plan: Plan;
}

/** Makes one, its configuration changed as told, and compiles the plan that its rotations will have. */
export async function makeProject(change = (config: string) => config): Promise<Project> {
  const dir = mkdtempSync(path.join(roomy("/dev/shm") ? "/dev/shm" : tmpdir(), "lockstep-crash-"));
  writeFileSync(path.join(dir, "lockstep.config.ts"), change(configuration()));
  return { dir, plan: planOf((await loadConfig(dir)).config) };
}

/** What a run is asked for; a rotation without more. */
type Asked = Partial<Pick<PlanRequest, "flow" | "supplied" | "ending">>;

/** The plan of such a run. */
export function planOf(config: Config, asked: Asked = {}): Plan {
  return planFor(config, { secret: SECRET, flow: "rotate", reason: "scheduled", sandbox: true, ...asked });
}

/** A project with its sandbox (served here, so that the truth is at hand), its PostgreSQL, and its workers. */
export interface Ground {
  readonly home: Home;
  readonly sandbox: Sandbox;
  readonly watch: Watch;
  readonly crew: Crew;
  /** Starts a rotation in which workers will be struck, one after the other, as ordered. */
  start(...orders: readonly Order[]): Promise<string>;
  /** The same with another run. */
  startOf(asked: Asked, ...orders: readonly Order[]): Promise<string>;
  /**
   * Waits for its end; a held run, or one that takes too long, is an error that says what happened. `answered` is the
   * question that was just answered: until a process takes the answer up the run shows as waiting for it.
   */
  end(run: string, answered?: string): Promise<RunView>;
  /** Waits until it is held or waits for a task, or however else it stops; `answered` is the question that was just decided. */
  stops(run: string, answered?: string): Promise<RunView>;
  /** Tells a run that is held or waits what a person decided. */
  decide(view: RunView, choice: Decision["choice"]): Promise<void>;
  /** Answers the task that a run waits for, as done by hand, or with what was asked for. */
  answer(view: RunView, fields?: Readonly<Record<string, string>>): Promise<void>;
  /** Where processes were really struck so far. */
  hits(run: string): readonly Hit[];
  /** Waits until so many were struck: what a run shows is there before the last moments of its entry. */
  struck(run: string, count: number): Promise<void>;
  /** The file that names the database server's process in its first line. */
  readonly postmaster: string;
  /** Starts the database again, as the next command would, and stays with it. */
  restore(): Promise<void>;
  close(): Promise<void>;
}

/** Opens it with so many workers. */
export async function openGround({ dir }: Project, workers: number): Promise<Ground> {
  const orders = path.join(dir, "orders");
  mkdirSync(orders);
  const { sandbox, watch, close: closeSandbox } = await openSandbox(dir);
  const home = await openHome({ cwd: dir, env: process.env, sandbox: true });
  await home.database.query(ALWAYS_FULL);
  const crew = await openCrew({ dir, orders }, workers);
  const postmaster = path.join(home.dir, "postgres-18", "data", "postmaster.pid");
  const servers: EmbeddedServer[] = [];
  const client = await openClient(home.databaseUrl, journalSealer(home.ring), RUNBOOKS_VERSION);
  return {
    home,
    sandbox,
    watch,
    crew,
    start: (...wanted) => start({ home, client, orders }, {}, wanted),
    startOf: (asked, ...wanted) => start({ home, client, orders }, asked, wanted),
    end: (run, answered) => end({ home, client, crew }, run, answered),
    stops: (run, answered) => stops(home, run, answered),
    decide: ({ run }, choice) => decide(home, client, run, { choice }, ACTOR),
    answer: async ({ run }, fields) => {
      const task = await taskOf(home, run.id);
      await claim(home, task, ACTOR, false);
      await answer(home, client, task, ACTOR, { is: "done", ...(fields && { fields }) });
    },
    hits: (run) => hitsOf(orders, run),
    struck: async (run, count) => {
      const over = AbortSignal.timeout(PATIENCE_MS);
      while (hitsOf(orders, run).length < count && !over.aborted) await sleep(20);
    },
    postmaster,
    restore: async () => {
      servers.push(await openEmbedded(home.dir));
    },
    close: async () => {
      await crew.close();
      await client.close();
      await home.close();
      for (const server of servers) await server.close();
      await closeSandbox();
      // The last user stops the server, and does not wait for its end.
      await endServersBelow(dir);
      rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** The example's configuration without its waits; Vite, which loads it here, would not find the package by its name. */
function configuration(): string {
  const here = (file: string) => fileURLToPath(new URL(`../../${file}`, import.meta.url));
  return readFileSync(here("examples/raxx/lockstep.config.ts"), "utf8")
    .replace('from "lockstep"', `from ${JSON.stringify(here("src/index.ts"))}`)
    .replace('cadence: "90d",', 'cadence: "90d", soak: "0", steady: "0", propagation: "0",');
}

// A rotation every second or two uses up what Infisical allows a minute, and workers would wait for it most of the time.
const ALWAYS_FULL = `
  CREATE FUNCTION lockstep.always_full() RETURNS trigger LANGUAGE plpgsql
    AS 'BEGIN NEW.level := 1000000; RETURN NEW; END';
  CREATE TRIGGER always_full BEFORE INSERT OR UPDATE ON lockstep.budget
    FOR EACH ROW EXECUTE FUNCTION lockstep.always_full()`;

async function openSandbox(dir: string) {
  const inner = await createSandbox({ estate: raxxEstate() });
  // So many rotations in two minutes are no rotation's habit: Heroku's pool would be empty after a hundred.
  inner.control.set({ heroku: { poolSize: 10_000_000 } });
  inner.heroku.pool.remaining = 10_000_000;
  const { sandbox, watch } = watched(inner);
  const { close = async () => {} } = await serveHere(dir, async () => sandbox);
  return { sandbox, watch, close };
}

async function start(
  given: { home: Home; client: EngineClient; orders: string },
  asked: Asked,
  wanted: readonly Order[],
): Promise<string> {
  const { home, client, orders } = given;
  const flow = asked.flow ?? "rotate";
  const [{ n } = { n: 1 }] = await home.database.query<{ n: number }>(
    "SELECT count(*)::int + 1 AS n FROM lockstep.run WHERE secret = $1 AND flow = $2",
    [SECRET, flow],
  );
  const id = `${SECRET}.${flow}.${n}`;
  if (wanted.length > 0) writeFileSync(path.join(orders, `${id}.orders`), JSON.stringify(wanted));
  const { run, attached } = await startRun(home, client, planOf(home.config, asked), ACTOR);
  if (attached || run.id !== id)
    throw new Error(`${run.id} was left behind by an earlier scenario: ${run.status}`);
  return id;
}

async function end(
  { home, client, crew }: { home: Home; client: EngineClient; crew: Crew },
  run: string,
  answered: string | undefined,
): Promise<RunView> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  const options = { signal, ...(answered !== undefined && { answered }) };
  const view = await followRun(home, run, () => {}, options);
  if (view.run.status === "completed") {
    // What is shown as completed must also be over for the engine.
    await client.result(run, { signal });
    return view;
  }
  const steps = view.steps.filter((step) => step.state !== "done");
  throw new Error(
    `${run} is ${view.run.status}: ${JSON.stringify({ trouble: view.run.trouble, steps })}\n${crew.said()}`,
  );
}

async function stops(home: Home, run: string, answered?: string): Promise<RunView> {
  const options = { signal: AbortSignal.timeout(PATIENCE_MS), ...(answered !== undefined && { answered }) };
  return followRun(home, run, () => {}, options);
}

function hitsOf(orders: string, run: string): readonly Hit[] {
  return linesOf(path.join(orders, `${run}.hits`)) as Hit[];
}

function linesOf(file: string): unknown[] {
  const text = existsSync(file) ? readFileSync(file, "utf8").trim() : "";
  return text === "" ? [] : text.split("\n").map((line) => JSON.parse(line) as unknown);
}

function roomy(folder: string): boolean {
  if (!existsSync(folder)) return false;
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize > 1_000_000_000;
}

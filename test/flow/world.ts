import { type Config, checkConfig } from "../../src/app/config.ts";
import { planOf, type RunInput } from "../../src/app/run-input.ts";
import { type RunDeps, runPorts } from "../../src/app/run-ports.ts";
import { RUNBOOKS, runbookFor } from "../../src/app/runbooks.ts";
import { type PlanRequest, snapshotOf } from "../../src/app/snapshot.ts";
import type { Answer, Decision, StepPorts } from "../../src/core/circumstances.ts";
import type { Trouble } from "../../src/core/errors.ts";
import { interpret } from "../../src/core/interpret.ts";
import { compile, type Plan } from "../../src/core/plan.ts";
import type { Actor, Flow, Reason, RunStatus, StepRecord } from "../../src/core/record.ts";
import type { Runbook } from "../../src/core/runbook.ts";
import { runTag } from "../../src/db/runs.ts";
import type { Estate } from "../../src/sandbox/estate.ts";
import type { JournalEntry } from "../../src/sandbox/journal.ts";
import { createSandbox, type Sandbox } from "../../src/sandbox/sandbox.ts";
import { seededRandom } from "../../src/sandbox/testing.ts";
import { fingerprinter } from "../../src/sealing/fingerprint.ts";
import { type KeyRing, newKeyRing } from "../../src/sealing/key-ring.ts";
import { sealedValues } from "../../src/sealing/sealed-values.ts";
import { infisicalConfig } from "../../src/stores/infisical/config.ts";
import { claimsOf } from "../../src/vendors/infisical/client.ts";
import { CLAIMS } from "../../src/vendors/infisical/shapes.ts";
import { type FlowClock, flowClock, type Life, newLife, nowText } from "./life.ts";
import { memoryDeps, vendorOf } from "./memory-deps.ts";
import { emptyRecord, type JournalHooks, type Kept, memoryJournal, Waits } from "./memory-journal.ts";
import { emptyMemory, type MemoryRecord, rowsIn } from "./memory-record.ts";
import { raxx } from "./raxx-config.ts";

export const SECRET = "heroku-api-key";
export const ACTOR: Actor = { name: "kris", assurance: "local user" };
export const INSTALLATION = "0b1f7c52-4a86-4d1e-9c63-5e2f8a7d9b14";

/** How a run stands when the process that carried it out has nothing left to do. */
interface Stand {
  readonly status: RunStatus | undefined;
  readonly trouble: Trouble | undefined;
}

/** What a test does to a process while it works. */
export interface ProcessHooks extends JournalHooks {
  /** Before a request leaves; `n` counts the requests of this process from 1. */
  asks?(life: Life, n: number): void;
  /** After the vendor has answered, and before the program sees it. */
  answered?(life: Life, n: number): void;
  /** The run waits for a person until then; true lets the time pass without an answer, otherwise the process stops here. */
  waits?(key: string, until: string): boolean;
  /** Whatever is known of the life of the process, for hooks of the journal. */
  born?(life: Life): void;
}

export interface WorldOptions {
  readonly estate?: Estate;
  /** Changes the raw configuration before it is checked. */
  readonly change?: (config: ReturnType<typeof raxx>) => unknown;
  /** Do not check after each request that the vault's value works. */
  readonly unguarded?: boolean;
  /** Nobody has claimed the vault's entries; otherwise this installation has, as after its first run. */
  readonly unclaimed?: boolean;
}

/** One run of a world, which any number of processes may carry out one after the other. */
export interface Run {
  readonly id: string;
  readonly tag: string;
  readonly plan: Plan;
  readonly kept: Kept;
  /** Carries it out in a new process until it ends, waits for a person, or the process dies (Died is thrown). */
  go(hooks?: ProcessHooks): Promise<Stand>;
  /** A person says something to a held run, or answers its task; the next process hears it. */
  say(message: Decision | Answer): void;
  cancel(): void;
  step(id: string): StepRecord | undefined;
}

export interface World {
  readonly sandbox: Sandbox;
  readonly clock: FlowClock;
  readonly memory: MemoryRecord;
  readonly ring: KeyRing;
  readonly config: Config;
  /** What a run finds when it reads the configuration again. */
  readonly current: { config: Config };
  /** Broken invariants, seen after single requests. */
  readonly broken: string[];
  run(ask?: {
    flow?: Flow;
    secret?: string;
    reason?: Reason;
    runbook?: Runbook;
    /** What else the plan is asked for. */
    request?: Pick<PlanRequest, "supplied" | "ending" | "follows">;
  }): Run;
  /** Writes that vendors saw, in order. */
  writes(): JournalEntry[];
  /** Every value that exists at the vendors or was given to us. */
  values(): string[];
}

/** Vendors, a record, a key ring, and the program in process; all under one clock. */
export async function world(options: WorldOptions = {}): Promise<World> {
  const clock = flowClock();
  const sandbox = await createSandbox({
    now: clock.now,
    sleep: clock.sleep,
    random: seededRandom("flow"),
    ...(options.estate && { estate: options.estate }),
  });
  const ring = await newKeyRing();
  const memory = emptyMemory();
  const raw = raxx();
  const config = checkConfig(options.change ? options.change(raw) : raw);
  if (!options.unclaimed) claimAll(sandbox, config, INSTALLATION);
  const broken: string[] = [];
  const counters = new Map<string, number>();
  const current = { config };
  const shared = { sandbox, clock, memory, ring, config, current, broken };
  return {
    ...shared,
    run: (ask = {}) => {
      const { flow = "rotate", secret = SECRET, reason = "scheduled", request = {} } = ask;
      const { runbook = runbookFor({ flow, ...request }) } = ask;
      const n = (counters.get(`${secret}.${flow}`) ?? 0) + 1;
      counters.set(`${secret}.${flow}`, n);
      const id = `${secret}.${flow}.${n}`;
      const plan = compile(runbook, snapshotOf(config, { secret, flow, reason, now: nowText(), ...request }));
      return runOf(shared, { id, plan, runbook, guarded: options.unguarded !== true });
    },
    writes: () => sandbox.control.journal.list({ effect: "write" }),
    values: () => {
      const { heroku, github, infisical } = sandbox.control.estate();
      return [
        ...Object.values(heroku.tokens),
        ...Object.values(github.tokens),
        ...Object.values(infisical.identities).map((one) => one.clientSecret),
        infisical.userToken,
        ...sandbox.infisical.projects.flatMap((one) =>
          one.secrets.flatMap((secret) => secret.versions.map(({ value }) => value)),
        ),
      ].filter((value) => value.length >= 8);
    },
  };
}

/** The claim of an installation beside every entry of the vault. */
export function claimAll(sandbox: Sandbox, config: Config, installation: string): void {
  for (const { vault } of Object.values(config.secrets)) {
    const { kind: _kind, connection: _connection, ...place } = vault;
    const { fields, ...entry } = infisicalConfig.parse(place);
    const at = claimsOf(entry);
    for (const key of Object.values(fields))
      sandbox.control.act({ act: "set-vault-secret", ...at, key, value: { text: installation } });
  }
}

interface Shared extends Omit<World, "run" | "writes" | "values"> {}

function runOf(
  shared: Shared,
  given: { readonly id: string; readonly plan: Plan; readonly runbook: Runbook; readonly guarded: boolean },
): Run {
  const { id, plan, runbook } = given;
  const { memory, clock } = shared;
  const kept = emptyRecord();
  const tag = runTag(INSTALLATION, id);
  let stop = false;
  let question = "";
  memory.runs.set(id, { status: "queued", startedAt: nowText() });
  return {
    id,
    tag,
    plan,
    kept,
    say: (message) => void kept.messages.set(question, [...(kept.messages.get(question) ?? []), message]),
    cancel: () => {
      stop = true;
    },
    step: (step) => memory.steps.get(step),
    go: async (hooks = {}) => {
      const life = newLife();
      hooks.born?.(life);
      const input: RunInput = {
        snapshot: plan.snapshot,
        runbook: runbook.name,
        planHash: plan.hash,
        tag,
        actor: ACTOR,
      };
      if (RUNBOOKS[runbook.name] === runbook) planOf(input);
      const deps = depsOf(shared, life, hooks, given.guarded, async () => stop);
      const ports: StepPorts = { ...runPorts(deps, id, input), pause: (ms) => clock.pass(ms) };
      const journal = memoryJournal(kept, clock, life, hooks, async (key, until) => {
        if (!hooks.waits?.(key, until)) throw new Waits(key);
        await clock.passUntil(until);
      });
      try {
        await Promise.race([interpret(runbook, plan.snapshot, journal, ports), life.died]);
      } catch (thrown) {
        if (!(thrown instanceof Waits)) throw thrown;
        question = thrown.key;
      }
      const { status, trouble } = memory.runs.get(id) ?? {};
      return { status, trouble };
    },
  };
}

function depsOf(
  shared: Shared,
  life: Life,
  hooks: ProcessHooks,
  guarded: boolean,
  stopAsked: () => Promise<boolean>,
): RunDeps {
  const { sandbox, memory, ring, broken } = shared;
  let n = 0;
  const send = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    await life.gate();
    n += 1;
    const mine = n;
    hooks.asks?.(life, mine);
    await life.gate();
    const request = new Request(input, init);
    try {
      return await sandbox.fetch(vendorOf(new URL(request.url).host), request);
    } finally {
      if (guarded && !vaultWorks(sandbox)) broken.push(`${request.method} ${new URL(request.url).pathname}`);
      hooks.answered?.(life, mine);
      await life.gate();
    }
  };
  return memoryDeps({
    ...shared,
    life,
    send,
    stopAsked,
    fingerprint: fingerprinter(ring),
    installation: INSTALLATION,
    sealedFor: (run, secret) => sealedValues(rowsIn(memory, life), ring, run, secret),
  });
}

/** Whether every Heroku key of the vault works (HK-11). */
export function vaultWorks(sandbox: Sandbox): boolean {
  const keys = entriesOf(sandbox).filter((one) => one.key.startsWith("HEROKU_"));
  return keys.length > 0 && keys.every((one) => one.works);
}

/** The entries of the vault, without the claims beside them. */
export function entriesOf(sandbox: Sandbox) {
  return sandbox.control
    .truth()
    .infisical.projects.flatMap((one) => one.secrets)
    .filter((one) => !one.path?.endsWith(`/${CLAIMS}`));
}

import { type Config, checkConfig } from "../../src/app/config.ts";
import type { RUNBOOKS } from "../../src/app/runbooks.ts";
import type { Decision } from "../../src/core/circumstances.ts";
import type { Plan } from "../../src/core/plan.ts";
import { Secret, type Values } from "../../src/core/secret-value.ts";
import { type Estate, raxxEstate } from "../../src/sandbox/estate.ts";
import { RAXX } from "../../src/sandbox/raxx.ts";
import { createSandbox, type Sandbox } from "../../src/sandbox/sandbox.ts";
import { emptyMemory, type MemoryRecord } from "../flow/memory-record.ts";
import { chanceOf } from "../simulation/chance.ts";
import { type Crew, crewOf, type Run } from "../simulation/crew.ts";
import { carry, paste } from "../simulation/desk.ts";
import { useLightFetch, usePlatformFetch } from "../simulation/light-fetch.ts";
import type { Sending } from "../simulation/network.ts";
import { type Oracle, oracleOf } from "../simulation/oracle.ts";
import { type Person, personOf } from "../simulation/person.ts";
import { openTimeline, type Timeline } from "../simulation/timeline.ts";
import { isNamed, type Tree, treeOf } from "./tree.ts";
import { fingerprint } from "./values.ts";
import type { World } from "./world.ts";

const OLD = RAXX.currentAuthorization;
const DAY = 24 * 3_600_000;

/** Simulated vendors and people, and processes of the program that carry out runs among them, under one clock. */
export interface Stage {
  readonly sandbox: Sandbox;
  readonly memory: MemoryRecord;
  readonly config: Config;
  readonly timeline: Timeline;
  readonly crew: Crew;
  readonly person: Person;
  /** Where the run is watched. */
  readonly oracle: Oracle | undefined;
  /** Lets time pass until every run is over, or waits for a person who has nothing to say. */
  play(): Promise<"over" | "idle" | "late">;
  world(): World;
  close(): void;
}

export interface StageOptions {
  /** The configuration as somebody wrote it. */
  readonly configuration: unknown;
  /** How everything stands at the beginning; otherwise the estate as it is made on the first day. */
  readonly from: World | { readonly at: number; readonly estate: Estate };
  /** What a person decides on held runs, one after the other. */
  readonly decisions: readonly Decision["choice"][];
  readonly seed: number;
  /** The plan of a rotation that the oracle looks on at. */
  readonly watched?: Plan | undefined;
  readonly runbooks?: typeof RUNBOOKS;
  recorded(run: Run): void;
}

/** Opens one; only one at a time, since it takes the clock of the process. */
export async function openStage(options: StageOptions): Promise<Stage> {
  const { from, seed } = options;
  const config = checkConfig(options.configuration);
  const timeline = openTimeline(from.at);
  useLightFetch();
  const chance = chanceOf(seed, "network");
  const random = chanceOf(seed, "values").bytes;
  const estate = "estate" in from ? from.estate : NOBODYS;
  const sandbox = await createSandbox({ estate, now: timeline.now, sleep: timeline.sleep, random });
  const memory = emptyMemory();
  const sealed = new Map<string, Values>();
  if ("vendors" in from) bring(from, sandbox, memory, sealed);
  const runs = (): readonly Run[] => crew?.runs ?? [];
  const { watched: plan } = options;
  const situation = plan && { plan, canonical: OLD, mayEnd: [OLD], later: [] };
  const oracle = situation && oracleOf({ sandbox, memory, situation, now: timeline.now, runs });
  const desk = { sandbox, memory, timeline, fingerprint, sealed };
  const person = personOf(timeline, memory, {
    decisions: options.decisions,
    delay: () => chance.between(60_000, 3_600_000),
    tasks: "does",
    paste: (run, question) => paste(desk, run, question),
    carry: (run, task) => carry(desk, run, task),
    claims: () => {},
    decided: () => {},
  });
  const quiet = { asks: () => undefined, answered: () => {} };
  const traffic = {
    ...quiet,
    left: (sending: Sending) => {
      if (sending.method !== "GET" && !sending.path.includes("/login")) oracle?.sent(sending, false);
    },
    landed: (sending: Sending) => oracle?.landed(sending),
  };
  const crew: Crew | undefined = crewOf({
    ground: { config },
    memory,
    wires: { sandbox, timeline, chance, traffic },
    fingerprint,
    person,
    vaultOfValues: sealed,
    begins: (run, key) => oracle?.begins(run, key),
    keysGone: () => false,
    cancelAsked: () => false,
    ran: () => {},
    recorded: options.recorded,
    ...(options.runbooks && { runbooks: options.runbooks }),
  });
  return {
    sandbox,
    memory,
    config,
    timeline,
    crew,
    person,
    oracle,
    play: () =>
      timeline.run(
        () => runs().every((run) => run.done || run.fault !== undefined || person.left.has(run)),
        timeline.now() + 30 * DAY,
      ),
    world: () => ({
      at: timeline.now(),
      vendors: treeOf({ heroku: sandbox.heroku, github: sandbox.github, infisical: sandbox.infisical }),
      record: recordOf(memory),
      sealed: treeOf(Object.fromEntries([...sealed].map(([id, values]) => [id, plain(values)]))),
    }),
    close: () => {
      timeline.close();
      usePlatformFetch();
    },
  };
}

/** An estate without anything, for a world that is brought in. */
const NOBODYS: Estate = (() => {
  const { heroku, infisical, ...others } = raxxEstate();
  return {
    ...others,
    heroku: { ...heroku, authorizations: [], apps: [] },
    github: { repositories: [], tokens: [] },
    infisical: { ...infisical, projects: [], identities: [] },
  };
})();

/** Takes everything to where it stood. */
function bring(
  { vendors, record, sealed: values }: World,
  { heroku, github, infisical }: Sandbox,
  memory: MemoryRecord,
  sealed: Map<string, Values>,
): void {
  if (!isNamed(vendors) || !isNamed(record) || !isNamed(values)) throw new Error("this is no world");
  for (const [name, state] of Object.entries({ heroku, github, infisical }))
    Object.assign(state, vendors[name]);
  // What a later version keeps besides is empty, as after its migration.
  for (const [name, kept] of Object.entries(record)) {
    const now: unknown = memory[name as keyof MemoryRecord];
    if (now instanceof Map) for (const [key, value] of kept as [unknown, unknown][]) now.set(key, value);
    else if (now instanceof Set) for (const item of kept as unknown[]) now.add(item);
    else Object.assign(memory, { [name]: kept });
  }
  for (const [id, fields] of Object.entries(values))
    sealed.set(
      id,
      Object.fromEntries(
        Object.entries(fields as object).map(([field, text]) => [field, Secret.of(String(text))]),
      ),
    );
}

/** But for each step's calls: they are shown to people, and nothing is decided by them. */
function recordOf({ refuseAudit: _refuse, ...kept }: MemoryRecord): Tree {
  const steps = [...kept.steps].map(([id, step]) => [id, { ...step, calls: [] }]);
  const entries = Object.entries({ ...kept, steps }).map(([name, part]) => [
    name,
    part instanceof Map || part instanceof Set ? [...part] : part,
  ]);
  return treeOf(Object.fromEntries(entries));
}

function plain(values: Values): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(values).map(([field, secret]) => [field, secret.reveal()]));
}

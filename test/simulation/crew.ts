import { followedBy, followingSnapshot } from "../../src/app/follow-up.ts";
import type { RunInput } from "../../src/app/run-input.ts";
import { type RunDeps, runPorts } from "../../src/app/run-ports.ts";
import { RUNBOOKS } from "../../src/app/runbooks.ts";
import type { StepPorts } from "../../src/core/circumstances.ts";
import { LockstepError } from "../../src/core/errors.ts";
import { interpret } from "../../src/core/interpret.ts";
import type { Journal } from "../../src/core/journal.ts";
import { compile, type Plan } from "../../src/core/plan.ts";
import type { SealedRecord, SealedValues } from "../../src/core/sealed.ts";
import type { Values } from "../../src/core/secret-value.ts";
import { type Instant, instantOf, msOf } from "../../src/core/time.ts";
import { runTag } from "../../src/db/runs.ts";
import { memoryDeps } from "../flow/memory-deps.ts";
import { emptyRecord, type Kept, memoryJournal } from "../flow/memory-journal.ts";
import type { MemoryRecord } from "../flow/memory-record.ts";
import { ACTOR, INSTALLATION, SECRET } from "../flow/world.ts";
import type { Ground } from "./estate.ts";
import { networkOf, type Wires } from "./network.ts";
import type { Person } from "./person.ts";
import { newWorker, type Worker } from "./worker.ts";

/** One run of the simulation. */
export interface Run {
  readonly id: string;
  readonly tag: string;
  readonly plan: Plan;
  readonly kept: Kept;
  /** What is wrong with the procedure itself, such as a replay that took another path. */
  fault?: string;
  done: boolean;
}

/** What the crew works on. */
export interface Site {
  readonly ground: Pick<Ground, "config">;
  readonly memory: MemoryRecord;
  readonly wires: Wires;
  readonly fingerprint: RunDeps["fingerprint"];
  readonly person: Person;
  /** Values under seal, by id; the record itself holds none. */
  readonly vaultOfValues: Map<string, Values>;
  /** An entry of a run's journal is carried out, not replayed. */
  begins(run: Run, key: string): void;
  keysGone(): boolean;
  cancelAsked(): boolean;
  ran(run: Run): void;
  recorded(run: Run): void;
  /** Other runbooks than those that are released. */
  readonly runbooks?: typeof RUNBOOKS;
}

/** The processes of an installation: one works, and another takes its runs over when it is dead or counts as dead. */
export interface Crew {
  readonly runs: readonly Run[];
  readonly working: Worker;
  start(plan: Plan): Run;
  /** Goes on with a run that others began. */
  resume(run: Run): void;
  crash(): void;
  freeze(ms: number): void;
}

/** A dead process is noticed within a second, a frozen one after its heartbeat has been missed for five. */
const NOTICED = { from: 200, to: 1_000 };
const STALE = 5_000;
const DAY = 24 * 3_600_000;

/** Hires the first process. */
export function crewOf(site: Site): Crew {
  const { timeline, chance } = site.wires;
  const runs: Run[] = [];
  let count = 1;
  let working = newWorker("worker 1");
  const work = (run: Run, worker: Worker): void => {
    run.kept.owner = worker;
    void carryOut(site, run, worker, (plan) => start(plan)).catch((thrown: unknown) => {
      run.fault ??= thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
    });
  };
  const takeOver = (from: Worker): void => {
    if (working !== from) return;
    count += 1;
    working = newWorker(`worker ${count}`);
    for (const run of runs) if (!run.done) work(run, working);
  };
  const resume = (run: Run): void => {
    runs.push(run);
    work(run, working);
  };
  const start = (plan: Plan): Run => {
    const { flow } = plan.snapshot;
    const id = `${SECRET}.${flow}.${runs.length + 1}`;
    const run: Run = { id, tag: runTag(INSTALLATION, id), plan, kept: emptyRecord(), done: false };
    site.memory.runs.set(id, { status: "queued", startedAt: new Date().toISOString() });
    resume(run);
    return run;
  };
  return {
    runs,
    get working() {
      return working;
    },
    start,
    resume,
    crash: () => {
      const dying = working;
      dying.die();
      timeline.at(timeline.now() + chance.between(NOTICED.from, NOTICED.to), () => takeOver(dying));
    },
    freeze: (ms) => {
      const frozen = working;
      frozen.freeze();
      timeline.at(timeline.now() + ms, () => frozen.wake());
      timeline.at(timeline.now() + STALE + chance.between(0, 1_000), () => {
        if (frozen.frozen) takeOver(frozen);
      });
    },
  };
}

async function carryOut(site: Site, run: Run, worker: Worker, follow: (plan: Plan) => Run): Promise<void> {
  const { wires, memory, person } = site;
  const { timeline, chance } = wires;
  const runbook = (site.runbooks ?? RUNBOOKS)[run.plan.runbook];
  if (!runbook) throw new Error(`no runbook is called ${run.plan.runbook}`);
  const { snapshot, hash: planHash } = run.plan;
  const input: RunInput = { snapshot, runbook: runbook.name, planHash, tag: run.tag, actor: ACTOR };
  const deps: RunDeps = memoryDeps({
    config: site.ground.config,
    current: { config: site.ground.config },
    sandbox: wires.sandbox,
    memory,
    life: worker,
    send: networkOf(wires, worker),
    fingerprint: site.fingerprint,
    installation: INSTALLATION,
    stopAsked: async () => site.cancelAsked(),
    sealedFor: (id) => sealedIn(site, worker, id),
    followUp: async (followed, { snapshot: before, tag, runbook: name }, held) => {
      await worker.gate();
      if (memory.followUps.has(followed)) return;
      memory.followUps.add(followed);
      const minted = memory.audit.find((one) => one.run === followed && one.step === "mint")?.at;
      const follows = followedBy(
        { run: followed, tag, runbook: name },
        minted ?? instantOf(Date.now()),
        held,
      );
      follow(compile(RUNBOOKS["follow-up@1"] ?? runbook, followingSnapshot(before, follows)));
    },
  });
  const pause = async (ms: number) => {
    await timeline.sleep(ms);
    await worker.gate();
  };
  const ports: StepPorts = { ...runPorts(deps, run.id, input), pause };
  // Reckoned by our own clock when the wait begins, and again each day, as the engine's timers do.
  const passUntil = async (at: Instant): Promise<void> => {
    for (let left = msOf(at) - Date.now(); ; left = msOf(at) - Date.now()) {
      await pause(Math.min(Math.max(0, left), DAY));
      if (left <= DAY) return;
    }
  };
  const hooks = { ran: () => site.ran(run), recorded: () => site.recorded(run) };
  const inner = memoryJournal(run.kept, { passUntil }, worker, hooks, (key, until) =>
    person.hears(run, key, msOf(until)),
  );
  const journal: Journal = {
    ...inner,
    once: (key, body) =>
      inner.once(key, () => {
        site.begins(run, key);
        return body();
      }),
    round: (entries) => {
      const begun = entries.map(({ key, body }) => ({
        key,
        body: () => {
          site.begins(run, key);
          return body();
        },
      }));
      return inner.round(begun);
    },
    owned: async () => {
      await inner.owned();
      // The answer is on its way for a moment, in which the world may change.
      await pause(chance.between(0, 5));
    },
  };
  await Promise.race([interpret(runbook, snapshot, journal, ports), worker.died]).then(
    () => {
      run.done = true;
    },
    (thrown: unknown) => {
      if (!worker.dead) throw thrown;
    },
  );
}

/** Sealed values whose envelopes are not made: what is tested here is what runs do with them. */
function sealedIn(site: Site, worker: Worker, run: string): SealedValues {
  const { memory, vaultOfValues } = site;
  const there = async (): Promise<void> => {
    await worker.gate();
    if (site.keysGone())
      throw new LockstepError({
        code: "KEYRING_WRONG",
        message: "the key ring is gone",
        because: "the simulation took it",
        next: "lockstep keys",
      });
  };
  const recordOf = (one: MemoryRecord["sealed"][number]): SealedRecord => ({
    id: one.id,
    fingerprints: one.fingerprints,
    ...(one.credential !== null && { credential: one.credential as NonNullable<SealedRecord["credential"]> }),
  });
  return {
    seal: async (purpose, values, credential) => {
      await there();
      const credential_id = credential?.id ?? "";
      const found = memory.sealed.find(
        (one) => one.run === run && one.purpose === purpose && one.credential_id === credential_id,
      );
      if (found) return recordOf(found);
      if (memory.runs.get(run)?.endedAt !== undefined)
        throw new Error(`nothing is sealed for ${run} after its end`);
      const row = {
        id: `sealed-${vaultOfValues.size + 1}`,
        run,
        purpose,
        credential_id,
        credential: credential ?? null,
        fingerprints: site.fingerprint(values),
        value: "",
      };
      vaultOfValues.set(row.id, values);
      memory.sealed.push(row);
      return recordOf(row);
    },
    find: async (purpose) => {
      await there();
      return memory.sealed
        .filter((one) => one.run === run && one.purpose === purpose)
        .toReversed()
        .map(recordOf);
    },
    open: async (id) => {
      await there();
      const values = memory.sealed.some((one) => one.id === id && one.run === run) && vaultOfValues.get(id);
      if (!values)
        throw new LockstepError({
          code: "KEYRING_WRONG",
          message: `the run ${run} holds no sealed value ${id}`,
          because: "it was dropped",
          next: "lockstep keys",
        });
      return values;
    },
    dropAll: async () => {
      await there();
      memory.sealed.splice(0, memory.sealed.length, ...memory.sealed.filter((one) => one.run !== run));
    },
    drop: async (id) => {
      await there();
      const at = memory.sealed.findIndex((one) => one.id === id && one.run === run);
      if (at >= 0) memory.sealed.splice(at, 1);
    },
  };
}

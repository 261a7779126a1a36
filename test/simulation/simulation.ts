import type { Fingerprint } from "../../src/core/credential.ts";
import type { Fingerprinter } from "../../src/core/sealed.ts";
import type { Secret, Values } from "../../src/core/secret-value.ts";
import { instantOf } from "../../src/core/time.ts";
import { createSandbox } from "../../src/sandbox/sandbox.ts";
import { fingerprinter } from "../../src/sealing/fingerprint.ts";
import { type KeyRing, newKeyRing } from "../../src/sealing/key-ring.ts";
import { dateAhead } from "../flow/date.ts";
import { emptyMemory } from "../flow/memory-record.ts";
import { claimAll, INSTALLATION } from "../flow/world.ts";
import { type Backup, backupOf } from "./backup.ts";
import type { Case, Event, Fault, Moment } from "./case.ts";
import { chanceOf } from "./chance.ts";
import { type Crew, crewOf, type Run } from "./crew.ts";
import { carry, paste } from "./desk.ts";
import { groundOf } from "./estate.ts";
import { DISTURBING, perform } from "./hands.ts";
import { useLightFetch, usePlatformFetch } from "./light-fetch.ts";
import type { Sending } from "./network.ts";
import { oracleOf } from "./oracle.ts";
import { personOf } from "./person.ts";
import { isByHand, prepared } from "./situations.ts";
import { openTimeline } from "./timeline.ts";

const START = Date.UTC(2026, 10, 21, 8, 30);
const DAY = 24 * 3_600_000;
/** So long may a run take, whatever happens: after the last fault it ends, waits or is held. */
const LONGEST = 45 * DAY;

/** How a case went. */
export interface Told {
  readonly violations: readonly string[];
  /** Of each run, with the code of its trouble. */
  readonly ends: readonly string[];
  /** Requests, journal entries that ran, and entries that were recorded, over all processes. */
  readonly asked: number;
  readonly ran: number;
  readonly recorded: number;
  /** What happened, a line each; only where it was asked for. */
  readonly trace: readonly string[];
}

let ring: KeyRing | undefined;

/** Carries out a case and holds it against the promises. The same case always goes the same way. */
export async function simulate(one: Case, traced = false): Promise<Told> {
  ring ??= await newKeyRing();
  const chance = chanceOf(one.seed, "network");
  const timeline = openTimeline(START);
  const vendorNow = () => timeline.now() + one.skewMs;
  useLightFetch();
  const ground = groundOf(one.size, isByHand(one.runbook));
  const memory = emptyMemory();
  const trace: string[] = [];
  const note = (text: string) => {
    if (traced) trace.push(`${instantOf(timeline.now()).slice(5, 23)} ${text}`);
  };
  try {
    const values = chanceOf(one.seed, "values");
    const sandbox = await createSandbox({
      estate: ground.estate,
      now: vendorNow,
      sleep: timeline.sleep,
      random: (count) => values.bytes(count),
      remembers: one.events.some((event) => event.is === "fault" && event.fault.kind === "stale"),
    });
    claimAll(sandbox, ground.config, INSTALLATION);
    const counts = { asked: 0, answered: 0, ran: 0, recorded: 0 };
    const gone = { keysUntil: 0 };
    let cancelled = false;
    let crew: Crew | undefined;
    const runs = () => crew?.runs ?? [];
    const fingerprint = remembering(fingerprinter(ring));
    const situation = prepared(one.runbook, { sandbox, memory, ground, fingerprint, now: START });
    const oracle = oracleOf({
      sandbox,
      memory,
      situation,
      now: vendorNow,
      runs,
    });
    let ahead = 0;
    const broken: string[] = [];
    // As many as are asked for: a run that waits for weeks records thousands of entries.
    const backups: Backup[] = [];
    const furthest = Math.max(
      0,
      ...one.events.map((event) => (event.is === "restore" ? event.entries + 1 : 0)),
    );
    const lasting: { fault: Fault; vendor: string; until: number }[] = [];

    const happen = (event: Event, sending?: Sending): Fault | undefined => {
      note(`* ${JSON.stringify(event)}`);
      if (event.is === "fault") {
        if (event.forMs !== undefined && sending)
          lasting.push({ fault: event.fault, vendor: sending.vendor, until: timeline.now() + event.forMs });
        return event.fault;
      }
      if (event.is === "crash") crew?.crash();
      if (event.is === "freeze") crew?.freeze(event.ms);
      if (event.is === "cancel") cancelled = true;
      if (event.is === "restore") {
        crew?.crash();
        (backups.at(-1 - event.entries) ?? backups[0])?.();
        person.forget();
        oracle.restored();
      }
      if (event.is === "keys-gone") gone.keysUntil = timeline.now() + event.ms;
      if (event.is === "clock") {
        ahead += event.ms;
        dateAhead(ahead);
        oracle.clockSet(event.ms);
      }
      if (event.is === "act") {
        perform(sandbox, event.act, situation.formerTag ?? runs()[0]?.tag ?? "");
        if (event.act === "writes the repository's secret") oracle.rewritten();
        if (DISTURBING.includes(event.act)) oracle.disturbed();
        else oracle.stirred();
      }
      return undefined;
    };
    const due = (kind: keyof Everything, n: number, sending?: Sending): Fault | undefined => {
      let fault: Fault | undefined;
      for (const event of one.events)
        if ((event.at as Partial<Everything>)[kind] === n) fault = happen(event, sending) ?? fault;
      return fault;
    };

    const traffic = {
      asks: (sending: Sending) => {
        counts.asked += 1;
        note(`${sending.worker.name} asks ${sending.vendor} ${sending.method} ${sending.path}`);
        const own = due("asks", counts.asked, sending);
        const now = timeline.now();
        return own ?? lasting.find((each) => each.vendor === sending.vendor && now < each.until)?.fault;
      },
      left: (sending: Sending) => {
        const owners = runs()
          .filter((run) => !run.done)
          .map((run) => run.kept.owner);
        const writes = sending.method !== "GET" && !sending.path.includes("/login");
        if (writes) oracle.sent(sending, !owners.includes(sending.worker));
      },
      landed: (sending: Sending) => {
        try {
          oracle.landed(sending);
        } catch (thrown) {
          // Not thrown into the network, where it would pass for a lost reply.
          broken.push(`the oracle broke: ${thrown instanceof Error ? thrown.stack : String(thrown)}`);
        }
      },
      answered: (sending: Sending) => {
        counts.answered += 1;
        due("answered", counts.answered, sending);
      },
    };
    const wires = { sandbox, timeline, chance, traffic, vendorNow };
    const vaultOfValues = new Map<string, Values>();
    const desk = { sandbox, memory, timeline, fingerprint, sealed: vaultOfValues };
    const manners = chanceOf(one.seed, "people");
    const person = personOf(timeline, memory, {
      decisions: one.people,
      delay: () => manners.between(60_000, 30 * 3_600_000),
      tasks: one.tasks ?? "does",
      paste: (run, question) => paste(desk, run, question),
      carry: (run, task) => {
        note(`* a person carries the ${task.value} value`);
        carry(desk, run, task);
        oracle.carried();
      },
      claims: () => oracle.claimed(),
      decided: (choice) => note(`* a person decides: ${choice}`),
    });
    crew = crewOf({
      ground,
      memory,
      wires,
      fingerprint,
      person,
      vaultOfValues,
      begins: (run, key) => oracle.begins(run, key),
      keysGone: () => timeline.now() < gone.keysUntil,
      cancelAsked: () => cancelled,
      ran: () => {
        counts.ran += 1;
        due("ran", counts.ran);
      },
      recorded: () => {
        counts.recorded += 1;
        if (furthest > 0) backups.push(backupOf(memory, runs()));
        if (backups.length > furthest) backups.shift();
        due("recorded", counts.recorded);
      },
    });
    crew.start(situation.plan);
    for (const { afterMs, happens } of situation.later) timeline.at(START + afterMs, happens);
    const { beside } = situation;
    if (beside) timeline.at(START + beside.afterMs, () => void crew?.start(beside.plan));

    const settled = (run: Run) => run.done || run.fault !== undefined || person.left.has(run);
    const how = await timeline.run(
      () => runs().every(settled) && runs().length > (beside ? 1 : 0),
      START + LONGEST,
    );
    await sandbox.control.idle();
    const violations = [...broken, ...oracle.violations];
    for (const run of runs()) {
      if (run.fault !== undefined) violations.push(`P11: ${run.id} broke: ${run.fault}`);
      else if (!settled(run)) violations.push(`P11: ${run.id} neither ends nor waits (${how})`);
      oracle.rested(run);
    }
    oracle.over();
    const ends = runs().map((run) => {
      note(JSON.stringify(memory.runs.get(run.id)?.trouble ?? {}));
      const { status, trouble } = memory.runs.get(run.id) ?? {};
      return [status, trouble?.code].filter((part) => part !== undefined).join(" ");
    });
    return {
      violations: [...new Set([...violations, ...oracle.violations])],
      ends,
      asked: counts.asked,
      ran: counts.ran,
      recorded: counts.recorded,
      trace,
    };
  } finally {
    timeline.close();
    usePlatformFetch();
  }
}

type Everything = Record<
  Moment extends infer One ? (One extends unknown ? keyof One : never) : never,
  number
>;

/** A case has a few values, and asks for their fingerprints by the hundred. */
function remembering(fingerprint: Fingerprinter): Fingerprinter {
  const known = new Map<string, Fingerprint>();
  const one = (secret: Secret): Fingerprint => {
    const text = secret.reveal();
    const found = known.get(text) ?? fingerprint({ secret })["secret"] ?? "";
    known.set(text, found);
    return found;
  };
  return (values) => Object.fromEntries(Object.entries(values).map(([name, secret]) => [name, one(secret)]));
}

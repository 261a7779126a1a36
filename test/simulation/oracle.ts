import type { Sandbox } from "../../src/sandbox/sandbox.ts";
import type { MemoryRecord } from "../flow/memory-record.ts";
import type { Run } from "./crew.ts";
import { judgeConsumers, judgeEnd, judgeSweep, judgeVault } from "./judge-ends.ts";
import { judgePlain, judgeRest, judgeStranded } from "./judge-rest.ts";
import { judgeAnnounced, judgeCreated, judgeWrite } from "./judge-writes.ts";
import type { Sending } from "./network.ts";
import { sceneOf } from "./scene.ts";
import type { Situation } from "./situations.ts";
import { livingIn, placesOf, vaultValue } from "./truth.ts";

/** Holds what happens against the promises, with the vendors' own truth at hand. */
export interface Oracle {
  /** A run begins to carry out an entry of its journal; what it did of it before it died does not count. */
  begins(run: Run, key: string): void;
  /** A process sends a write; `stranger`: although the run is another's (P8). */
  sent(sending: Sending, stranger: boolean): void;
  /** A vendor has carried out a request of ours. */
  landed(sending: Sending): void;
  /** Somebody else has done something at a vendor. */
  disturbed(): void;
  /** The same where it changes neither which key lives nor which copy holds what. */
  stirred(): void;
  /** A person has written a copy for a run. */
  carried(): void;
  /** A person has said to have done something by hand, and has not. */
  claimed(): void;
  /** Somebody else has written the repository's secret, which nobody can read. */
  rewritten(): void;
  /** Our database was restored from before. */
  restored(): void;
  /** Our clock was set forward by so much, or back where it is negative. */
  clockSet(ms: number): void;
  /** A run has come to its end, or to a wait that nobody ends. */
  rested(run: Run): void;
  /** All is over. */
  over(): void;
  readonly violations: readonly string[];
}

/** What an oracle looks at. */
export interface Watched {
  readonly sandbox: Sandbox;
  readonly memory: MemoryRecord;
  readonly situation: Situation;
  /** The vendors' time. */
  readonly now: () => number;
  readonly runs: () => readonly Run[];
}

/** Begins to watch. */
export function oracleOf(watched: Watched): Oracle {
  const { sandbox, now } = watched;
  const violations: string[] = [];
  const scene = sceneOf(watched, (promise, what) => {
    const text = `${promise}: ${what}`;
    if (!violations.includes(text)) violations.push(text);
  });

  /** Who died since, and what lies where now. */
  const notice = (by: "us" | "others", places: ReadonlyMap<string, string>): void => {
    const lives = livingIn(sandbox, now());
    // Also what nobody has seen alive: a person creates a key, and another one ends it.
    const died = sandbox.heroku.authorizations
      .map(({ id }) => id)
      .filter((id) => !lives.has(id) && !scene.ended.has(id));
    const born = [...lives].filter((id) => !scene.living.has(id));
    for (const id of died) scene.ended.set(id, by);
    scene.living = lives;
    if (by === "others")
      for (const [place, value] of places) if (scene.places.get(place) !== value) scene.foreign.add(value);
    scene.places = places;
    const value = vaultValue(sandbox);
    if (value !== scene.vault) scene.theirs = by === "others" ? value : undefined;
    scene.vault = value;
    if (scene.vault !== undefined) scene.canonical.add(scene.vault);
    if (by === "us") for (const id of died) judgeEnd(scene, id);
    if (by === "us") for (const id of born) judgeCreated(scene, id);
  };

  const disturbed = (): void => {
    // Somebody's write in the second of ours cannot be told from it: the grade `receipt` shows no more than that.
    if (secondOf(now()) === scene.wroteSecond) scene.sameSecond = true;
    scene.disturbedAt = now();
    notice("others", placesOf(sandbox));
    judgeConsumers(scene);
  };

  return {
    violations,
    begins: ({ id }, key) => {
      scene.begun.set(id, now());
      if (key.startsWith("break-glass/")) scene.glass = true;
    },
    clockSet: (ms) => {
      scene.gained += Math.max(0, ms);
    },
    sent: (sending, stranger) => {
      const { worker, method, path } = sending;
      if (stranger) scene.violated("P8", `${worker.name} sent ${method} ${path} for a run that is another's`);
      judgeAnnounced(scene, sending);
      if (method === "DELETE") judgeSweep(scene, sending);
      if (method === "PATCH" || method === "PUT") scene.wroteAt = now();
    },
    landed: ({ method, path, vendor }) => {
      if (method === "GET") return void scene.read.set(path, now());
      if (path.includes("login")) return;
      const entry = sandbox.control.journal
        .list({ effect: "write" })
        .findLast((one) => one.vendor === vendor && one.method === method && path.endsWith(one.path));
      if (!entry) return;
      if (method === "PUT") scene.wroteSecond = secondOf(entry.at);
      const after = placesOf(sandbox);
      judgeWrite(scene, entry, after);
      notice("us", after);
      judgeVault(scene);
      judgeConsumers(scene);
    },
    disturbed,
    restored: () => {
      scene.restored = true;
      disturbed();
    },
    stirred: () => {
      scene.places = placesOf(sandbox);
      judgeConsumers(scene);
    },
    carried: () => {
      scene.wroteAt = now();
      scene.wroteSecond = secondOf(now());
      scene.places = placesOf(sandbox);
      judgeConsumers(scene);
    },
    claimed: () => {
      scene.claimed = true;
    },
    rewritten: () => {
      scene.rewritten = true;
    },
    rested: (run) => judgeRest(scene, run),
    over: () => {
      judgeVault(scene);
      judgeConsumers(scene);
      judgeStranded(scene);
      judgePlain(scene);
    },
  };
}

function secondOf(ms: number): number {
  return Math.floor(ms / 1_000);
}

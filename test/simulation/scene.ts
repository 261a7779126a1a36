import type { Sandbox } from "../../src/sandbox/sandbox.ts";
import type { MemoryRecord } from "../flow/memory-record.ts";
import type { Run } from "./crew.ts";
import type { Situation } from "./situations.ts";
import { authorizationOf, livingIn, ownerOf, placesOf, vaultValue } from "./truth.ts";

/** What the judges look at: the vendors' truth, our record, and what has been seen of both so far. */
export interface Scene {
  readonly sandbox: Sandbox;
  readonly memory: MemoryRecord;
  readonly situation: Situation;
  /** The vendors' time, which runs evenly, whatever happens to our own clock. */
  now(): number;
  runs(): readonly Run[];
  violated(promise: string, what: string): void;
  /** What was alive at the beginning. */
  readonly before: ReadonlySet<string>;
  /** Ids of what is accepted. */
  living: ReadonlySet<string>;
  /** Keys that died, and by whose hands. */
  readonly ended: Map<string, "us" | "others">;
  /** Keys at whose end something was allowed to break. */
  readonly excused: Set<string>;
  /** What lies where. */
  places: ReadonlyMap<string, string>;
  vault: string | undefined;
  /** What the vault holds by somebody else's hand. */
  theirs: string | undefined;
  /** Every value that the vault has held. */
  readonly canonical: Set<string>;
  /** What others have put into places. */
  readonly foreign: Set<string>;
  /** When others last changed which key lives or which copy holds what. */
  disturbedAt: number;
  /** Our database is older than what we did. */
  restored: boolean;
  /** A person has had a key ended at once: what holds it breaks, and that was the wish. */
  glass: boolean;
  /** When we last sent a write to the vault or a copy. */
  wroteAt: number;
  /** When we last wrote the repository's secret, in whole seconds: GitHub tells changes no finer. */
  wroteSecond: number;
  /** Somebody has written in the same second. */
  sameSecond: boolean;
  /** A person's false word. */
  claimed: boolean;
  /** Somebody else has written the repository's secret. */
  rewritten: boolean;
  /** How far our own clock was set forward: what waits by it waits so much less. */
  gained: number;
  /** When each run began its present step. */
  readonly begun: Map<string, number>;
  /** When a read of a path was last answered. */
  readonly read: Map<string, number>;
}

/** A scene as it is at the beginning. */
export function sceneOf(
  given: Pick<Scene, "sandbox" | "memory" | "situation" | "now" | "runs">,
  violated: Scene["violated"],
): Scene {
  const { sandbox, situation, now } = given;
  const living = livingIn(sandbox, now());
  const vault = vaultValue(sandbox);
  const dead = sandbox.heroku.authorizations.filter(({ id }) => !living.has(id));
  return {
    ...given,
    violated,
    before: living,
    living,
    ended: new Map(dead.map(({ id }) => [id, "others"])),
    excused: new Set(),
    places: placesOf(sandbox),
    vault,
    theirs: undefined,
    // A run that is taken up in its middle finds another value in the vault than it began with.
    canonical: new Set([vault, authorizationOf(sandbox, situation.canonical)?.token].filter(isText)),
    foreign: new Set(),
    disturbedAt: Number.NEGATIVE_INFINITY,
    restored: false,
    glass: situation.glass === true,
    wroteAt: Number.NEGATIVE_INFINITY,
    wroteSecond: Number.NaN,
    sameSecond: false,
    claimed: false,
    rewritten: false,
    gained: 0,
    begun: new Map(),
    read: new Map(),
  };
}

function isText(value: string | undefined): value is string {
  return value !== undefined;
}

/** Whether nobody but us has changed anything. */
export function isCalm({ disturbedAt }: Scene): boolean {
  return !Number.isFinite(disturbedAt);
}

/** The tags of all runs, those of before included. */
function tagsOf({ runs, situation }: Scene): readonly string[] {
  const tags = runs().map(({ tag }) => tag);
  return situation.formerTag === undefined ? tags : [situation.formerTag, ...tags];
}

/**
 * Whether what the repository's secret holds is beyond anybody's sight: written in the second of our own write, or by somebody else
 * where a person says to have done it.
 */
export function isOutOfSight({ sameSecond, claimed, rewritten }: Scene): boolean {
  return sameSecond || (claimed && rewritten);
}

/** Whether a run has created it. */
export function isTagged(scene: Scene, description: string): boolean {
  return tagsOf(scene).some((tag) => description.endsWith(tag));
}

/** Whether a run has created it, and it is not the one that a run is to end. */
export function isOwn(
  scene: Scene,
  { id, description }: { readonly id: string; readonly description: string },
): boolean {
  return !scene.situation.mayEnd.includes(id) && isTagged(scene, description);
}

/** Whether it is others' doing that this value, which the vault holds, does not work. */
export function diedByOthers(scene: Scene, value: string | undefined): boolean {
  if (value === scene.theirs) return true;
  const owner = ownerOf(scene.sandbox, value);
  return owner === undefined ? !isCalm(scene) : scene.ended.get(owner.id) === "others";
}

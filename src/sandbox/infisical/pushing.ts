import { createHash } from "node:crypto";
import { locationOf } from "./references.ts";
import {
  currentValue,
  type InfisicalState,
  type NativeSync,
  type Project,
  type SyncDestination,
} from "./state.ts";

/** Values by name, as a native sync carries them. */
export type Carried = Readonly<Record<string, string>>;

/** The places outside the vault that native syncs read and write. */
export interface Outside {
  read(destination: SyncDestination): Carried;
  /** Sets these, and removes the named others. */
  write(destination: SyncDestination, values: Carried, removed: readonly string[]): void;
}

/** Runs every active sync whose folder has changed since it ran last; returns whether one did. */
export function runActiveSyncs(state: InfisicalState, outside: Outside, now: number): boolean {
  // Where one sync feeds another the second runs too; a circle of them ends after so many rounds.
  for (let round = 0; round < 5; round += 1) {
    const due = state.projects.flatMap((project) =>
      project.syncs
        .filter((one) => one.isAutoSyncEnabled && one.pushed !== digest(carriedBy(project, one)))
        .map((sync) => ({ project, sync })),
    );
    if (due.length === 0) return round > 0;
    for (const { project, sync } of due) runSync(project, sync, outside, now);
  }
  return true;
}

/** Writes a folder's secrets to the destination, whatever stands there. */
export function runSync(project: Project, sync: NativeSync, outside: Outside, now: number): void {
  const values = carriedBy(project, sync);
  sync.pushed = digest(values);
  sync.lastSyncedAt = now;
  sync.error = null;
  try {
    const held = Object.keys(outside.read(sync.destination));
    const others = held.filter((name) => values[name] === undefined);
    outside.write(sync.destination, values, sync.disableSecretDeletion ? [] : others);
  } catch (error) {
    // Its destination is gone: the vendor shows that, and the write that set it off is none the worse.
    sync.error = error instanceof Error ? error.message : String(error);
  }
}

/** What the first sync takes over from the destination; empty where it only overwrites. GitHub shows no values. */
export function importedAtFirst(project: Project, sync: NativeSync, outside: Outside): Carried {
  if (sync.initialSyncBehavior === "overwrite-destination" || sync.destination.kind === "github") return {};
  const own = carriedBy(project, sync);
  const theirs = Object.entries(outside.read(sync.destination));
  const wins = sync.initialSyncBehavior === "import-prioritize-destination";
  return Object.fromEntries(theirs.filter(([name]) => wins || own[name] === undefined));
}

/** What the truth tells of a sync. */
export function syncTruth(project: Project, sync: NativeSync) {
  const { id, destination, isAutoSyncEnabled: active, lastSyncedAt } = sync;
  return { id, ...locationOf(project, sync), destination: destination.kind, active, lastSyncedAt };
}

function carriedBy(project: Project, sync: NativeSync): Carried {
  const secrets = project.secrets.filter((one) => one.folderId === sync.folderId);
  return Object.fromEntries(secrets.map((one) => [one.key, currentValue(one)]));
}

function digest(values: Carried): string {
  const sorted = Object.entries(values).toSorted(([one], [other]) => (one < other ? -1 : 1));
  return createHash("sha256").update(JSON.stringify(sorted)).digest("hex");
}

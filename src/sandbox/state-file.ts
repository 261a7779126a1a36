import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import type { States } from "./found.ts";

interface Stored extends States {
  format: 3;
}

/** Reads the state that an earlier sandbox left, or null where there is none. */
export function readStateFile(path: string): States | null {
  if (!existsSync(path)) return null;
  const stored: Stored = JSON.parse(readFileSync(path, "utf8"));
  if (stored.format !== 3)
    throw new Error(`${path} is not the state of a sandbox of this version; delete it to start anew`);
  const { format: _format, ...states } = stored;
  return states;
}

/** Replaces the state file as a whole, readable by its owner only: it holds every value. */
export function writeStateFile(path: string, states: States): void {
  const next = `${path}.${process.pid}.tmp`;
  const stored: Stored = { format: 3, ...states };
  writeFileSync(next, JSON.stringify(stored), { mode: 0o600 });
  renameSync(next, path);
}

import type { MemoryRecord } from "../flow/memory-record.ts";
import type { Run } from "./crew.ts";

/** Takes a database back to how it was. */
export type Backup = () => void;

/** A backup of the database: the record, and the journals of the runs that there are. */
export function backupOf(memory: MemoryRecord, runs: readonly Run[]): Backup {
  const { refuseAudit: _refuse, ...plain } = memory;
  const record: Readonly<Record<string, unknown>> = structuredClone(plain);
  const journals = new Map(runs.map((run) => [run, new Map(run.kept.slots)]));
  return () => {
    for (const [name, before] of Object.entries(structuredClone(record))) {
      const now = memory[name as keyof typeof plain];
      if (Array.isArray(now)) (now as unknown[]).splice(0, now.length, ...(before as unknown[]));
      else if (now instanceof Map) refill(now, before as Map<unknown, unknown>);
      else if (now instanceof Set) refillSet(now, before as Set<unknown>);
    }
    for (const run of runs) {
      run.kept.messages.clear();
      refill(run.kept.slots as Map<unknown, unknown>, journals.get(run) ?? new Map());
      // A run that ended after the backup is under way again; one that began after it was never heard of.
      run.done = !journals.has(run);
    }
  };
}

function refill(now: Map<unknown, unknown>, before: ReadonlyMap<unknown, unknown>): void {
  now.clear();
  for (const [key, value] of before) now.set(key, value);
}

function refillSet(now: Set<unknown>, before: ReadonlySet<unknown>): void {
  now.clear();
  for (const value of before) now.add(value);
}

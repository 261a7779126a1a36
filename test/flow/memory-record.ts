import type { Fingerprints, Generation } from "../../src/core/credential.ts";
import { LockstepError } from "../../src/core/errors.ts";
import type {
  AuditEntry,
  AuditLog,
  Ledger,
  Progress,
  RotationRow,
  RunRecord,
  StepRecord,
} from "../../src/core/record.ts";
import type { Instant } from "../../src/core/time.ts";
import type { Rows } from "../../src/sealing/rows.ts";
import { type Life, nowText } from "./life.ts";

/** What of the record survives a process. */
export interface MemoryRecord {
  readonly audit: (AuditEntry & { readonly at: Instant })[];
  readonly runs: Map<string, Partial<RunRecord>>;
  readonly steps: Map<string, StepRecord>;
  readonly rotations: RotationRow[];
  readonly generations: Generation[];
  readonly sealed: SealedRow[];
  /** Throws here to make the entry unwritable. */
  refuseAudit: (entry: AuditEntry, n: number) => boolean;
  /** How many entries were tried. */
  tried: number;
}

interface SealedRow {
  readonly id: string;
  readonly run: string;
  readonly purpose: string;
  readonly credential_id: string;
  readonly credential: unknown;
  readonly fingerprints: Fingerprints;
  readonly value: string;
}

export function emptyMemory(): MemoryRecord {
  return {
    audit: [],
    runs: new Map(),
    steps: new Map(),
    rotations: [],
    generations: [],
    sealed: [],
    refuseAudit: () => false,
    tried: 0,
  };
}

export function auditIn(memory: MemoryRecord, life: Life): AuditLog {
  return {
    append: async (entry) => {
      await life.gate();
      memory.tried += 1;
      if (memory.refuseAudit(entry, memory.tried)) {
        throw new LockstepError({
          code: "AUDIT_UNWRITABLE",
          message: `the audit entry ${entry.action} could not be written`,
          because: "the test says so",
          next: "lockstep doctor",
        });
      }
      memory.audit.push({ ...structuredClone(entry), at: nowText() });
    },
    intendedAt: async (run, step) => {
      await life.gate();
      return memory.audit.find(
        (one) =>
          one.run === run &&
          one.step === step &&
          one.action.endsWith(".intended") &&
          !one.action.endsWith(".undo.intended"),
      )?.at;
    },
  };
}

/** As `db/progress.ts`: what is given changes; calls are added; what is well again loses its trouble. */
export function progressIn(memory: MemoryRecord, life: Life): Progress {
  return {
    run: async (id, change) => {
      await life.gate();
      const { trouble: _before, ...rest } = memory.runs.get(id) ?? {};
      const well = change.status !== undefined && !["held", "failed", "cancelled"].includes(change.status);
      memory.runs.set(id, structuredClone({ ...(well ? rest : memory.runs.get(id)), ...change }));
    },
    step: async (_run, id, change) => {
      await life.gate();
      const before = memory.steps.get(id) ?? { id, state: "pending", attempts: 0, calls: [] };
      const { trouble: _trouble, ...well } = before;
      const kept = change.state === "done" || change.state === "undone" ? well : before;
      const calls = [...before.calls, ...(change.calls ?? [])];
      memory.steps.set(id, structuredClone({ ...kept, ...change, calls }));
    },
  };
}

export function ledgerIn(memory: MemoryRecord, life: Life): Ledger {
  const audit = auditIn(memory, life);
  return {
    current: async (secret) => {
      await life.gate();
      return memory.generations.find((one) => one.secret === secret && one.state === "current");
    },
    recordRotation: async (row, fingerprints, entry) => {
      await life.gate();
      if (memory.rotations.some((one) => one.run === row.run)) return;
      await audit.append(entry);
      memory.rotations.push(structuredClone(row));
      const others = memory.generations.filter((one) => one.secret !== row.secret);
      const { secret, at: since } = row;
      memory.generations.splice(
        0,
        memory.generations.length,
        ...others,
        { secret, credential: row.old, fingerprints: fingerprints.old, state: "retired", since },
        { secret, credential: row.new, fingerprints: fingerprints.new, state: "current", since },
      );
    },
  };
}

/** The table `sealed` for `sealing/sealed-values.ts`: its five statements, told apart by what they begin and end with. */
export function rowsIn(memory: MemoryRecord, life: Life): Rows {
  return {
    query: async <Row extends object>(sql: string, values: readonly unknown[] = []) => {
      await life.gate();
      return sealedQuery(memory.sealed, sql, values.map(String)) as unknown as readonly Row[];
    },
  };
}

function sealedQuery(table: SealedRow[], sql: string, v: readonly string[]): readonly SealedRow[] {
  if (sql.startsWith("INSERT INTO lockstep.sealed")) {
    const [
      id = "",
      run = "",
      ,
      purpose = "",
      credential_id = "",
      credential = "",
      prints = "",
      ,
      value = "",
    ] = v;
    const there = table.some(
      (one) => one.run === run && one.purpose === purpose && one.credential_id === credential_id,
    );
    if (!there) {
      const parsed: unknown = JSON.parse(credential);
      const fingerprints = JSON.parse(prints) as Fingerprints;
      table.push({ id, run, purpose, credential_id, credential: parsed, fingerprints, value });
    }
    return [];
  }
  if (sql.startsWith("DELETE FROM lockstep.sealed")) {
    const at = table.findIndex((one) => one.id === v[0] && one.run === v[1]);
    if (at >= 0) table.splice(at, 1);
    return [];
  }
  if (sql.includes("id::text = $1")) return table.filter((one) => one.id === v[0] && one.run === v[1]);
  if (sql.includes("credential_id = $3"))
    return table.filter((one) => one.run === v[0] && one.purpose === v[1] && one.credential_id === v[2]);
  if (sql.includes("ORDER BY seq DESC"))
    return table.filter((one) => one.run === v[0] && one.purpose === v[1]).toReversed();
  throw new Error(`the test knows no such statement: ${sql}`);
}

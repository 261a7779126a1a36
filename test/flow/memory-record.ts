import { type Fingerprints, type Generation, NOBODY } from "../../src/core/credential.ts";
import { LockstepError, type Trouble } from "../../src/core/errors.ts";
import {
  type AuditEntry,
  type AuditLog,
  type Escalation,
  findingsOf,
  type KeptReceipt,
  keylessId,
  type Ledger,
  type Owed,
  type Progress,
  type RotationRow,
  type RunRecord,
  type StepRecord,
} from "../../src/core/record.ts";
import type { Task } from "../../src/core/task.ts";
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
  /** Immutable ids of places by copy id. */
  readonly places: Map<string, string>;
  /** What the last rotation left in each place, by copy id. */
  readonly receipts: Map<string, KeptReceipt>;
  /** Open findings by id. */
  readonly owed: Map<string, Owed>;
  readonly tasks: MemoryTask[];
  /** What people were told, by event. */
  readonly escalations: Map<string, Escalation>;
  /** Runs whose duplicates are looked for later. */
  readonly followUps: Set<string>;
  frozen: Trouble | undefined;
  /** Throws here to make the entry unwritable. */
  refuseAudit: (entry: AuditEntry, n: number) => boolean;
  /** How many entries were tried. */
  tried: number;
}

/** A task that a run has opened. */
interface MemoryTask {
  readonly run: string;
  readonly question: string;
  readonly step: string;
  readonly task: Task;
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
    places: new Map(),
    receipts: new Map(),
    owed: new Map(),
    tasks: [],
    escalations: new Map(),
    followUps: new Set(),
    frozen: undefined,
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
      memory.audit.push({ ...entry, at: nowText() });
    },
    intendedAt: async (run, step, attempt) => {
      await life.gate();
      return memory.audit.find(
        (one) =>
          one.run === run &&
          one.step === step &&
          one.action.endsWith(".intended") &&
          !one.action.endsWith(".undo.intended") &&
          (attempt === undefined || one.context["attempt"] === attempt),
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
      memory.runs.set(id, { ...(well ? rest : memory.runs.get(id)), ...change });
    },
    step: async (_run, id, change) => {
      await life.gate();
      const before = memory.steps.get(id) ?? { id, state: "pending", attempts: 0, calls: [] };
      const { trouble: _trouble, ...well } = before;
      const kept = change.state === "done" || change.state === "undone" ? well : before;
      const calls = [...before.calls, ...(change.calls ?? [])];
      memory.steps.set(id, { ...kept, ...change, calls });
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
    generations: async (secret) => {
      await life.gate();
      return memory.generations.filter((one) => one.secret === secret);
    },
    known: async (by) => {
      await life.gate();
      const values = new Set("id" in by ? [] : Object.values(by.fingerprints));
      return memory.generations.filter((one) =>
        "id" in by
          ? one.credential.id === by.id
          : Object.values(one.fingerprints).some((value) => values.has(value)),
      );
    },
    receipts: async () => {
      await life.gate();
      return Object.fromEntries(memory.receipts);
    },
    keepReceipts: async (_secret, receipts) => {
      await life.gate();
      for (const { copy, fingerprints, changedAt } of receipts)
        if (changedAt !== undefined) memory.receipts.set(copy, { fingerprints, changedAt });
    },
    owe: async (owed) => {
      await life.gate();
      memory.owed.set(owed.id, owed);
    },
    settle: async (id) => {
      await life.gate();
      memory.owed.delete(id);
    },
    recordEnd: async ({ secret, credential, at, owed, run }, entry) => {
      await life.gate();
      if (!memory.audit.some((one) => one.run === run && one.action === entry.action))
        await audit.append(entry);
      memory.generations.forEach((one, i) => {
        if (one.secret === secret && one.credential.id === credential.id)
          memory.generations[i] = { ...one, state: "retired", since: at };
      });
      for (const id of findingsOf(secret, credential.id)) memory.owed.delete(id);
      if (owed) memory.owed.set(owed.id, owed);
    },
    places: async () => {
      await life.gate();
      return Object.fromEntries(memory.places);
    },
    keepPlaces: async (_secret, places) => {
      await life.gate();
      for (const [copy, id] of Object.entries(places))
        if (!memory.places.has(copy)) memory.places.set(copy, id);
    },
    recordRotation: async (row, fingerprints, entry) => {
      await life.gate();
      if (memory.rotations.some((one) => one.run === row.run)) return;
      await audit.append(entry);
      memory.rotations.push(row);
      const named = new Set([row.old.id, row.new.id]);
      const others = memory.generations
        .filter((one) => one.secret !== row.secret || !named.has(one.credential.id))
        .map((one) =>
          one.secret === row.secret && one.state === "current" ? { ...one, state: "previous" as const } : one,
        );
      const { secret, at: since } = row;
      memory.generations.splice(
        0,
        memory.generations.length,
        ...others,
        ...(row.old.id === NOBODY.id
          ? []
          : [
              {
                secret,
                credential: row.old,
                fingerprints: fingerprints.old,
                state: "retired",
                since,
              } as const,
            ]),
        { secret, credential: row.new, fingerprints: fingerprints.new, state: "current", since },
      );
      const closed = [...named].flatMap((id) => findingsOf(secret, id));
      for (const id of [keylessId(secret), ...closed]) memory.owed.delete(id);
    },
  };
}

/** The table `sealed` for `sealing/sealed-values.ts`: its six statements, told apart by what they begin and end with. */
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
    const goes = (one: SealedRow) =>
      sql.includes("id::text") ? one.id === v[0] && one.run === v[1] : one.run === v[0];
    table.splice(0, table.length, ...table.filter((one) => !goes(one)));
    return [];
  }
  if (sql.includes("id::text = $1")) return table.filter((one) => one.id === v[0] && one.run === v[1]);
  if (sql.includes("credential_id = $3"))
    return table.filter((one) => one.run === v[0] && one.purpose === v[1] && one.credential_id === v[2]);
  if (sql.includes("ORDER BY seq DESC"))
    return table.filter((one) => one.run === v[0] && one.purpose === v[1]).toReversed();
  throw new Error(`the test knows no such statement: ${sql}`);
}

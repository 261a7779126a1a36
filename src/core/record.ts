import type { CallRecord } from "./calls.ts";
import type { Credential, Fingerprints, Generation } from "./credential.ts";
import type { Trouble } from "./errors.ts";
import type { Instant } from "./time.ts";

/** Why a rotation takes place (HK-14). */
export const REASONS = [
  "scheduled",
  "compromise",
  "accidental-exposure",
  "offboarding",
  "post-incident",
] as const;
export type Reason = (typeof REASONS)[number];

/** What can be run on a secret. */
export type Flow = "test" | "rotate" | "revoke" | "recover";

/** `<secret>.<flow>.<n>`: starting the same one twice attaches (design 4, rule 9). */
export type RunId = string;

/** Where a run stands. `waiting` is for a person's task, `held` is stopped safe with a decision needed. */
export type RunStatus = "queued" | "running" | "waiting" | "held" | "completed" | "cancelled" | "failed";

/** Where a step stands. */
export type StepState =
  | "pending"
  | "waiting"
  | "acting"
  | "proving"
  | "done"
  | "failed"
  | "undone"
  | "skipped";

/** How a run ended. */
export type RunEnd =
  | { readonly status: "completed" }
  | { readonly status: "cancelled" | "failed"; readonly trouble: Trouble };

/** Who does something, with how sure we are of it. */
export interface Actor {
  readonly name: string;
  readonly assurance: "local user" | "authenticated" | "stepped up" | "lockstep";
}

/** What a run is called and how it stands, for every surface. */
export interface RunRecord {
  readonly id: RunId;
  readonly secret: string;
  readonly flow: Flow;
  readonly status: RunStatus;
  readonly runbook: string;
  readonly planHash: string;
  readonly reason: Reason;
  readonly actor: Actor;
  readonly tag: string;
  readonly startedAt: Instant;
  readonly endedAt?: Instant;
  readonly trouble?: Trouble;
  /** Under which key a held run waits for its decision. */
  readonly question?: string;
  readonly old?: { readonly id: string; readonly label: string };
  readonly new?: { readonly id: string; readonly label: string };
}

/** One step of one run, as it went. */
export interface StepRecord {
  readonly id: string;
  readonly state: StepState;
  readonly attempts: number;
  readonly startedAt?: Instant;
  readonly endedAt?: Instant;
  /** What was proved, for people. */
  readonly says?: string;
  readonly trouble?: Trouble;
  readonly calls: readonly CallRecord[];
}

/** The progress of runs, for people; the journal decides, this shows. Writes are idempotent: a replayed entry writes again. */
export interface Progress {
  run(
    id: RunId,
    change: Partial<Pick<RunRecord, "status" | "endedAt" | "trouble" | "question" | "old" | "new">>,
  ): Promise<void>;
  /** Adds `calls` to those already kept; the other parts replace. */
  step(run: RunId, step: string, change: Partial<Omit<StepRecord, "id">>): Promise<void>;
}

/** The last word of the action that announces an effect; {@link AuditLog.intendedAt} looks for it. */
export const INTENDED = "intended";

/** What an audit entry says. Action names are `secret.<flow>.<what>`; the context is plain data without values. */
export interface AuditEntry {
  readonly action: string;
  readonly actor: Actor;
  readonly secret?: string;
  readonly run?: RunId;
  readonly step?: string;
  readonly context: Readonly<Record<string, unknown>>;
}

/** The audit log. An entry is durable when `append` returns; it throws AUDIT_UNWRITABLE otherwise, and then nothing is done (P9). */
export interface AuditLog {
  append(entry: AuditEntry): Promise<void>;
  /** When this step of this run first announced its effect; undefined when it never did, so nothing can have happened. */
  intendedAt(run: RunId, step: string): Promise<Instant | undefined>;
}

/** A finished rotation, one row of the rotation log (HK-10). */
export interface RotationRow {
  readonly run: RunId;
  readonly secret: string;
  readonly at: Instant;
  readonly actor: string;
  readonly reason: Reason;
  readonly old: Credential;
  readonly new: Credential;
  readonly notes: string;
}

/** The record of generations and rotations. */
export interface Ledger {
  /** The generation on record as current; undefined on day one. */
  current(secret: string): Promise<Generation | undefined>;
  /** Idempotent by run: moves old to retired, new to current, adds the row; one transaction with its audit entry. */
  recordRotation(
    row: RotationRow,
    fingerprints: { old: Fingerprints; new: Fingerprints },
    audit: AuditEntry,
  ): Promise<void>;
}

/** A vendor account's remaining calls, shared by all workers of a database. */
export interface Budget {
  /** Waits until a call may be made; throws VENDOR_RATE_LIMITED when that lies further away than `patienceMs`. */
  take(account: string, patienceMs: number): Promise<void>;
  /** Follows the vendor's own headers. `blockedUntil` comes from Retry-After or a reset time. */
  saw(account: string, seen: { readonly remaining?: number; readonly blockedUntil?: Instant }): Promise<void>;
}

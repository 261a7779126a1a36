import type { CallRecord } from "./calls.ts";
import type { Credential, Fingerprints, Generation } from "./credential.ts";
import type { Trouble } from "./errors.ts";
import type { Receipt } from "./store.ts";
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
export type Flow = "test" | "rotate" | "revoke" | "recover" | "follow-up";

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
  readonly assurance: Assurance | "lockstep";
  /** What this person may do; absent in records that are older than roles. */
  readonly role?: Role;
}

/** What a person may do, from least to most. */
export const ROLES = ["viewer", "ops", "superadmin"] as const;
export type Role = (typeof ROLES)[number];

/** How sure we are of who it is, from least to most. */
export const ASSURANCES = ["local user", "authenticated", "stepped up"] as const;
export type Assurance = (typeof ASSURANCES)[number];

/** What a run is called and how it stands, for every surface. */
export interface RunRecord {
  readonly id: RunId;
  readonly secret: string;
  readonly flow: Flow;
  readonly status: RunStatus;
  readonly runbook: string;
  readonly planHash: string;
  readonly reason: Reason;
  /** Why, in the words of whoever started it. */
  readonly because?: string;
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
  /** Its effect was announced, so it may have happened; that a step was begun says nothing of that. */
  readonly announced?: true;
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
  step(run: RunId, step: string, change: Partial<Omit<StepRecord, "id" | "announced">>): Promise<void>;
}

/** The tag of a run, of whichever installation, with which a description ends (db/runs.ts makes them). */
export function runTagIn(description: string): string | undefined {
  return /(?:^|\s)(ls-[a-z2-7]{12})$/.exec(description)?.[1];
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
  /** When this step of this run first announced its effect, or that attempt of it; undefined when it never did, so nothing can have happened. */
  intendedAt(run: RunId, step: string, attempt?: number): Promise<Instant | undefined>;
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

/** Something wrong that stays open until it is shown right; debt among them. No value is in it. */
export interface Owed {
  /** The same for the same matter, whoever finds it, and begins with the secret. */
  readonly id: string;
  readonly secret: string;
  readonly severity: "sev-1" | "finding";
  readonly says: string;
  readonly next: string;
}

/** The finding of a secret whose key was ended without a successor; closed once a new generation is canonical. */
export function keylessId(secret: string): string {
  return `${secret}/no-key`;
}

/** The finding of a credential whose end could not be shown in full. */
export function unprovedId(secret: string, credential: string): string {
  return `${secret}/unproved/${credential}`;
}

/** The finding of a living credential of the secret that no copy should hold: supplied and not used, or overtaken by hand. */
export function strayId(secret: string, credential: string): string {
  return `${secret}/stray/${credential}`;
}

/** The finding of a credential that was created by a run which is not on record any more. */
export function olderId(secret: string, credential: string): string {
  return `${secret}/older/${credential}`;
}

/** The finding of a key that a person left alive because nobody could tell which one it is: it is known by its label alone. */
export function leftId(secret: string, label: string): string {
  return `${secret}/left/${label}`;
}

/** The finding of what a person may have created for a run of that tag, which could not be looked up when the run ended. */
export function unseenId(secret: string, tag: string): string {
  return `${secret}/unseen/${tag}`;
}

/** The finding of a run of that tag whose late duplicates could not be looked for to the end. */
export function lateId(secret: string, tag: string): string {
  return `${secret}/late/${tag}`;
}

/** All findings of one credential: what closes once it is ended, or is on record as the secret's own. */
export function findingsOf(secret: string, credential: string): readonly string[] {
  return [unprovedId, strayId, olderId].map((idOf) => idOf(secret, credential));
}

/** The credential that a finding is of; undefined where it is of none that is known by its id. */
export function credentialFound({ id, secret }: Pick<Owed, "id" | "secret">): string | undefined {
  const before = findingsOf(secret, "").find((one) => id.startsWith(one));
  return before === undefined ? undefined : id.slice(before.length);
}

/** What the last rotation left in a place, to tell later whether somebody else has written it since. */
export interface KeptReceipt {
  readonly fingerprints: Fingerprints;
  readonly changedAt: Instant;
}

/** A credential that was ended without a successor. */
export interface EndRow {
  readonly run: RunId;
  readonly secret: string;
  readonly at: Instant;
  readonly credential: Credential;
  /** What of it could not be shown. */
  readonly owed?: Owed;
}

/** The record of generations and rotations. */
export interface Ledger {
  /** The generation on record as current; undefined on day one. */
  current(secret: string): Promise<Generation | undefined>;
  /** All generations on record, newest first. */
  generations(secret: string): Promise<readonly Generation[]>;
  /** All generations on record, of any secret, that have this id or one of these values. */
  known(
    by: { readonly id: string } | { readonly fingerprints: Fingerprints },
  ): Promise<readonly Generation[]>;
  /** The immutable id of each place by copy id, as it was first seen (P6). */
  places(secret: string): Promise<Readonly<Record<string, string>>>;
  /** Keeps the ids of places that have none on record yet. */
  keepPlaces(secret: string, places: Readonly<Record<string, string>>): Promise<void>;
  /** What each place held after the last rotation, by copy id, where the place says when it changed. */
  receipts(secret: string): Promise<Readonly<Record<string, KeptReceipt>>>;
  keepReceipts(secret: string, receipts: readonly Receipt[]): Promise<void>;
  /** Opens a finding; one that is open already keeps its age. */
  owe(owed: Owed): Promise<void>;
  /** Closes what was shown right. */
  settle(id: string): Promise<void>;
  /** Idempotent by run: retires the credential, closes what was found of it, and opens what is owed; one transaction with its audit entry. */
  recordEnd(row: EndRow, audit: AuditEntry): Promise<void>;
  /**
   * Idempotent by run: moves old to retired, new to current, adds the row, and closes the SEV-1 of a secret that had no key,
   * and what was found of the two; one transaction with its audit entry.
   */
  recordRotation(
    row: RotationRow,
    fingerprints: { old: Fingerprints; new: Fingerprints },
    audit: AuditEntry,
  ): Promise<void>;
}

/** What people are told about a run or a secret, once for each event however often it is told. No value is in it. */
export interface Escalation {
  /** The same for the same event on every replay and in every process. */
  readonly event: string;
  readonly kind: "task" | "held" | "reminder" | "failed" | "sev-1";
  readonly secret: string;
  readonly run?: RunId;
  /** What happened, in one sentence. */
  readonly says: string;
  /** What is safe, in one sentence. */
  readonly state: string;
  /** The next step. */
  readonly next: string;
}

/** A vendor account's remaining calls, shared by all workers of a database. */
export interface Budget {
  /** Waits until a call may be made; throws VENDOR_RATE_LIMITED when that lies further away than `patienceMs`. */
  take(account: string, patienceMs: number): Promise<void>;
  /** Follows the vendor's own headers; counts for every `take` of this process that comes after. `blockedUntil` comes from Retry-After or a reset time. */
  saw(account: string, seen: { readonly remaining?: number; readonly blockedUntil?: Instant }): Promise<void>;
}

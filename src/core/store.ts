import type { Fingerprint, Fingerprints } from "./credential.ts";
import type { Outcome, Proof, ProofGrade } from "./outcome.ts";
import type { Values } from "./secret-value.ts";
import type { Instant } from "./time.ts";

/** What a store can do. */
export interface StoreCapabilities {
  /** Its value can be read back. */
  readonly read: boolean;
  /** Earlier values stay readable in it. */
  readonly history: boolean;
  /** All fields change in one call, so a pair is never half written. */
  readonly atomicFields: boolean;
  /** When a written value reaches consumers. */
  readonly effectiveWhen: "at-once" | "on-release" | "next-run";
  /** How strongly a copy here can be proved. */
  readonly grade: ProofGrade;
  /** What can be looked through for copies that nobody declared: all that the access reads, or what lies about this copy. */
  readonly surveys: "access" | "copy" | "nothing";
}

/** What a store holds, as seen now; no values. */
export interface Observation {
  readonly at: Instant;
  /** Whether all fields are there. */
  readonly present: boolean;
  /** Only where the store can be read and all fields are present. */
  readonly fingerprints?: Fingerprints;
  /** The store's own version of the entry (vault version, release). */
  readonly version?: string;
  /** When the store says that the entry last changed. */
  readonly changedAt?: Instant;
  /** The store's immutable id of the place (app UUID, repository id, project id). */
  readonly targetId?: string;
  /** A change that was accepted there and is not in force yet, in words: it may bring another value than is seen. */
  readonly underWay?: string;
}

/** A write that the store accepted, or that was not needed because the value was already there. */
export interface Receipt {
  readonly copy: string;
  readonly at: Instant;
  readonly fingerprints: Fingerprints;
  /** False when the store already held the value and nothing was sent. */
  readonly wrote: boolean;
  readonly version?: string;
  readonly changedAt?: Instant;
}

/** What a place looks like before anything is created. */
export interface Readiness extends Observation {
  /** Whether this access may write there, where that can be told beforehand (HK-25). */
  readonly mayWrite: "yes" | "unknown";
  /** What could not be looked at, in words; empty where nothing is left open. */
  readonly open: readonly string[];
}

/** A place that nobody declared, and what it holds. */
export interface Holding {
  /** Spelled as {@link CopySnapshot.places} is: `heroku raxx-api-prod HEROKU_API_KEY`. */
  readonly place: string;
  /** Absent where nobody can read it, and its name says that it may be a copy. */
  readonly fingerprint?: Fingerprint;
  /** What brings it there, in words, where it is not in force yet. */
  readonly underWay?: string;
}

/** A place that holds the value. */
export interface Store {
  /**
   * Whether the place can take the value, before anything is created: it is the declared one, it is at rest, nothing shadows
   * it or would overwrite it, and this access may write. Read only. `refused` with DESTINATION_UNREADY, SHADOWED,
   * VENDOR_PERMISSION, VAULT_ENTRY_UNSUITABLE or VENDOR_TARGET_MISSING.
   */
  ready(): Promise<Outcome<Readiness>>;
  /** What it holds now; read only. `refused` with DESTINATION_UNREADY or VENDOR_TARGET_MISSING when the place itself is missing or cannot take a write. */
  observe(): Promise<Outcome<Observation>>;
  /**
   * Puts all fields, once. Compares first where it can read, so that an equal value causes no write; with `regardless` it
   * sends them all the same: what is read may be older than a write whose outcome nobody knows.
   */
  write(values: Values, how?: { readonly regardless: boolean }): Promise<Outcome<Receipt>>;
  /** Whether the write stands and its consumers use it, one observation; the caller asks again until a deadline while it is `unknown`. */
  prove(receipt: Receipt, values: Values): Promise<Proof>;
  /** Whether everything that took its value before this write has ended (HK-23), one observation. */
  drained(receipt: Receipt): Promise<Proof>;
  /** All values that this access can read, in declared places and others (DR-15). Empty where the kind does not survey. */
  survey(): Promise<Outcome<readonly Holding[]>>;
}

/** The canonical store, whose values can be read. */
export interface Vault extends Store {
  /** All fields. `refused` with VENDOR_TARGET_MISSING when one is absent. */
  read(): Promise<Outcome<{ readonly values: Values; readonly observation: Observation }>>;
  /** Which installation has claimed the entry, if any. */
  claim(): Promise<Outcome<{ readonly installation?: string }>>;
  /** Puts the claim beside the entry. */
  putClaim(installation: string): Promise<Outcome<void>>;
  /** Changes of the entry that wait for somebody's approval; one that is merged later would overwrite what stands. */
  openApprovals(): Promise<Outcome<readonly string[]>>;
}

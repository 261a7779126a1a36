import type { Fingerprints } from "./credential.ts";
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

/** A place that holds the value. */
export interface Store {
  /** What it holds now; read only. `refused` with DESTINATION_UNREADY or VENDOR_TARGET_MISSING when the place itself is missing or cannot take a write. */
  observe(): Promise<Outcome<Observation>>;
  /** Puts all fields, once. Compares first where it can read, so that an equal value causes no write. */
  write(values: Values): Promise<Outcome<Receipt>>;
  /** Whether the write stands, one observation; the caller asks again until a deadline while it is `unknown`. */
  prove(receipt: Receipt): Promise<Proof>;
}

/** The canonical store, whose values can be read. */
export interface Vault extends Store {
  /** All fields. `refused` with VENDOR_TARGET_MISSING when one is absent. */
  read(): Promise<Outcome<{ readonly values: Values; readonly observation: Observation }>>;
}

import type { Credential, Fingerprints } from "./credential.ts";
import type { Values } from "./secret-value.ts";

/** The id of a sealed value; what facts carry instead of it. */
export type SealedId = string;

/** Why a run holds a value. What a person pasted is kept apart by its question until it is known what it is. */
export type SealPurpose = "old" | "pending" | `pasted/${string}`;

/** What is kept in clear beside a sealed value, so that a step can find its own work again. */
export interface SealedRecord {
  readonly id: SealedId;
  readonly fingerprints: Fingerprints;
  readonly credential?: Credential;
}

/** Values of one run under envelope encryption. A value is sealed inside the step that obtained it. */
export interface SealedValues {
  /** Idempotent by purpose and credential id: sealing again answers with the first record. */
  seal(purpose: SealPurpose, values: Values, credential?: Credential): Promise<SealedRecord>;
  /** What this run sealed for that purpose, newest first. */
  find(purpose: SealPurpose): Promise<readonly SealedRecord[]>;
  /** Throws LockstepError KEYRING_WRONG when no key of the ring opens it. */
  open(id: SealedId): Promise<Values>;
  /** Deletes it; only once its credential is canonical and proved, or proved dead. */
  drop(id: SealedId): Promise<void>;
  /** Deletes all that the run holds, once its end is on record: from then on nothing more is sealed. */
  dropAll(): Promise<void>;
}

/** Computes fingerprints under the installation's key. */
export type Fingerprinter = (values: Values) => Fingerprints;

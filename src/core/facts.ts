import type { Credential, Fingerprints } from "./credential.ts";
import type { Vocabulary } from "./recordable.ts";
import type { SealedId } from "./sealed.ts";
import type { Receipt } from "./store.ts";
import type { Instant } from "./time.ts";

/**
 * Everything a step may leave for later ones: closed, and plain data. A `Secret` at any depth of an entry is a type
 * error on this line; values are referred to by the id under which they are sealed.
 */
export type Facts = Vocabulary<{
  /** The present key, read from the vault, accepted by the issuer, and sealed. */
  checked: {
    sealed: SealedId;
    fingerprints: Fingerprints;
    account: string;
    at: Instant;
    says: string;
    /** When each copy that says so last changed, by copy id: what is found otherwise later was written since. */
    changed?: Readonly<Record<string, Instant>>;
    /** What could not be looked at beside each copy, in words, by copy id; absent in runs that an earlier build began. */
    open?: Readonly<Record<string, readonly string[]>>;
    /** Set where the issuer refuses it, which a run may start from only when a person supplies the next one (HK-24). */
    liveness?: "dead";
  };
  /** The credential that is to be replaced, exactly; `NOBODY` where a run may go on without knowing it. */
  old: Credential;
  /** The vault's entry is claimed by this installation. */
  claimed: { at: Instant; says: string };
  /** A person is told to create a credential that carries this run's tag: from here on there may be one. */
  announced: { at: Instant; says: string };
  /** The credential that this run created or was given, its value sealed. */
  pending: { ref: Credential; sealed: SealedId; fingerprints: Fingerprints };
  validated: { at: Instant; says: string };
  /** Every place can take the new value, looked at with the access that the run has by then. */
  ready: { at: Instant; says: string };
  canonical: Receipt;
  copies: Readonly<Record<string, Receipt>>;
  soaked: { at: Instant; says: string };
  /** Nothing that took the old value before the last write still runs; `accepted` where a person decided not to wait. */
  drained: { at: Instant; says: string; accepted: boolean };
  /** No change request of this run is left open at the vault. */
  closed: { at: Instant; says: string };
  /** Ids of duplicates of this run that were ended. */
  tidied: { ended: readonly string[]; says: string };
  /** The credential that a `revoke` is to end, exactly. */
  ending: Ending;
  revoked: { id: string; at: Instant };
  /** The issuer's own refusal of the ended value, repeated after its propagation window; or as much of it as could be shown. */
  dead: { at: Instant; says: string; shown?: Shown };
  recorded: { at: Instant; says: string };
  /** The way back: copies and vault hold the old value again, and the new credential is ended. */
  restored: Readonly<Record<string, Receipt>>;
  vaultRestored: Receipt;
  /** Nothing that took the new value still runs. */
  drainedBack: { at: Instant; says: string; accepted: boolean };
  newEnded: { id: string; at: Instant };
  /** Ids of duplicates that landed after the run's end, by look (HK-13). */
  lateFirst: Late;
  lateSecond: Late;
  lateLast: Late;
}>;

/**
 * What shows an end where the value's own refusal does not: `gone`, its id is absent from the issuer's list; `unproved`, it is
 * refused, and no living key was there to compare with; `left`, nobody ended it, by a person's decision (P4).
 */
type Shown = "gone" | "unproved" | "left";

type Late = { ended: readonly string[]; says: string };

/** A credential that is ended without a successor, and what is known of it. */
interface Ending {
  credential: Credential;
  /** Null where its value is not on record. */
  fingerprints: Fingerprints | null;
  /** Its value, where that is what the vault holds. */
  sealed: SealedId | null;
  /** Id of the living credential that the vault holds; null where that is the one to be ended, or cannot be told. */
  living: string | null;
  says: string;
}

export type FactName = keyof Facts;

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
  checked: { sealed: SealedId; fingerprints: Fingerprints; account: string; at: Instant; says: string };
  /** The credential that is to be replaced, exactly. */
  old: Credential;
  /** The credential that this run created, its value sealed. */
  pending: { ref: Credential; sealed: SealedId; fingerprints: Fingerprints };
  validated: { at: Instant; says: string };
  canonical: Receipt;
  copies: Readonly<Record<string, Receipt>>;
  soaked: { at: Instant; says: string };
  /** Ids of duplicates of this run that were ended. */
  tidied: { ended: readonly string[]; says: string };
  revoked: { id: string; at: Instant };
  /** The issuer's own refusal of the old value, repeated after its propagation window. */
  dead: { at: Instant; says: string };
  recorded: { at: Instant; says: string };
}>;

export type FactName = keyof Facts;

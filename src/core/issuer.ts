import type { Credential } from "./credential.ts";
import type { Trouble } from "./errors.ts";
import type { Outcome, Proof, Sighting } from "./outcome.ts";
import type { Values } from "./secret-value.ts";

/** How long old and new work side by side. */
type Overlap = "until-revoked" | "grace" | "none";

/** What an issuer can do. A `false` gets the weaker proof that is possible, and the plan says so in words. */
export interface IssuerCapabilities {
  readonly overlap: Overlap;
  /** Its credentials can be listed, so absence can be shown. */
  readonly lists: boolean;
  /** A minted credential carries our tag, so that a lost reply can be found again. */
  readonly tags: boolean;
  /** It names the account a value belongs to. */
  readonly identifies: boolean;
}

/** What a value is, as the issuer answered for it. */
export type Introspection =
  | { readonly is: "alive"; readonly account: string; readonly federated: boolean; readonly says: string }
  | { readonly is: "dead"; readonly trouble: Trouble }
  | { readonly is: "unknown"; readonly trouble: Trouble };

/** A credential that was just created. The values leave the step only sealed. */
export interface Minted {
  readonly credential: Credential;
  readonly values: Values;
}

/** What a new credential should be. */
export interface MintIntent {
  /** Unique to the run; part of the description, so that an orphan of a lost reply can be found. */
  readonly tag: string;
  /** The convention's text for people, without the tag: `raxx-ci-rotation-2026-11`. */
  readonly description: string;
}

/** What the record knows of the present credential, if anything. */
export interface RecordedIdentity {
  readonly id: string;
}

/** The vendor kind that mints, recognises and ends credentials. Every method is safe to call again except `mint`, which is sent once. */
export interface Issuer {
  /** Who the value authenticates as. `dead` only on the issuer's own refusal in its own shape. */
  introspect(values: Values): Promise<Introspection>;
  /** Which credential the value belongs to, exactly. `refused` with OLD_NOT_IDENTIFIED when it cannot be told beyond doubt (HK-04). */
  identify(values: Values, recorded: RecordedIdentity | undefined): Promise<Outcome<Credential>>;
  /** Creates one credential. `unknown` when it may exist: look with {@link Issuer.findByTag}, never call again. */
  mint(intent: MintIntent): Promise<Outcome<Minted>>;
  /** All living credentials that carry the tag. */
  findByTag(tag: string): Promise<Outcome<readonly Credential[]>>;
  /** Whether the new value is what was asked for: right account, scope and reach (HK-06). */
  validate(credential: Credential, values: Values): Promise<Proof>;
  /** Ends exactly that credential. Already gone is `done`. */
  end(id: string): Promise<Outcome<void>>;
  /** All credentials of the account that the issuer lists. */
  list(): Promise<Outcome<readonly Credential[]>>;
  /** Whether the id is absent from the issuer's list. `dead` means absent, `alive` means listed. */
  isListed(id: string): Promise<Sighting>;
  /** Whether the value is accepted now. `dead` only on the issuer's own refusal in its own shape. */
  probe(values: Values): Promise<Sighting>;
}

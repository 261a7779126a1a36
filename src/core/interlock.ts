import type { Outcome, Proof, ProofGrade } from "./outcome.ts";
import type { Instant } from "./time.ts";

/** Where an interlock stands: closed holds everything back, open lets it through. That it is not known is no position, it is an outcome. */
export type Position = "closed" | "open";

/** What an interlock can do. A `false` gets the weaker proof that is possible. */
export interface InterlockCapabilities {
  /** Where it stands can be read. */
  readonly read: boolean;
  /** When a change reaches what consults it. */
  readonly effectiveWhen: "at-once" | "on-release";
  /** How strongly it is proved that what consults it sees it. */
  readonly grade: ProofGrade;
}

/** Where an interlock was seen to stand. */
export interface Standing {
  readonly at: Instant;
  /** As it was last set, whether or not it is in force yet: {@link Interlock.prove} tells that. */
  readonly is: Position;
  /** Since when, by the vendor's own word; absent where it does not say. */
  readonly since?: Instant;
  /** The vendor's own version of the change that made it so, as {@link Turn.version}; absent where it does not say. */
  readonly version?: string;
  /** The vendor's immutable id of the place (app UUID). */
  readonly targetId?: string;
}

/** A change that was accepted, or that was not needed because it stood there already. */
export interface Turn {
  readonly at: Instant;
  /** Where it stood before, so that it can be put back there; `unknown` where that was neither, and then it is never opened again unasked. */
  readonly found: Position | "unknown";
  /** False when it stood there already and nothing was sent. */
  readonly wrote: boolean;
  /** The vendor's own version of the change (release). */
  readonly version?: string;
}

/** Something that is closed before a run and opened after it, such as a trading kill switch (P5). */
export interface Interlock {
  /** Where it stands; read only. `unknown` where it cannot be read, or what stands there means neither (INTERLOCK_UNCLEAR). */
  observe(): Promise<Outcome<Standing>>;
  /**
   * Closes it. Looks first, so that a closed one is not closed again; sends once. `unknown` when it may have happened: look
   * with {@link Interlock.observe}, then it may be called again.
   */
  close(): Promise<Outcome<Turn>>;
  /** Opens it, in the same way. Whether it may be opened is the caller's to decide: never where somebody else had closed it. */
  open(): Promise<Outcome<Turn>>;
  /**
   * Whether all that consults it sees this position now, not only that it is stored; one observation. The caller asks again
   * until a deadline while it is `unknown`. `refuted` with INTERLOCK_UNPROVED where it stands otherwise.
   */
  prove(position: Position): Promise<Proof>;
}

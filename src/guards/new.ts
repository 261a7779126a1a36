import { guard } from "../core/guard.ts";
import type { Snapshot } from "../core/snapshot.ts";
import type { Milliseconds } from "../core/time.ts";

/**
 * How long a key that was seen to work is taken to work, where it is about to be written. A run may be held for a week, or go
 * on from an older database: by then somebody may have ended it.
 */
export const SEEN_TO_WORK: Milliseconds = 15 * 60_000;

/** The new key is accepted, and for the configured account, where it is about to be written (P1, X-08). */
export const newKeyStillWorks = guard(
  "the new key is accepted before it is written",
  ({ observed, snapshot }: { observed: { livingAccount: string }; snapshot: Snapshot }) =>
    observed.livingAccount === snapshot.issuer.account
      ? undefined
      : {
          code: "NEW_NOT_VALID",
          message:
            observed.livingAccount === ""
              ? "The new key is refused by now"
              : `The new key belongs to ${observed.livingAccount} by now`,
          because: "only a key that works may go to the vault and its copies",
          next: "lockstep runs    says which run it was; what lockstep show offers for it gets away from that key",
        },
);

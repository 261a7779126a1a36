import type { Credential } from "../core/credential.ts";
import { guard } from "../core/guard.ts";
import type { Snapshot } from "../core/snapshot.ts";

/** The credential to be replaced is named by an exact id and belongs to the configured account (HK-04). */
export const oldIsIdentified = guard(
  "the old credential is identified exactly",
  ({ facts, snapshot }: { facts: { old: Credential }; snapshot: Snapshot }) =>
    facts.old.id.length > 0 && facts.old.account === snapshot.issuer.account
      ? undefined
      : {
          code: "OLD_NOT_IDENTIFIED",
          message: `The old credential is not identified as one of ${snapshot.issuer.account}`,
          because: "a credential is replaced and ended only by its exact id",
          next: `lockstep test ${snapshot.secret}`,
        },
);

/** The credential to be ended is none of those that the configuration declares as somebody else's (HK-03). */
export const oldIsNobodyElses = guard(
  "the old credential is nobody else's",
  ({ facts, snapshot }: { facts: { old: Credential }; snapshot: Snapshot }) => {
    const owner = snapshot.issuer.known.find(
      (known) => known.id.length >= 8 && facts.old.id.startsWith(known.id),
    );
    if (!owner) return undefined;
    return {
      code: "OLD_NOT_IDENTIFIED",
      message: `The key in the vault is ${owner.id} (${owner.description}), declared as somebody else's`,
      because: "a rotation never ends a credential that belongs to somebody else",
      next: `lockstep test ${snapshot.secret}    after you have corrected "known" in the configuration, or the vault's value`,
    };
  },
);

/** The old key is accepted, and for the configured account, where it is about to be put back (P1). */
export const oldKeyStillWorks = guard(
  "the old key is accepted before it is put back",
  ({ observed, snapshot }: { observed: { livingAccount: string }; snapshot: Snapshot }) =>
    observed.livingAccount === snapshot.issuer.account
      ? undefined
      : {
          code: "ROLLBACK_IMPOSSIBLE",
          message:
            observed.livingAccount === ""
              ? "The old key is refused by now, so it is not put back"
              : `The old key belongs to ${observed.livingAccount} by now, so it is not put back`,
          because: "only a key that works may go to the vault and its copies",
          next: `lockstep rotate ${snapshot.secret}    turns round: the new key goes to the vault and to every copy`,
        },
);

/** What is ended is not what was just created. */
export const oldIsNotTheNewOne = guard(
  "the old credential is not the new one",
  ({ facts, snapshot }: { facts: { old: Credential; pending: { ref: Credential } }; snapshot: Snapshot }) =>
    facts.old.id !== facts.pending.ref.id
      ? undefined
      : {
          code: "OLD_NOT_IDENTIFIED",
          message: `Old and new are the same credential, ${facts.old.id}`,
          because: "ending it would leave no working key",
          next: `lockstep test ${snapshot.secret}`,
        },
);

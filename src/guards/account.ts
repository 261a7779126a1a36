import { guard } from "../core/guard.ts";
import type { Snapshot } from "../core/snapshot.ts";

/** The present key answers for the account that the configuration names (P6). */
export const accountIsTheConfiguredOne = guard(
  "account is the configured one",
  ({ facts, snapshot }: { facts: { checked: { account: string } }; snapshot: Snapshot }) =>
    facts.checked.account === snapshot.issuer.account
      ? undefined
      : {
          code: "ACCOUNT_DIFFERS",
          message: `The present key belongs to ${facts.checked.account}, not to ${snapshot.issuer.account}`,
          because: "a key of another account must not be replaced",
          next: `lockstep test ${snapshot.secret}`,
        },
);

import { sameFingerprints } from "../../core/credential.ts";
import { step } from "../../core/step.ts";
import { accountIsTheConfiguredOne } from "../../guards/account.ts";
import { onRecord } from "./older.ts";

/** Which credential the vault's value is, exactly, before anything is created (SOP step 1, HK-04). */
export const identify = step({
  id: "identify",
  takes: ["checked"],
  gives: "old",
  by: "api",
  effect: "none",
  says: () =>
    "Find the present key in the issuer's list: exactly one match, by id or by its visible characters",
  target: (s) => s.issuer.account,
  costs: (s) => ({ [s.issuer.vendor]: s.issuer.costs.identify }),
  needs: [accountIsTheConfiguredOne],
  does: async (c, { checked }) => {
    const recorded = await c.ledger.current(c.snapshot.secret);
    // A record of another value names another credential: somebody changed the vault by hand, and only the characters count.
    const fits = recorded && sameFingerprints(recorded.fingerprints, checked.fingerprints);
    const values = await c.sealed.open(checked.sealed);
    const found = await c.issuer.identify(values, fits ? { id: recorded.credential.id } : undefined);
    return found.is === "done" ? onRecord(c, found.value) : found;
  },
  tells: (old) => `${old.id.slice(0, 8)}… ${old.description}, of ${old.account}`,
  undoes: "nothing",
});

import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Credential } from "../core/credential.ts";
import { done, type Outcome, refused } from "../core/outcome.ts";
import { findingsOf, leftId, strayId } from "../core/record.ts";
import { type Instant, instantOf, systemClock } from "../core/time.ts";
import { listAudit } from "../db/audit-log.ts";
import { openFindings } from "../db/findings.ts";
import { fresh, SOMEBODY, type TestDatabase, testDatabase } from "../db/harness.ts";
import { ledgerIn } from "../db/ledger.ts";
import { closeShownGone, type Looking } from "./shown-gone.ts";

let test: TestDatabase;
beforeAll(async () => {
  test = await testDatabase();
});
afterAll(() => test?.close());

const [PRESENT, FORGOTTEN] = ["11111111-present", "22222222-forgotten"];
const PROPAGATION_MS = 60_000;
const later = (): Instant => instantOf(Date.now() + 2 * PROPAGATION_MS);

const credential = (id: string): Credential => ({
  id,
  description: id,
  scopes: [],
  createdAt: systemClock.now(),
  account: "kris@example.test",
});
const listing = (...ids: string[]) => done(ids.map(credential));

/** A secret with everything that can be found of one credential, and of a key that is known by its label alone. */
async function found() {
  const secret = fresh();
  const ids = [...findingsOf(secret, FORGOTTEN), leftId(secret, "a1b2c3")];
  const ledger = ledgerIn(test.db);
  for (const id of ids) await ledger.owe({ id, secret, severity: "finding", says: "it lives", next: "look" });
  const current = { secret, credential: credential(PRESENT), state: "current", fingerprints: {} } as const;
  return {
    secret,
    ids,
    looks: (list: Outcome<readonly Credential[]>, { now = later(), recorded = true } = {}) =>
      closeShownGone({ database: test.db }, {
        snapshot: { secret, propagationMs: PROPAGATION_MS },
        actor: SOMEBODY,
        now: () => now,
        issuer: { list: async () => list },
        ledger: { current: async () => (recorded ? current : undefined) },
      } as unknown as Looking),
    open: async () => (await openFindings(test.db, secret)).map((one) => one.id).sort(),
  };
}

describe("what was found of a credential", () => {
  it("[P3] [P4] closes once the issuer lists it no more, and the audit log says on what evidence", async () => {
    const { secret, looks, open } = await found();
    const closed = await looks(listing(PRESENT, "33333333-another"));
    expect(closed.map(({ id }) => id).sort()).toEqual([...findingsOf(secret, FORGOTTEN)].sort());
    expect(await open()).toEqual([leftId(secret, "a1b2c3")]);
    const entries = await listAudit(test.db, { secret, action: "finding.closed" });
    expect(entries.map(({ context }) => context["finding"])).toContain(strayId(secret, FORGOTTEN));
    expect(entries[0]?.context["proof"]).toMatch(/^gone: /);
    expect(await looks(listing(PRESENT))).toEqual([]);
  });

  const TROUBLE = { code: "VENDOR_ERROR", message: "m", because: "b", next: "n" } as const;
  it.each([
    ["while it is listed", listing(PRESENT, FORGOTTEN), {}],
    ["on a list that cannot be read", refused(TROUBLE), {}],
    ["on a list that does not hold the key on record, as another account's", listing("33333333-another"), {}],
    ["on an empty list", listing(), {}],
    ["where no key is on record to tell the account by", listing(PRESENT), { recorded: false }],
    ["before a list could show what was just made", listing(PRESENT), { now: systemClock.now() }],
  ] as const)("[X-09] stays open %s", async (_when, list, how) => {
    const { secret, ids, looks, open } = await found();
    expect(await looks(list, how)).toEqual([]);
    expect(await open()).toEqual([...ids].sort());
    expect(await listAudit(test.db, { secret })).toEqual([]);
  });
});

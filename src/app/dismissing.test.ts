import { afterAll, beforeAll, expect, it } from "vitest";
import type { Actor } from "../core/record.ts";
import { leftId } from "../core/record.ts";
import { listAudit } from "../db/audit-log.ts";
import { openFindings } from "../db/findings.ts";
import { fresh, SOMEBODY, type TestDatabase, testDatabase } from "../db/harness.ts";
import { ledgerIn } from "../db/ledger.ts";
import type { Config } from "./config.ts";
import { dismiss } from "./dismissing.ts";

let test: TestDatabase;
beforeAll(async () => {
  test = await testDatabase();
});
afterAll(() => test?.close());

const KRIS: Actor = { ...SOMEBODY, role: "ops" };

/** A finding of a secret that people of the role ops look after. */
async function found(severity: "finding" | "sev-1" = "finding") {
  const secret = fresh();
  const id = leftId(secret, "a1b2c3");
  const owed = { id, secret, severity, says: "it still works", next: "look" };
  await ledgerIn(test.db).owe(owed);
  const config = { secrets: { [secret]: { role: "ops" } } } as unknown as Config;
  return {
    secret,
    owed,
    dismisses: (actor = KRIS, name = id) =>
      dismiss({ database: test.db, config }, actor, name, "ended by hand"),
    open: async () => (await openFindings(test.db, secret)).map((one) => one.id),
  };
}

it("a finding is dismissed on a person's word, which the audit log keeps; found again, it opens again", async () => {
  const { secret, owed, dismisses, open } = await found();
  expect(await dismisses()).toMatchObject(owed);
  expect(await open()).toEqual([]);
  expect(await listAudit(test.db, { secret })).toMatchObject([
    {
      action: "finding.dismissed",
      actor: { name: KRIS.name },
      context: { finding: owed.id, says: owed.says, reason: "ended by hand" },
    },
  ]);
  await expect(dismisses()).rejects.toMatchObject({ code: "USAGE" });
  await ledgerIn(test.db).owe(owed);
  expect(await open()).toEqual([owed.id]);
});

it("not a SEV-1, not by whom the secret is not trusted to, and nothing that is not open", async () => {
  const worst = await found("sev-1");
  await expect(worst.dismisses()).rejects.toMatchObject({ code: "USAGE", next: worst.owed.next });
  const { secret, owed, dismisses, open } = await found();
  await expect(dismisses({ ...KRIS, role: "viewer" })).rejects.toMatchObject({ code: "ROLE_MISSING" });
  await expect(dismisses(KRIS, `${secret}/left/other`)).rejects.toMatchObject({ code: "USAGE" });
  expect([await worst.open(), await open()]).toEqual([[worst.owed.id], [owed.id]]);
  expect(await listAudit(test.db, { secret })).toEqual([]);
});

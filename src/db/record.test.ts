import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findingsOf, olderId, strayId, unprovedId } from "../core/record.ts";
import { Secret } from "../core/secret-value.ts";
import { auditLogIn, insertAudit, listAudit, tryAudit } from "./audit-log.ts";
import { budgetIn } from "./budget.ts";
import { openDatabase } from "./connect.ts";
import type { Queries } from "./database.ts";
import { openFindings } from "./findings.ts";
import {
  credential,
  entry,
  fresh,
  rotation,
  SOMEBODY,
  someRun,
  type TestDatabase,
  testDatabase,
} from "./harness.ts";
import { lastRotations, ledgerIn, listGenerations, listRotations } from "./ledger.ts";

let test: TestDatabase;
beforeAll(async () => {
  test = await testDatabase();
});
afterAll(() => test?.close());

describe("audit log", () => {
  it("[X-04] keeps action, actor, context and the time in UTC, by the database's clock", async () => {
    const run = fresh("run");
    const before = Date.now();
    await auditLogIn(test.db).append({
      action: "secret.rotate.started",
      actor: { name: "kris", assurance: "stepped up" },
      secret: "s",
      run,
      context: { reason: "scheduled", copies: ["a", "b"] },
    });
    const [kept] = await listAudit(test.db, { run });
    expect(kept).toEqual({
      seq: expect.any(Number),
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      action: "secret.rotate.started",
      actor: { name: "kris", assurance: "stepped up" },
      secret: "s",
      run,
      context: { reason: "scheduled", copies: ["a", "b"] },
    });
    // Both read this machine's clock, one of them to the microsecond.
    expect(Date.parse(kept?.at ?? "")).toBeGreaterThanOrEqual(before - 1);
    expect(Date.parse(kept?.at ?? "")).toBeLessThanOrEqual(Date.now() + 1);
  });

  it.each([
    "UPDATE lockstep.audit SET action = 'x'",
    "UPDATE lockstep.audit SET action = 'x' WHERE false",
    "DELETE FROM lockstep.audit",
    "TRUNCATE lockstep.audit",
  ])("[X-04] is append-only: refuses %s", async (sql) => {
    await auditLogIn(test.db).append(entry(fresh("run"), "mint", "secret.rotate.started"));
    const before = await listAudit(test.db, { limit: 1_000 });
    await expect(test.db.query(sql)).rejects.toMatchObject({ code: "23001" });
    expect(await listAudit(test.db, { limit: 1_000 })).toEqual(before);
  });

  it("[P9] knows when a step announced its effect first, and that it never did", async () => {
    const run = fresh("run");
    const audit = auditLogIn(test.db);
    await audit.append(entry(run, "mint", "secret.rotate.step.failed"));
    await audit.append(entry(run, "mint", "secret.rotate.step.undo.intended"));
    expect(await audit.intendedAt(run, "mint")).toBeUndefined();
    await audit.append(entry(run, "mint", "secret.rotate.step.intended"));
    await audit.append(entry(run, "mint", "secret.rotate.step.intended"));
    const [first] = await listAudit(test.db, { run, action: "secret.rotate.step.intended" });
    expect(await audit.intendedAt(run, "mint")).toBe(first?.at);
    expect(await audit.intendedAt(run, "store")).toBeUndefined();
    expect(await audit.intendedAt(run, "mint", 2)).toBeUndefined();
    const again = entry(run, "mint", "secret.rotate.step.intended");
    await audit.append({ ...again, context: { ...again.context, attempt: 2 } });
    expect(await audit.intendedAt(run, "mint", 2)).toBe((await listAudit(test.db, { run }))[4]?.at);
    expect(await audit.intendedAt(fresh("run"), "mint")).toBeUndefined();
  });

  it("[P9] throws AUDIT_UNWRITABLE when the database is gone", async () => {
    const other = await openDatabase(test.url);
    await other.close();
    const append = auditLogIn(other).append(entry("r", "mint", "secret.rotate.intended"));
    await expect(append).rejects.toMatchObject({ code: "AUDIT_UNWRITABLE" });
  });

  it("[P9] throws AUDIT_UNWRITABLE when its connection is cut under it, and writes again later", async () => {
    const run = fresh("run");
    const cut = test.db.transaction(async (queries) => {
      const [me] = await queries.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
      await test.db.query("SELECT pg_terminate_backend($1)", [me?.pid]);
      await insertAudit(queries, entry(run, "mint", "secret.rotate.intended"));
    });
    await expect(cut).rejects.toMatchObject({ code: "AUDIT_UNWRITABLE" });
    expect(await listAudit(test.db, { run })).toEqual([]);
    await auditLogIn(test.db).append(entry(run, "mint", "secret.rotate.intended"));
    expect(await listAudit(test.db, { run })).toHaveLength(1);
  });

  it("[P9] is tried without leaving an entry, and why it cannot be written is said", async () => {
    const run = fresh("run");
    const tried = () => tryAudit(test.db, entry(run, "mint", "doctor.tried"));
    await tried();
    await test.db.query("REVOKE INSERT ON lockstep.audit FROM CURRENT_USER");
    await expect(tried()).rejects.toMatchObject({
      code: "AUDIT_UNWRITABLE",
      because: expect.stringContaining("42501"),
    });
    await test.db.query("GRANT INSERT ON lockstep.audit TO CURRENT_USER");
    expect(await listAudit(test.db, { run })).toEqual([]);
  });

  it("[P7] refuses an entry that hides a value at any depth, and does not quote it", async () => {
    const value = crypto.randomUUID();
    const run = fresh("run");
    for (const context of [
      { a: [{ b: Secret.of(value) }] },
      { m: new Map([["k", Secret.of(value)]]) },
      { s: new Set([Secret.of(value)]) },
    ]) {
      const append = auditLogIn(test.db).append({ ...entry(run, "mint", "secret.rotate.x"), context });
      const thrown = await append.catch((error: unknown) => error);
      expect(thrown).toMatchObject({ code: "AUDIT_UNWRITABLE" });
      expect(`${thrown} ${JSON.stringify(thrown)}`).not.toContain(value);
    }
    expect(await listAudit(test.db, { run })).toEqual([]);
  });

  it("takes any text that a vendor may send", async () => {
    const run = fresh("run");
    const context = { "na\u0000me": "a\u0000b\ud800c", deep: { nothing: undefined, list: [null, "\u0000"] } };
    await auditLogIn(test.db).append({ ...entry(run, "mint", "secret.rotate.x"), context });
    const [kept] = await listAudit(test.db, { run });
    expect(kept?.context).toEqual({ name: "ab\ufffdc", deep: { list: [null, ""] } });
  });

  it("lists the newest, or follows from where a reader stands", async () => {
    const run = fresh("run");
    const audit = auditLogIn(test.db);
    for (const what of ["a", "b", "c", "d"]) await audit.append(entry(run, what, `secret.rotate.${what}`));
    const all = await listAudit(test.db, { run });
    expect(all.map(({ step }) => step)).toEqual(["a", "b", "c", "d"]);
    expect((await listAudit(test.db, { run, limit: 2 })).map(({ step }) => step)).toEqual(["c", "d"]);
    const following = await listAudit(test.db, { run, afterSeq: all[0]?.seq ?? 0, limit: 2 });
    expect(following.map(({ step }) => step)).toEqual(["b", "c"]);
    expect(await listAudit(test.db, { run, to: all[0]?.at ?? "" })).toEqual([]);
    expect(await listAudit(test.db, { run, action: "secret.rot" })).toEqual([]);
  });
});

describe("ledger", () => {
  const done = { action: "secret.rotate.completed", actor: SOMEBODY, context: {} };
  const prints = { old: { key: "0a".repeat(16) }, new: { key: "1b".repeat(16) } };

  it("[HK-10] records a rotation once: its row, both generations and the audit entry", async () => {
    const secret = fresh();
    const run = await someRun(test.db, secret);
    const row = rotation(run, secret, "2026-07-01T10:00:00.000Z");
    const ledger = ledgerIn(test.db);
    expect(await ledger.current(secret)).toBeUndefined();
    for (let replay = 0; replay < 2; replay++)
      await ledger.recordRotation(row, prints, { ...done, secret, run });
    expect(await listRotations(test.db, secret)).toEqual([{ ...row, imported: false }]);
    expect(await ledger.current(secret)).toEqual({
      secret,
      credential: row.new,
      fingerprints: prints.new,
      state: "current",
      since: row.at,
    });
    expect((await listGenerations(test.db, secret)).map(({ state }) => state).sort()).toEqual([
      "current",
      "retired",
    ]);
    expect(await listAudit(test.db, { run })).toHaveLength(1);
  });

  it("[HK-10] records nothing at all when the audit entry cannot be written", async () => {
    const secret = fresh();
    const run = await someRun(test.db, secret);
    const row = rotation(run, secret, "2026-07-01T10:00:00.000Z");
    const bad = { ...done, context: { value: Secret.of(crypto.randomUUID()) } };
    await expect(ledgerIn(test.db).recordRotation(row, prints, bad)).rejects.toMatchObject({
      code: "AUDIT_UNWRITABLE",
    });
    expect(await listRotations(test.db, secret)).toEqual([]);
    expect(await listGenerations(test.db, secret)).toEqual([]);
  });

  it("does not call a credential retired that nobody has proved dead", async () => {
    const secret = fresh();
    const ledger = ledgerIn(test.db);
    const first = await someRun(test.db, secret);
    await ledger.recordRotation(rotation(first, secret, "2026-01-01T00:00:00.000Z"), prints, done);
    await test.db.query("UPDATE lockstep.run SET status = 'completed' WHERE id = $1", [first]);
    const second = await someRun(test.db, secret);
    const row = {
      ...rotation(second, secret, "2026-04-01T00:00:00.000Z"),
      old: credential("found elsewhere"),
    };
    await ledger.recordRotation(row, prints, done);
    const states = (await listGenerations(test.db, secret)).map((g) => [g.credential.id, g.state]);
    expect(Object.fromEntries(states)).toEqual({
      [`old-${first}`]: "retired",
      [`new-${first}`]: "previous",
      "found elsewhere": "retired",
      [`new-${second}`]: "current",
    });
    expect((await lastRotations(test.db)).get(secret)).toBe("2026-04-01T00:00:00.000Z");
  });

  it("[P3] closes what was found of a credential once it is ended, by a revoke or a rotation; of no other one", async () => {
    const secret = fresh();
    const ledger = ledgerIn(test.db);
    const run = await someRun(test.db, secret);
    const row = rotation(run, secret, "2026-07-01T10:00:00.000Z");
    const found = (id: string) => ({ id, secret, severity: "finding", says: id, next: "look" }) as const;
    const open = async () => (await openFindings(test.db, secret)).map(({ id }) => id);
    const other = strayId(secret, "another");
    for (const idOf of [strayId, olderId, unprovedId])
      for (const id of ["ended", row.old.id, row.new.id]) await ledger.owe(found(idOf(secret, id)));
    await ledger.owe(found(other));
    const unproved = found(unprovedId(secret, "ended"));
    const end = { run, secret, at: row.at, credential: credential("ended") };
    await ledger.recordEnd({ ...end, owed: unproved }, { ...done, secret, run });
    const ofRow = [row.old, row.new].flatMap(({ id }) => findingsOf(secret, id));
    expect(new Set(await open())).toEqual(new Set([...ofRow, unproved.id, other]));
    await ledger.recordEnd(end, { ...done, secret, run });
    await ledger.recordRotation(row, prints, { ...done, secret, run });
    expect(await open()).toEqual([other]);
  });
});

describe("budget", () => {
  const slow = { capacity: 10, perMinute: 600 };
  /** Nothing comes back while a test runs. */
  const still = { capacity: 100, perMinute: 0.001 };
  const level = async (account: string): Promise<number> =>
    (
      await test.db.query<{ level: number }>("SELECT level FROM lockstep.budget WHERE account = $1", [
        account,
      ])
    )[0]?.level ?? Number.NaN;

  it("counts every call of workers that take at once", async () => {
    const account = fresh("account");
    const other = await openDatabase(test.url);
    const budgets = [budgetIn(test.db, () => still), budgetIn(other, () => still)];
    await Promise.all(Array.from({ length: 60 }, (_, n) => budgets[n % 2]?.take(account, 0)));
    expect(await level(account)).toBeCloseTo(40, 1);
    await other.close();
  });

  it("lets a caller wait its turn, and refuses one that cannot wait so long, without taking its call", async () => {
    const account = fresh("account");
    const budget = budgetIn(test.db, () => slow);
    const before = Date.now();
    await budget.saw(account, { remaining: 0 });
    await budget.take(account, 1_000);
    // From before it was empty: one call comes back each 100 ms, also while this process waits for its turn.
    expect(Date.now() - before).toBeGreaterThan(90);
    const refused = fresh("account");
    const impatient = budgetIn(test.db, () => still);
    await impatient.saw(refused, { remaining: 0 });
    await expect(impatient.take(refused, 10)).rejects.toMatchObject({ code: "VENDOR_RATE_LIMITED" });
    expect(await level(refused)).toBeCloseTo(0, 1);
  });

  it("follows the vendor's headers up and down, and keeps the calls that are being waited for", async () => {
    const account = fresh("account");
    const budget = budgetIn(test.db, () => still);
    await budget.saw(account, { remaining: 3 });
    expect(await level(account)).toBeCloseTo(3, 1);
    await budget.saw(account, { remaining: 50 });
    expect(await level(account)).toBeCloseTo(50, 1);
    await test.db.query("UPDATE lockstep.budget SET level = -5, at = clock_timestamp() WHERE account = $1", [
      account,
    ]);
    await budget.saw(account, { remaining: 1 });
    expect(await level(account)).toBeCloseTo(-4, 1);
  });

  it("stays away until the vendor's own moment, also a caller that was waiting already", async () => {
    const account = fresh("account");
    const budget = budgetIn(test.db, () => slow);
    await budget.saw(account, { blockedUntil: new Date(Date.now() + 60_000).toISOString() });
    await expect(budget.take(account, 5_000)).rejects.toMatchObject({ code: "VENDOR_RATE_LIMITED" });
    const waiting = fresh("account");
    const sleepy = budgetIn(test.db, () => ({ capacity: 10, perMinute: 30 }));
    await sleepy.saw(waiting, { remaining: 0 });
    const taken = sleepy.take(waiting, 600_000);
    const until = Date.now() + 2_400;
    await sleepy.saw(waiting, { blockedUntil: new Date(until).toISOString() });
    await taken;
    expect(Date.now()).toBeGreaterThanOrEqual(until - 1);
  });

  it("counts callers of one process together with what replies said before them, the reply first", async () => {
    const account = fresh("account");
    let statements = 0;
    const counted: Queries = {
      query: (sql, values) => {
        statements += 1;
        return test.db.query(sql, values);
      },
    };
    const budget = budgetIn(counted, () => still);
    await budget.take(account, 0);
    statements = 0;
    const seen = [budget.saw(account, { remaining: 60 }), budget.saw(account, { remaining: 50 })];
    await Promise.all([...seen, ...Array.from({ length: 20 }, () => budget.take(account, 0))]);
    expect(statements).toBe(1);
    expect(await level(account)).toBeCloseTo(30, 1);
  });

  it("tells each of several callers at once its own wait, and takes no call for those who have no patience", async () => {
    const account = fresh("account");
    const budget = budgetIn(test.db, () => ({ ...still, capacity: 2 }));
    const ends = await Promise.allSettled(
      [0, 0, 0, 10].map((patienceMs) => budget.take(account, patienceMs)),
    );
    expect(ends.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected", "rejected"]);
    expect(await level(account)).toBeCloseTo(0, 1);
  });
});

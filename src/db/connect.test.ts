import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from "vitest";
import { place } from "../engine/embedded/harness.ts";
import { openEmbedded } from "../engine/embedded/server.ts";
import { openDatabase } from "./connect.ts";
import { gone, inProcess, type TestDatabase, testDatabase } from "./harness.ts";
import { migrate } from "./migrate.ts";
import { MIGRATIONS } from "./migrations.ts";
import { databaseTrouble } from "./trouble.ts";

const user = new URL("harness-user.ts", import.meta.url);
let test: TestDatabase;

beforeAll(async () => {
  test = await testDatabase();
});
afterAll(async () => {
  await test?.close();
});

/** Ends every connection of the test's pool from outside, as a restart of the server does. */
async function cutConnections(): Promise<void> {
  const client = new pg.Client(test.url);
  await client.connect();
  await client.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'lockstep' AND pid <> pg_backend_pid()",
  );
  await client.end();
}

describe("openDatabase", () => {
  it("makes the schema once, however many processes begin at once", async () => {
    const server = await openEmbedded(join(place(), ".lockstep"));
    const said = await Promise.all(Array.from({ length: 8 }, () => inProcess<object>(user, server.url)));
    expect(new Set(said.map((line) => JSON.stringify(line))).size).toBe(1);
    expect(said[0]).toEqual({ installation: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    const db = await openDatabase(server.url);
    const rows = await db.query<{ n: number }>("SELECT n FROM lockstep.migration ORDER BY n");
    expect(rows.map(({ n }) => n)).toEqual(MIGRATIONS.map(({ n }) => n));
    await db.close();
    await server.close();
    await gone(server.dataDir);
  });

  it("numbers its migrations from 1 without gaps", () => {
    expect(MIGRATIONS.map(({ n }) => n)).toEqual(MIGRATIONS.map((_, index) => index + 1));
  });

  it("refuses a database that a newer Lockstep has changed, and leaves it alone", async () => {
    await test.db.query("INSERT INTO lockstep.migration (n, name) VALUES (999, 'from the future')");
    await expect(openDatabase(test.url)).rejects.toMatchObject({ code: "DATABASE_TOO_NEW" });
    await test.db.query("DELETE FROM lockstep.migration WHERE n = 999");
  });

  it("keeps nothing of a migration that fails", async () => {
    const broken = {
      n: MIGRATIONS.length + 1,
      name: "broken",
      sql: "CREATE TABLE lockstep.half (); SELECT 1 / 0",
    };
    await expect(migrate(test.db, [...MIGRATIONS, broken])).rejects.toMatchObject({ code: "22012" });
    const [row] = await test.db.query<{ there: boolean }>(
      "SELECT to_regclass('lockstep.half') IS NOT NULL AS there",
    );
    expect(row?.there).toBe(false);
    expect(await migrate(test.db)).toBe(test.db.installation);
  });

  it("says DATABASE_UNREACHABLE, without the password, when nobody is there", async () => {
    const password = crypto.randomUUID();
    const url = `postgresql://somebody:${password}@localhost:1/nothing`;
    const thrown = await openDatabase(url).catch((error: unknown) => error);
    expect(thrown).toMatchObject({ code: "DATABASE_UNREACHABLE" });
    expect(JSON.stringify(thrown)).not.toContain(password);
    expect(String(thrown)).not.toContain(password);
    await expect(openDatabase(`not-a-url-${password}`)).rejects.toMatchObject({
      code: "DATABASE_UNREACHABLE",
    });
  });

  it("says DATABASE_UNREACHABLE when the server knows no such user", async () => {
    const url = test.url.replace("lockstep@", "somebody@");
    await expect(openDatabase(url)).rejects.toMatchObject({ code: "DATABASE_UNREACHABLE" });
  });

  it("says DATABASE_UNREACHABLE, and why, where the user may not make the schema or the server is read-only", async () => {
    const server = await openEmbedded(join(place(), ".lockstep"));
    const owner = new pg.Client(server.url);
    await owner.connect();
    const name = owner.database;
    await owner.query(`REVOKE CREATE ON DATABASE ${name} FROM CURRENT_USER, PUBLIC`);
    const refused = { code: "DATABASE_UNREACHABLE", message: expect.stringContaining("may not make") };
    await expect(openDatabase(server.url)).rejects.toMatchObject(refused);
    await owner.query(`ALTER DATABASE ${name} SET default_transaction_read_only = on`);
    const readOnly = { code: "DATABASE_UNREACHABLE", message: expect.stringContaining("read-only") };
    await expect(openDatabase(server.url)).rejects.toMatchObject(readOnly);
    await owner.end();
    await server.close();
    await gone(server.dataDir);
  });

  it("survives that all its connections are cut, idle and in a transaction", async () => {
    await test.db.query("SELECT 1");
    await cutConnections();
    const inside = test.db.transaction(async (queries) => {
      await cutConnections();
      await queries.query("SELECT 1");
    });
    await expect(inside).rejects.toMatchObject({ code: "DATABASE_UNREACHABLE" });
    // One answer may still find the end of an old connection, never more than there are connections.
    for (let left = 5; left > 0; left--) await test.db.query("SELECT 1").catch(() => {});
    expect(await test.db.query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
  });

  it("gives moments as Instant and bigint as number, in any time zone of the server", async () => {
    const rows = await test.db.query(
      "SELECT '2026-11-21 10:30:00.123456+02'::timestamptz AS at, 5::bigint AS n, '{\"a\": 1}'::jsonb AS j",
    );
    expect(rows).toEqual([{ at: "2026-11-21T08:30:00.123Z", n: 5, j: { a: 1 } }]);
    const other = await openDatabase(`${test.url}&options=${encodeURIComponent("-c datestyle=ISO")}`);
    const [set] = await other.query<{ commit: string; zone: string }>(
      "SELECT current_setting('synchronous_commit') AS commit, current_setting('TimeZone') AS zone",
    );
    expect(set).toEqual({ commit: "on", zone: "UTC" });
    await other.close();
  });

  it("rolls back what a body did that throws, and throws the same", async () => {
    const mine = new Error("mine");
    const body = test.db.transaction(async (queries) => {
      await queries.query("CREATE TABLE lockstep.never ()");
      throw mine;
    });
    await expect(body).rejects.toBe(mine);
    expect(await test.db.query("SELECT to_regclass('lockstep.never') AS it")).toEqual([{ it: null }]);
  });

  it("takes no system error for an SQLSTATE, whatever its form", () => {
    const pipe = Object.assign(new Error("write EPIPE"), { code: "EPIPE" });
    expect(databaseTrouble(pipe, "here")).toMatchObject({ code: "DATABASE_UNREACHABLE" });
    const full = Object.assign(new Error("disk full"), { code: "53100", severity: "ERROR" });
    expect(databaseTrouble(full, "here")).toMatchObject({ code: "DISK_FULL" });
    const pooler = Object.assign(new Error("unsupported startup parameter: options"), { code: "08P01" });
    expect(databaseTrouble(pooler, "here")).toMatchObject({ code: "DATABASE_POOLED" });
    const ours = Object.assign(new Error("syntax"), { code: "42601", severity: "ERROR" });
    expect(databaseTrouble(ours, "here")).toBe(ours);
  });

  it("does not call a transaction committed in which a statement had failed", async () => {
    const body = test.db.transaction(async (queries) => {
      await queries.query("SELECT 1 / 0").catch(() => {});
    });
    await expect(body).rejects.toThrow("went on");
    expect(await test.db.query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
  });

  it("gives up on a server that does not answer in time, and not on the next question", async () => {
    const patienceMs = 1_000_000;
    const patient = await openDatabase(test.url, { patienceMs, connections: 1 });
    const sleep = "SELECT pg_sleep(2000)";
    const asleep = "SELECT FROM pg_stat_activity WHERE state = 'active' AND query = $1";
    // Its patience ends when we say so, and the machine has all the time it takes for the rest.
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const expectGivenUp = async (asked: Promise<unknown>, sleepers: number) => {
      const givenUp = expect(asked).rejects.toMatchObject({ code: "DATABASE_UNREACHABLE" });
      while ((await test.db.query(asleep, [sleep])).length < sleepers) await turn();
      await vi.advanceTimersByTimeAsync(patienceMs);
      await givenUp;
    };
    await expectGivenUp(patient.query(sleep), 1);
    await expectGivenUp(
      patient.transaction((queries) => queries.query(sleep)),
      2,
    );
    expect(await patient.query("SELECT 1 AS one")).toEqual([{ one: 1 }]);
    await patient.close();
  });

  it("goes on asking the same after a newer Lockstep has added a column", async () => {
    await test.db.query("CREATE TABLE lockstep.grows AS SELECT 1 AS a");
    // As often as there are connections, and as the server waits before it keeps one plan for all parameters.
    const ask = async (sql: string) => {
      for (let n = 0; n < 12; n++) expect(await test.db.query(sql, [1])).toMatchObject([{ a: 1 }]);
    };
    const asked = ["SELECT a FROM lockstep.grows WHERE a = $1", "SELECT * FROM lockstep.grows WHERE a = $1"];
    for (const sql of asked) await ask(sql);
    await test.db.query("ALTER TABLE lockstep.grows ADD COLUMN b integer");
    for (const sql of asked) await ask(sql);
    await test.db.query("DROP TABLE lockstep.grows");
  });
});

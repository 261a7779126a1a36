import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { LockstepError } from "../core/errors.ts";
import { instantOf } from "../core/time.ts";
import type { Database, Queries } from "./database.ts";
import { migrate } from "./migrate.ts";
import { nameFor } from "./prepared.ts";
import { codeOf, databaseTrouble, isStatementError, openingTrouble } from "./trouble.ts";

/** Sizes of the pool; all in the number or milliseconds. */
export interface DatabaseOptions {
  /** Most connections of this process. Default 5: the engine has its own beside these, and an embedded server takes 100 in all. */
  readonly connections?: number;
  /** How long a connection or one answer may take. Default 10,000 ms. */
  readonly patienceMs?: number;
}

/**
 * Connects and brings the schema `lockstep` up to date (one query where it is). Throws DATABASE_UNREACHABLE, DATABASE_POOLED,
 * DATABASE_TOO_NEW, DISK_FULL.
 */
export async function openDatabase(url: string, options: DatabaseOptions = {}): Promise<Database> {
  const { connectionString, where } = target(url);
  const patience = options.patienceMs ?? 10_000;
  const pool = new pg.Pool({
    connectionString,
    max: options.connections ?? 5,
    connectionTimeoutMillis: patience,
    query_timeout: patience,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    application_name: "lockstep",
    types: { getTypeParser: parserOf },
  });
  // Without a listener a server that restarts takes this process with it; the next query tells, with a code.
  pool.on("error", () => {});
  const run = <T>(body: (lent: Lent) => Promise<T>): Promise<T> => withClient(pool, where, body);
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= pool.end();
    return closing;
  };
  const database: Omit<Database, "installation"> = {
    query: (sql, values) => run((lent) => lent.query(sql, values)),
    transaction: (body) => run((lent) => inTransaction(lent, body)),
    close,
  };
  try {
    await untilStarted(() => database.query("SELECT 1"), patience);
    return { ...database, installation: await migrate(database) };
  } catch (thrown) {
    await close();
    throw openingTrouble(thrown, where);
  }
}

/** Waits through the seconds in which a server that was just started recovers and takes nobody in yet. */
async function untilStarted(attempt: () => Promise<unknown>, patienceMs: number): Promise<void> {
  for (const deadline = Date.now() + patienceMs; ; await sleep(50)) {
    try {
      await attempt();
      return;
    } catch (thrown) {
      const starting = thrown instanceof LockstepError && codeOf(thrown.cause) === "57P03";
      if (!starting || Date.now() > deadline) throw thrown;
    }
  }
}

/** Lends a connection of the pool to the body, and takes it back only if it is known what it does. */
async function withClient<T>(pool: pg.Pool, where: string, body: (lent: Lent) => Promise<T>): Promise<T> {
  let client: pg.PoolClient;
  try {
    client = await pool.connect();
  } catch (thrown) {
    throw databaseTrouble(thrown, where);
  }
  const lent = lend(client, where);
  try {
    return await body(lent);
  } finally {
    lent.giveBack();
  }
}

interface Lent extends Queries {
  /** The command that the server says it carried out. */
  command(sql: string): Promise<string>;
  broken(): boolean;
  giveBack(): void;
}

function lend(client: pg.PoolClient, where: string): Lent {
  // While it is lent the pool does not listen to it.
  const ignore = (): void => {};
  client.on("error", ignore);
  let broken = false;
  async function ask<Row extends object>(
    sql: string,
    values: readonly unknown[],
  ): Promise<pg.QueryResult<Row>> {
    try {
      const name = values.length > 0 ? nameFor(sql) : undefined;
      return await client.query<Row>({ text: sql, values: [...values], ...(name && { name }) });
    } catch (thrown) {
      // After anything but an SQL error (a time-out among them) nobody knows what the connection does.
      if (!isStatementError(thrown)) broken = true;
      throw databaseTrouble(thrown, where);
    }
  }
  return {
    query: async <Row extends object>(sql: string, values: readonly unknown[] = []) =>
      (await ask<Row>(sql, values)).rows,
    command: async (sql) => (await ask(sql, [])).command,
    broken: () => broken,
    giveBack: () => {
      client.off("error", ignore);
      client.release(broken);
    },
  };
}

async function inTransaction<T>(lent: Lent, body: (queries: Queries) => Promise<T>): Promise<T> {
  await lent.command("BEGIN");
  let value: T;
  try {
    value = await body(lent);
  } catch (thrown) {
    // A connection that is gone has rolled back by itself; what matters is what was thrown first.
    if (!lent.broken()) await lent.command("ROLLBACK").catch(() => {});
    throw thrown;
  }
  // The server answers COMMIT with ROLLBACK, and no error, when a statement failed and the body went on.
  const did = await lent.command("COMMIT");
  if (did !== "COMMIT") throw new Error("a transaction went on after a statement of it had failed");
  return value;
}

/** Our settings are added to the URL's own, and the name for messages is taken from it without user and password. */
function target(url: string): { connectionString: string; where: string } {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (parsed === undefined || !/^postgres(ql)?:$/.test(parsed.protocol)) {
    throw new LockstepError({
      code: "DATABASE_UNREACHABLE",
      message: "the database URL is not one of PostgreSQL",
      because: "every step is journaled in this database before it is taken",
      next: "lockstep doctor    after you have set LOCKSTEP_DATABASE_URL to postgresql://<user>@<host>:<port>/<database>",
    });
  }
  // A server may be set to answer before a commit is on disk; the audit promise (P9) does not allow that.
  const own = "-c synchronous_commit=on -c timezone=UTC";
  const given = parsed.searchParams.get("options");
  parsed.searchParams.set("options", given === null ? own : `${given} ${own}`);
  const host = parsed.searchParams.get("host") ?? (parsed.hostname || "localhost");
  return { connectionString: parsed.href, where: `${host}${parsed.pathname}` };
}

const BIGINT = 20;
const TIMESTAMPTZ = 1184;

/** Per pool and not with `pg.types.setTypeParser`, which would change the engine's connections too. */
function parserOf(oid: number, format?: "text" | "binary"): (text: string) => unknown {
  if (oid === BIGINT) return Number;
  if (oid === TIMESTAMPTZ) return instantOfText;
  return format === "binary" ? pg.types.getTypeParser(oid, "binary") : pg.types.getTypeParser(oid, "text");
}

/** `2026-11-21 08:30:00.123456+00` as the server prints it; digits below the millisecond are cut off. */
function instantOfText(text: string): string {
  const iso = text.replace(" ", "T").replace(/([+-]\d\d)$/, "$1:00");
  return instantOf(Date.parse(iso));
}

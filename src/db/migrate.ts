import { LockstepError } from "../core/errors.ts";
import type { Database, Queries } from "./database.ts";
import { MIGRATIONS, type Migration } from "./migrations.ts";

/** The advisory lock of everybody who changes the schema: the bytes of "lkmigrat" as a 64-bit number. */
const MIGRATION_LOCK = 0x6c6b6d6967726174n;

/**
 * Brings the schema to our version, each change in a transaction of its own under one advisory lock, and answers with the
 * installation's id. Throws DATABASE_TOO_NEW where a newer Lockstep was here.
 */
export async function migrate(
  database: Pick<Database, "query" | "transaction">,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<string> {
  const ours = migrations.length;
  // The usual case, without a lock.
  if ((await versionOf(database)) !== ours) {
    while ((await database.transaction((queries) => applyNext(queries, migrations))) < ours);
  }
  const rows = await database.query<{ id: string }>("SELECT id FROM lockstep.installation");
  const id = rows[0]?.id;
  if (id === undefined) throw new Error("lockstep.installation is empty");
  return id;
}

/** Applies one change and answers with the version reached. The lock ends with the transaction, whatever becomes of it. */
async function applyNext(queries: Queries, migrations: readonly Migration[]): Promise<number> {
  await queries.query("SELECT pg_advisory_xact_lock($1)", [MIGRATION_LOCK.toString()]);
  await queries.query("CREATE SCHEMA IF NOT EXISTS lockstep");
  await queries.query(
    `CREATE TABLE IF NOT EXISTS lockstep.migration (
       n integer PRIMARY KEY, name text NOT NULL, at timestamptz NOT NULL DEFAULT clock_timestamp())`,
  );
  const version = await versionOf(queries);
  const next = migrations[version];
  if (version > migrations.length) throw tooNew(version, migrations.length);
  if (next === undefined) return version;
  await queries.query(next.sql);
  await queries.query("INSERT INTO lockstep.migration (n, name) VALUES ($1, $2)", [next.n, next.name]);
  return next.n;
}

async function versionOf(queries: Queries): Promise<number> {
  // Asked first, because a failing statement would end a transaction and leave an error in the server's log.
  const found = await queries.query<{ there: boolean }>(
    "SELECT to_regclass('lockstep.migration') IS NOT NULL AS there",
  );
  if (found[0]?.there !== true) return 0;
  const rows = await queries.query<{ n: number }>("SELECT coalesce(max(n), 0) AS n FROM lockstep.migration");
  return rows[0]?.n ?? 0;
}

function tooNew(found: number, ours: number): LockstepError {
  return new LockstepError({
    code: "DATABASE_TOO_NEW",
    message: `the database has schema version ${found}; this Lockstep knows versions up to ${ours}`,
    because: "a newer Lockstep changed it, and an older one could misread its runs",
    next: "npm install lockstep@latest",
  });
}

import { Socket } from "node:net";
import pg from "pg";
import { LockstepError } from "../core/errors.ts";
import { nameFor } from "../db/prepared.ts";

/** How long connecting may take before the database counts as unreachable. */
const CONNECT_MS = 10_000;

/** How a session shows in pg_stat_activity; peers end all sessions of a frozen executor by this name. */
export function sessionName(executor: string): string {
  return `lockstep ${executor}`;
}

/** The settings of every connection of ours; `name` is shown in pg_stat_activity. */
export function connectionOf(databaseUrl: string, name: string): pg.ClientConfig {
  return {
    connectionString: quietSsl(databaseUrl),
    application_name: name,
    connectionTimeoutMillis: CONNECT_MS,
    keepAlive: true,
    // A frozen process must not keep the row locks of a transaction it has begun.
    idle_in_transaction_session_timeout: 60_000,
  };
}

/**
 * A pool that outlives its server: without an error listener an idle connection that dies takes the process with it.
 * DBOS gets this pool and not the URL: its own would query inside `connect`, which makes pg print a warning, would try to
 * create the database, and could not be named after the executor.
 */
export function openPool(databaseUrl: string, name: string, max: number): pg.Pool {
  const pool = new pg.Pool({ ...connectionOf(databaseUrl, name), max, stream: () => new Line() });
  pool.on("error", () => {});
  pool.on("connect", prepare);
  return pool;
}

/** Names the statements of DBOS, which sends seven for each entry of the journal and lets the server parse each of them each time. */
function prepare(client: pg.PoolClient): void {
  const send = client.query.bind(client) as (...asked: readonly unknown[]) => unknown;
  const query = (text: unknown, values: unknown, ...rest: readonly unknown[]): unknown => {
    const name = typeof text === "string" && Array.isArray(values) ? nameFor(text) : undefined;
    return name === undefined ? send(text, values, ...rest) : send({ text, values, name }, ...rest);
  };
  client.query = query as typeof client.query;
}

/**
 * A socket whose failures DBOS knows as passing. It repeats a statement after ECONNREFUSED and ECONNRESET, and fails the step
 * after ENOENT (the socket of a server that is down) and EPIPE (one that went while we wrote).
 */
class Line extends Socket {
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const code = codeOf(error);
    const known = code === "ENOENT" ? "ECONNREFUSED" : code === "EPIPE" ? "ECONNRESET" : undefined;
    super._destroy(known === undefined ? error : Object.assign(new Error(known), { code: known }), done);
  }
}

/** pg prints a warning for the modes that it treats as `verify-full`; we say `verify-full`, and nothing is printed. */
function quietSsl(databaseUrl: string): string {
  if (databaseUrl.includes("uselibpqcompat")) return databaseUrl;
  return databaseUrl.replace(/([?&]sslmode=)(?:prefer|require|verify-ca)(?=&|$)/, "$1verify-full");
}

/** The SQLSTATE or system code of a thrown thing, looking into the causes that Node collects when it tries several addresses. */
export function codeOf(thrown: unknown): string | undefined {
  if (typeof thrown !== "object" || thrown === null) return undefined;
  if ("code" in thrown && typeof thrown.code === "string") return thrown.code;
  if (thrown instanceof AggregateError) return codeOf(thrown.errors[0]);
  // DBOS wraps what the driver threw.
  return "error" in thrown ? codeOf(thrown.error) : undefined;
}

/** What may be said about a thrown thing: class and code. Its message is somebody else's text and can hold anything. */
export function nameOf(thrown: unknown): string {
  const name = thrown instanceof Error ? thrown.constructor.name : typeof thrown;
  const code = codeOf(thrown);
  return code === undefined ? name : `${name} ${code}`;
}

/** Whether a thrown thing says that the connection is of no more use. 57P0x: the server goes, or a peer has ended us; 08: the connection failed; without SQLSTATE it was the network. */
export function endsConnection(thrown: unknown): boolean {
  const code = codeOf(thrown);
  return code === undefined || !/^[0-9A-Z]{5}$/.test(code) || /^(?:57P|08)/.test(code);
}

/** The schema or the table is not there: no Lockstep has ever used this database. */
export function isUnused(thrown: unknown): boolean {
  const code = codeOf(thrown);
  return code === "42P01" || code === "3F000";
}

/** Where a database is, for people: never its user, password or parameters. */
function placeOf(databaseUrl: string): string {
  try {
    const url = new URL(databaseUrl);
    const database = url.pathname.slice(1);
    const host = url.searchParams.get("host") ?? url.host;
    return `${database || "the database"} at ${host || "localhost"}`;
  } catch {
    return "the database of LOCKSTEP_DATABASE_URL";
  }
}

/** The first connection failed: says so without the URL, which holds a password. */
export function unreachable(databaseUrl: string, cause: unknown): LockstepError {
  if (cause instanceof LockstepError) return cause;
  const code = codeOf(cause);
  const why = code === undefined ? "" : ` (${code}${hintOf(code)})`;
  return new LockstepError(
    {
      code: "DATABASE_UNREACHABLE",
      message: `${placeOf(databaseUrl)} does not let Lockstep in${why}`,
      because: "every step of a run is recorded there before it is taken",
      next: "lockstep doctor    after you have checked LOCKSTEP_DATABASE_URL, and that the server is up",
    },
    { cause },
  );
}

const HINTS: Readonly<Record<string, string>> = {
  "28P01": ": the password is wrong",
  "28000": ": the server's pg_hba.conf does not let this user in",
  "3D000": ": there is no such database",
  "42501": ": this user may not create a schema in it",
  "25006": ": this server is read-only",
  "53300": ": the server has no connection left",
  ECONNREFUSED: ": nobody listens there",
  ENOENT: ": there is no such socket",
  ENOTFOUND: ": there is no such host",
};

function hintOf(code: string): string {
  return HINTS[code] ?? "";
}

function pooled(): LockstepError {
  return new LockstepError({
    code: "DATABASE_POOLED",
    message: "a transaction pooler stands between Lockstep and the database",
    because:
      "one session would be shared by several processes, and then two of them would carry out the same run",
    next: "lockstep doctor    after you have pointed LOCKSTEP_DATABASE_URL at the server itself, or at a port in session mode",
  });
}

/**
 * Throws DATABASE_POOLED when `client`, which holds the session lock `lock`, does not have its server process for itself.
 * A direct connection is told the process id that answers it, and is done without a query more. A mismatch alone proves only
 * that something stands between (a session pooler is fine), so then others are made to use the pool, and we look what moved.
 */
export async function refusePooler(client: pg.Client, databaseUrl: string, lock: bigint): Promise<void> {
  const told = (client as unknown as { processID?: number | null }).processID;
  const mine = await backendOf(client);
  if (told === mine) return;
  const others: pg.Client[] = [];
  try {
    for (let i = 0; i < 3; i++) {
      const other = new pg.Client(connectionOf(databaseUrl, "lockstep pooler check"));
      other.on("error", () => {});
      others.push(other);
      await other.connect();
      // The transaction keeps a pooler from giving this server process to the next one, so the pool is walked through.
      await other.query("BEGIN");
      const shared = await other.query<{ yes: boolean }>("SELECT pg_try_advisory_xact_lock($1) AS yes", [
        lock.toString(),
      ]);
      // Only the session that holds a lock can take it a second time.
      if (shared.rows[0]?.yes === true || (await backendOf(other)) === mine) throw pooled();
    }
    if ((await backendOf(client)) !== mine) throw pooled();
  } catch (thrown) {
    // A pool of few connections has none left for us while the others hold theirs: also a sign, and not a session of our own.
    if (thrown instanceof LockstepError) throw thrown;
    throw pooled();
  } finally {
    for (const other of others) void other.end().catch(() => {});
  }
}

async function backendOf(client: pg.Client): Promise<number | undefined> {
  const { rows } = await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  return rows[0]?.pid;
}

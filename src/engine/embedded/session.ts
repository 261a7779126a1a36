import { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "pg";
import { ROLE } from "./cluster.ts";
import { PORT } from "./socket-dir.ts";
import { codeOf } from "./trouble.ts";

/** The advisory lock of all users of one server: the bytes of "lockstep" as a 64-bit number. Nobody else may use it. */
const USERS_LOCK = 0x6c6f636b73746570n;

/** How long one answer of a server may take before we treat it as silent. */
const PATIENCE_MS = 5_000;

/** A session that says "this process uses the server" for as long as it lives. */
export interface Session {
  /** Called once, when the session ends before {@link leave}: the server was stopped or killed, or the session was. */
  onLost(callback: () => void): void;
  /** Ends the session; `stop` is called first if no other user is left, and must make the server end all sessions. */
  leave(stop: () => Promise<void>): Promise<void>;
}

/** What came of an attempt: in; nobody listens; or somebody does and another attempt is worth it. */
export type Attempt =
  | { readonly kind: "in"; readonly session: Session }
  | { readonly kind: "nobody" }
  | { readonly kind: "busy"; readonly cause: unknown };

/** Nobody listens at the socket. */
const NOBODY = ["ENOENT", "ECONNREFUSED"];

/** The server answers, and will not be helped by another attempt: it does not know us, or not our database. */
const REFUSED = ["28000", "28P01", "3D000", "EACCES", "EPERM", "ENOTSOCK", "EPROTOTYPE"];

/**
 * Becomes a user of the server. The shared lock alone is not enough: the last user may have been alone a moment before, and
 * the server may already be going. So a second connection is made under the lock: a server that is going takes none.
 * `onHeard` is called when somebody listens, before the answer.
 */
export async function attach(socketDir: string, onHeard?: () => void): Promise<Attempt> {
  const held = await connect(socketDir, onHeard);
  if (held.kind !== "in") return held;
  const { link } = held;
  try {
    const got = await link.ask("SELECT pg_try_advisory_lock_shared($1) AS yes");
    const second = got ? await connect(socketDir) : undefined;
    if (second?.kind === "in") {
      await second.link.end();
      if (!link.lost()) {
        // A process that ends without closing, by a mistake of ours, leaves an idle server; it must not hang for ever instead.
        link.keepAlive(false);
        return { kind: "in", session: sessionOver(link) };
      }
    }
    await link.end();
    return { kind: "busy", cause: second?.kind === "busy" ? second.cause : undefined };
  } catch (cause) {
    await link.end();
    return { kind: "busy", cause };
  }
}

function sessionOver(link: Link): Session {
  let leaving: Promise<void> | undefined;
  async function leave(stop: () => Promise<void>): Promise<void> {
    if (link.lost()) return;
    link.keepAlive(true);
    // First give up the own share, then try for all: two who leave at once would otherwise each see the other and both go.
    const sql = "SELECT pg_advisory_unlock_shared($1), pg_try_advisory_lock($1) AS yes";
    const alone = await link.ask(sql).catch(() => false);
    if (alone) {
      await stop();
      // The lock is kept until the server has heard: a newcomer must not get it from a server that is about to go.
      await Promise.race([link.gone, sleep(PATIENCE_MS, undefined, { ref: false })]);
    }
    await link.end();
  }
  return {
    onLost: (callback) => {
      void link.gone.then(() => {
        if (leaving === undefined) callback();
      });
    },
    leave: (stop) => {
      leaving ??= leave(stop);
      return leaving;
    },
  };
}

interface Link {
  /** Asks a question about the lock; the answer is the column `yes`. */
  ask(sql: string): Promise<boolean>;
  lost(): boolean;
  /** Whether the connection alone keeps this process running. */
  keepAlive(yes: boolean): void;
  /** Settles when the connection has ended, whoever ended it. */
  readonly gone: Promise<void>;
  end(): Promise<void>;
}

async function connect(
  socketDir: string,
  onHeard?: () => void,
): Promise<{ kind: "in"; link: Link } | Exclude<Attempt, { kind: "in" }>> {
  // Loaded late: a command that works on a database elsewhere does not pay for it here.
  const { default: pg } = await import("pg");
  const socket = new Socket();
  if (onHeard) socket.once("connect", onHeard);
  const client = new pg.Client({
    host: socketDir,
    port: PORT,
    user: ROLE,
    database: ROLE,
    // Each is set so that PGSSLMODE, PGOPTIONS and their like in somebody's environment do not count here.
    ssl: false,
    options: "-c idle_session_timeout=0",
    application_name: "lockstep users lock",
    connectionTimeoutMillis: PATIENCE_MS,
    query_timeout: PATIENCE_MS,
    stream: () => socket,
  });
  const link = linkOver(client, socket);
  try {
    await client.connect();
    return { kind: "in", link };
  } catch (cause) {
    socket.destroy();
    const code = codeOf(cause) ?? "";
    if (REFUSED.includes(code)) throw cause;
    return NOBODY.includes(code) ? { kind: "nobody" } : { kind: "busy", cause };
  }
}

function linkOver(client: Client, socket: Socket): Link {
  let lost = false;
  const gone = new Promise<void>((done) => {
    const settle = (): void => {
      lost = true;
      done();
    };
    socket.once("close", settle);
    client.once("end", settle);
  });
  // Without a listener a server that is killed takes this process with it.
  client.on("error", () => {});
  return {
    ask: async (sql) => {
      const { rows } = await client.query<{ yes: boolean }>(sql, [USERS_LOCK.toString()]);
      return rows[0]?.yes === true;
    },
    lost: () => lost,
    keepAlive: (yes) => void (yes ? socket.ref() : socket.unref()),
    gone,
    end: async () => {
      if (!lost) void client.end().catch(() => {});
      await Promise.race([gone, sleep(1_000, undefined, { ref: false })]);
      socket.destroy(); // also one whose server is frozen and will never say goodbye
    },
  };
}

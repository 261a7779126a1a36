import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { nameFor } from "../db/prepared.ts";
import { connectionOf, endsConnection, refusePooler, sessionName, unreachable } from "./database.ts";
import { CHANNEL, lifeLock, QUEUED } from "./names.ts";

/** Asks one statement; the rows as they come. */
export type Ask = (sql: string, values?: readonly unknown[]) => Promise<readonly Record<string, unknown>[]>;

/** What the session tells its engine. */
export interface SessionEvents {
  /** The connection is gone and the server cannot be reached; once an outage. */
  lost(): void;
  /** A new session holds the lock again. */
  regained(): void;
  /** A message came for this run. */
  told(run: string): void;
  /** A run waits in the queue. */
  queued(): void;
}

/** The one connection that holds the executor's lock, its sign of life. A lost one is replaced until {@link Session.close}. */
export interface Session {
  /** Asks on the session that holds the lock; waits while there is none, and asks again where the connection died under it. */
  ask: Ask;
  /** Counts the connections so far: what was found under one is worth nothing under the next. */
  generation(): number;
  /** When the present connection got the lock, in milliseconds of `performance.now()`. */
  heldSince(): number;
  close(): Promise<void>;
}

/** How long one statement may take before the connection counts as dead: a network that swallows packets says nothing. */
const STATEMENT_MS = 10_000;

/** Opens the session and takes the lock. Throws DATABASE_UNREACHABLE and DATABASE_POOLED; later losses are only told. */
export async function openSession(
  databaseUrl: string,
  executor: string,
  events: SessionEvents,
): Promise<Session> {
  let link: Link | undefined;
  let generation = 0;
  let heldSince = 0;
  let closed = false;
  let waiting: (() => void)[] = [];

  const hold = async (): Promise<void> => {
    const next = await connect(databaseUrl, executor, events);
    if (closed) return next.end();
    link = next;
    generation += 1;
    heldSince = performance.now();
    void next.gone.then(() => replace(next));
    for (const go of waiting.splice(0)) go();
  };
  const replace = async (old: Link): Promise<void> => {
    if (closed || link !== old) return;
    link = undefined;
    let said = false;
    for (let pause = 20; !closed && link === undefined; pause = Math.min(pause * 1.5, 500)) {
      try {
        await hold();
      } catch {
        if (!said) events.lost();
        said = true;
        await sleep(pause);
      }
    }
    if (!closed) events.regained();
  };
  const ask: Ask = async (sql, values) => {
    for (;;) {
      if (link === undefined && !closed) await new Promise<void>((go) => waiting.push(go));
      if (closed || link === undefined) throw new Error("the session is closed");
      const used = link;
      try {
        return await used.ask(sql, values);
      } catch (thrown) {
        if (!used.dead() && !endsConnection(thrown)) throw thrown;
        // The server says why before it hangs up; the end may be a turn of the event loop away.
        used.kill();
        await used.gone;
        await sleep(1);
      }
    }
  };
  await hold().catch((thrown: unknown) => {
    throw unreachable(databaseUrl, thrown);
  });
  return {
    ask,
    generation: () => generation,
    heldSince: () => heldSince,
    close: async () => {
      closed = true;
      const last = link;
      link = undefined;
      for (const go of waiting) go();
      waiting = [];
      await last?.end();
    },
  };
}

interface Link {
  ask: Ask;
  dead(): boolean;
  kill(): void;
  readonly gone: Promise<void>;
  end(): Promise<void>;
}

async function connect(databaseUrl: string, executor: string, events: SessionEvents): Promise<Link> {
  const client = new pg.Client(connectionOf(databaseUrl, sessionName(executor)));
  const link = linkOver(client);
  client.on("notification", ({ channel, payload }) => {
    if (channel === QUEUED) events.queued();
    else if (payload !== undefined) events.told(payload);
  });
  try {
    await client.connect();
    await takeLock(client, executor);
    await refusePooler(client, databaseUrl, lifeLock(executor));
    await link.ask(`LISTEN ${CHANNEL}`);
    await link.ask(`LISTEN ${QUEUED}`);
    return link;
  } catch (thrown) {
    void link.end();
    throw thrown;
  }
}

/** The lock may still be held by our own last connection, whose end the server has not noticed, or for a moment by a peer. */
async function takeLock(client: pg.Client, executor: string): Promise<void> {
  const key = lifeLock(executor).toString();
  for (let tries = 0; ; tries++) {
    const { rows } = await client.query<{ yes: boolean }>("SELECT pg_try_advisory_lock($1) AS yes", [key]);
    if (rows[0]?.yes === true) return;
    if (tries > 2) {
      // By name, so that a peer who looks whether we live is not hit; it lets go by itself.
      await client.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE application_name = $1 AND pid <> pg_backend_pid() AND pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')`,
        [sessionName(executor)],
      );
    }
    await sleep(20);
  }
}

/** One statement at a time: pg queues further ones itself, and prints a warning when it does. */
function linkOver(client: pg.Client): Link {
  let dead = false;
  let last: Promise<unknown> = Promise.resolve();
  const gone = new Promise<void>((done) => {
    const settle = (): void => {
      dead = true;
      done();
    };
    client.once("end", settle);
    client.on("error", settle);
  });
  const kill = (): void => {
    client.connection.stream.destroy();
  };
  const one = async (sql: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]> => {
    if (dead) throw new Error("the connection is gone");
    const patience = setTimeout(kill, STATEMENT_MS);
    try {
      const name = values === undefined ? undefined : nameFor(sql);
      const query = { text: sql, ...(values && { values: [...values] }), ...(name && { name }) };
      return (await client.query<Record<string, unknown>>(query)).rows;
    } finally {
      clearTimeout(patience);
    }
  };
  return {
    ask: (sql, values) => {
      const answer = last.then(() => one(sql, values));
      last = answer.catch(() => {});
      return answer;
    },
    dead: () => dead,
    kill,
    gone,
    end: async () => {
      if (!dead) void client.end().catch(() => {});
      await Promise.race([gone, sleep(1_000, undefined, { ref: false })]);
      kill();
    },
  };
}

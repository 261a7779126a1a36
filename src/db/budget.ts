import { setTimeout as sleep } from "node:timers/promises";
import { LockstepError } from "../core/errors.ts";
import type { Budget } from "../core/record.ts";
import { durationText, type Instant } from "../core/time.ts";
import type { Queries } from "./database.ts";

/** How a vendor refills an account's calls. */
export interface BudgetRate {
  /** Most calls that can be saved up. */
  readonly capacity: number;
  /** Calls that come back each minute. */
  readonly perMinute: number;
}

/** Heroku: 4,500 an hour for an account, one pool for all its tokens, 75 coming back each minute (Platform API, rate limits). */
const HEROKU_RATE: BudgetRate = { capacity: 4_500, perMinute: 75 };

/** How long what a reply said may wait for a call to go to the database with. */
const LINGER_MS = 20;

/**
 * The remaining calls of vendor accounts in the table `budget`, by the database's clock, so that workers with different clocks
 * share one. A caller takes its call at once and waits for it afterwards: who asked first goes first. Callers of one process
 * that ask at once are counted in one statement, together with what the replies before them said: a statement a call, and
 * another a reply, were a third of all that a rotation asked, and waited for each other at the account's one row.
 */
export function budgetIn(
  queries: Queries,
  rateOf: (account: string) => BudgetRate = () => HEROKU_RATE,
): Budget {
  const desks = new Map<string, Desk>();
  const deskOf = (account: string): Desk => {
    const desk = desks.get(account) ?? openDesk((asked) => count(queries, account, rateOf(account), asked));
    desks.set(account, desk);
    return desk;
  };
  return {
    take: async (account, patienceMs) => {
      let waitMs = await deskOf(account).take(patienceMs);
      for (let waitedMs = 0; waitMs > 0; ) {
        if (waitedMs + waitMs > patienceMs) throw limited(account, waitMs);
        await sleep(waitMs);
        waitedMs += waitMs;
        // While we slept somebody may have been told to stay away longer; our call is taken already.
        waitMs = (await queries.query<Wait>(BLOCKED, [account]))[0]?.wait_ms ?? 0;
      }
    },
    saw: (account, seen) => deskOf(account).saw(seen),
  };
}

interface Seen {
  readonly remaining?: number;
  readonly blockedUntil?: Instant;
}

/** What goes to the database in one statement: the patience of each caller, and what replies have said. */
interface Asked extends Seen {
  readonly patience: readonly number[];
}

/** Gathers what is asked of one account while a statement about it is on its way. */
interface Desk {
  /** The milliseconds to wait for the call; it is taken unless they are more than `patienceMs`. */
  take(patienceMs: number): Promise<number>;
  saw(seen: Seen): Promise<void>;
}

function openDesk(count: (asked: Asked) => Promise<readonly number[]>): Desk {
  let next = newTurn();
  let working = false;
  let linger: NodeJS.Timeout | undefined;
  const work = async (): Promise<void> => {
    clearTimeout(linger);
    linger = undefined;
    if (working) return;
    working = true;
    // Those who ask in the same moment go together.
    await null;
    while (next.patience.length > 0 || next.tells) {
      const turn = next;
      next = newTurn();
      await count({ patience: turn.patience, ...turn.seen }).then(turn.resolve, turn.reject);
    }
    working = false;
  };
  return {
    take: async (patienceMs) => {
      const { answer, patience } = next;
      const place = patience.push(patienceMs) - 1;
      void work();
      return (await answer)[place] ?? 0;
    },
    saw: async (seen) => {
      if (seen.remaining === undefined && seen.blockedUntil === undefined) return;
      const { answer } = next;
      next.seen = both(next.seen, seen);
      next.tells = true;
      // That a vendor wants no call for a while concerns all processes at once; a number can wait for the next call.
      if (seen.blockedUntil !== undefined) void work();
      else linger ??= setTimeout(() => void work(), LINGER_MS).unref();
      await answer;
    },
  };
}

function newTurn() {
  const { promise, resolve, reject } = Promise.withResolvers<readonly number[]>();
  // Whoever asked hears of it; a turn of which nobody waits for the answer must not end the process.
  promise.catch(() => {});
  return { answer: promise, resolve, reject, patience: [] as number[], seen: {} as Seen, tells: false };
}

/** The fewest calls that are left count, and the longest time to stay away: replies overtake each other. */
function both(one: Seen, other: Seen): Seen {
  const remaining = [one.remaining, other.remaining].filter((n) => n !== undefined);
  const blocked = [one.blockedUntil, other.blockedUntil].filter((at) => at !== undefined).sort();
  const blockedUntil = blocked.at(-1);
  return {
    ...(remaining.length > 0 && { remaining: Math.min(...remaining) }),
    ...(blockedUntil !== undefined && { blockedUntil }),
  };
}

async function count(
  queries: Queries,
  account: string,
  { capacity, perMinute }: BudgetRate,
  { patience, remaining, blockedUntil }: Asked,
): Promise<readonly number[]> {
  const values = [account, capacity, perMinute, remaining ?? null, blockedUntil ?? null, patience];
  const ask = () => queries.query<Wait>(COUNT, values);
  let rows = await ask();
  if (rows.length === 0) {
    await queries.query(ENSURE, [account, capacity]);
    rows = await ask();
  }
  return rows.map((row) => row.wait_ms ?? 0);
}

interface Wait {
  wait_ms: number | null;
}

const ENSURE = "INSERT INTO lockstep.budget (account, level) VALUES ($1, $2) ON CONFLICT DO NOTHING";

const REFILLED =
  "least($2::float8, level + greatest(0, extract(epoch FROM clock_timestamp() - at)::float8) * $3::float8 / 60)";

// The vendor's number counts; calls that are taken and waited for (the part below zero) it cannot know yet.
const COUNT = `
  WITH seen AS (
    SELECT account,
      CASE WHEN $4::float8 IS NULL THEN ${REFILLED}
        ELSE least($2::float8, $4::float8) + least(0, ${REFILLED}) END AS level,
      greatest(blocked_until, $5::timestamptz) AS blocked_until
    FROM lockstep.budget WHERE account = $1 FOR UPDATE
  ), asked AS (
    SELECT n, patience, ceil(greatest(0, extract(epoch FROM blocked_until - clock_timestamp())::float8,
      (n - level) * 60 / $3::float8) * 1000) AS wait_ms
    FROM seen, unnest($6::float8[]) WITH ORDINALITY AS caller (patience, n)
  ), counted AS (
    UPDATE lockstep.budget SET
      level = seen.level - (SELECT count(*) FROM asked WHERE wait_ms <= patience),
      at = clock_timestamp(),
      blocked_until = seen.blocked_until
    FROM seen WHERE budget.account = seen.account
  )
  SELECT wait_ms FROM seen LEFT JOIN asked ON true ORDER BY n`;

const BLOCKED = `
  SELECT ceil(greatest(0, extract(epoch FROM blocked_until - clock_timestamp())::float8) * 1000) AS wait_ms
  FROM lockstep.budget WHERE account = $1`;

function limited(account: string, waitMs: number): LockstepError {
  return new LockstepError({
    code: "VENDOR_RATE_LIMITED",
    message: `no calls are left for ${account}; the next is possible in ${durationText(waitMs)}`,
    because: "the vendor limits the calls of an account, and all workers share what is left",
    next: `lockstep test <secret>    in ${durationText(waitMs)}`,
  });
}

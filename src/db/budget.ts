import { setTimeout as sleep } from "node:timers/promises";
import { LockstepError } from "../core/errors.ts";
import type { Budget } from "../core/record.ts";
import { durationText } from "../core/time.ts";
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

/**
 * The remaining calls of vendor accounts in the table `budget`, by the database's clock, so that workers with different clocks
 * share one. A caller takes its call at once and waits for it afterwards: who asked first goes first.
 */
export function budgetIn(
  queries: Queries,
  rateOf: (account: string) => BudgetRate = () => HEROKU_RATE,
): Budget {
  return {
    take: async (account, patienceMs) => {
      const { capacity, perMinute } = rateOf(account);
      const take = (): Promise<readonly Wait[]> =>
        queries.query<Wait>(TAKE, [account, capacity, perMinute, patienceMs]);
      let rows = await take();
      if (rows.length === 0) {
        await queries.query(ENSURE, [account, capacity]);
        rows = await take();
      }
      let waitMs = rows[0]?.wait_ms ?? 0;
      for (let waitedMs = 0; waitMs > 0; ) {
        if (waitedMs + waitMs > patienceMs) throw limited(account, waitMs);
        await sleep(waitMs);
        waitedMs += waitMs;
        // While we slept somebody may have been told to stay away longer; our call is taken already.
        waitMs = (await queries.query<Wait>(BLOCKED, [account]))[0]?.wait_ms ?? 0;
      }
    },
    saw: async (account, { remaining, blockedUntil }) => {
      const { capacity, perMinute } = rateOf(account);
      const seen = [account, capacity, perMinute, remaining ?? null, blockedUntil ?? null];
      if ((await queries.query(SAW, seen)).length > 0) return;
      await queries.query(ENSURE, [account, capacity]);
      await queries.query(SAW, seen);
    },
  };
}

interface Wait {
  wait_ms: number;
}

const ENSURE = "INSERT INTO lockstep.budget (account, level) VALUES ($1, $2) ON CONFLICT DO NOTHING";

const REFILLED =
  "least($2::float8, level + greatest(0, extract(epoch FROM clock_timestamp() - at)::float8) * $3::float8 / 60)";

const TAKE = `
  WITH seen AS (
    SELECT account, ${REFILLED} AS level,
      extract(epoch FROM blocked_until - clock_timestamp())::float8 AS blocked
    FROM lockstep.budget WHERE account = $1 FOR UPDATE
  ), asked AS (
    SELECT *, ceil(greatest(0, blocked, (1 - level) * 60 / $3::float8) * 1000) AS wait_ms FROM seen
  ), taken AS (
    UPDATE lockstep.budget SET level = asked.level - 1, at = clock_timestamp()
    FROM asked WHERE budget.account = asked.account AND asked.wait_ms <= $4::float8
  )
  SELECT wait_ms FROM asked`;

const BLOCKED = `
  SELECT ceil(greatest(0, extract(epoch FROM blocked_until - clock_timestamp())::float8) * 1000) AS wait_ms
  FROM lockstep.budget WHERE account = $1`;

/** The vendor's number counts; calls that are taken and waited for (the part below zero) it cannot know yet. */
const SAW = `
  UPDATE lockstep.budget SET
    level = CASE WHEN $4::float8 IS NULL THEN ${REFILLED} ELSE least($2::float8, $4::float8) + least(0, ${REFILLED}) END,
    at = clock_timestamp(),
    blocked_until = greatest(blocked_until, $5::timestamptz)
  WHERE account = $1 RETURNING account`;

function limited(account: string, waitMs: number): LockstepError {
  return new LockstepError({
    code: "VENDOR_RATE_LIMITED",
    message: `no calls are left for ${account}; the next is possible in ${durationText(waitMs)}`,
    because: "the vendor limits the calls of an account, and all workers share what is left",
    next: `wait ${durationText(waitMs)}, then run the command again`,
  });
}

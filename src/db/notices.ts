import type { Trouble } from "../core/errors.ts";
import type { ChannelName, DueNotice, Notice, NoticeBody, Outbox, Recipient } from "../core/notice.ts";
import type { Instant } from "../core/time.ts";
import type { Queries } from "./database.ts";
import { jsonText, plainText } from "./plain.ts";

/** After this a message that cannot be delivered is given up. */
const PATIENCE = "7 days";
/** How long what was given up is still spoken of. */
const REMEMBERED = "30 days";

/** Writes the messages of one event into the outbox, all or none; one that is there already stays as it is. */
export async function addNotices(
  queries: Queries,
  event: string,
  body: NoticeBody,
  recipients: readonly Recipient[],
): Promise<void> {
  const { environment, ...words } = body;
  await queries.query(
    `INSERT INTO lockstep.notice (event, channel, address, kind, run, environment, body)
     SELECT $1, channel, address, $2, $3, $4, $5 FROM unnest($6::text[], $7::text[]) AS given (channel, address)
     ON CONFLICT DO NOTHING`,
    [
      plainText(event),
      body.kind,
      body.run ?? null,
      environment ?? null,
      jsonText(words, "the message"),
      recipients.map((one) => one.channel),
      recipients.map((one) => one.address),
    ],
  );
}

/** The outbox in the table `notice`, by the database's clock. */
export function outboxIn(queries: Queries): Outbox {
  return {
    take: async (channel, leaseMs) => {
      await queries.query(GIVE_UP);
      await queries.query(SKIP, [channel]);
      const rows = await queries.query<Row>(TAKE, [channel, leaseMs]);
      return rows[0] && noticeOf(rows[0]);
    },
    sent: (notice) => end(queries, notice, "sent"),
    again: async (notice, { trouble, afterMs, unanswered }) => {
      await queries.query(
        `UPDATE lockstep.notice SET trouble = $5, unanswered = unanswered + $6::integer,
           next_at = clock_timestamp() + $7::float8 * interval '1 ms'
         WHERE ${NAMED} AND attempts = $4 AND ended_at IS NULL`,
        [...nameOf(notice), notice.attempt, jsonText(trouble, "trouble"), unanswered ? 1 : 0, afterMs],
      );
    },
    unsure: (notice, trouble) => end(queries, notice, "unsure", trouble),
  };
}

/** A message that did not reach its address, or of which nobody knows. */
export interface LostNotice {
  readonly event: string;
  readonly channel: ChannelName;
  readonly address: string;
  readonly ending: "given up" | "unsure";
  readonly at: Instant;
  readonly trouble?: Trouble;
}

/** How the outbox stands: messages that wait, and those of the last 30 days that were lost, newest first. */
export async function outboxState(
  queries: Queries,
): Promise<{ readonly waiting: number; readonly lost: readonly LostNotice[] }> {
  await queries.query(GIVE_UP);
  const waiting = await queries.query<{ n: number }>(
    "SELECT count(*) AS n FROM lockstep.notice WHERE ended_at IS NULL",
  );
  const lost = await queries.query<Omit<LostNotice, "trouble"> & { trouble: Trouble | null }>(
    `SELECT event, channel, address, ending, ended_at AS at, trouble FROM lockstep.notice
     WHERE ending IN ('given up', 'unsure') AND ended_at > clock_timestamp() - interval '${REMEMBERED}'
     ORDER BY ended_at DESC, event LIMIT 100`,
  );
  return {
    waiting: waiting[0]?.n ?? 0,
    lost: lost.map(({ trouble, ...rest }) => ({ ...rest, ...(trouble && { trouble }) })),
  };
}

async function end(
  queries: Queries,
  notice: DueNotice,
  ending: "sent" | "unsure",
  trouble?: Trouble,
): Promise<void> {
  // Whoever took it since: that it has arrived is true for all.
  await queries.query(
    `UPDATE lockstep.notice SET ending = $4, ended_at = date_trunc('milliseconds', clock_timestamp()),
       trouble = $5 WHERE ${NAMED} AND ended_at IS NULL`,
    [...nameOf(notice), ending, jsonText(trouble, "trouble")],
  );
}

const NAMED = "event = $1 AND channel = $2 AND address = $3";

function nameOf({ event, channel, address }: Notice): readonly string[] {
  return [event, channel, address];
}

const ENDED = "ended_at = date_trunc('milliseconds', clock_timestamp())";

// Of all channels: one that the configuration no longer has is given up too. What is being sent just now is left alone.
const GIVE_UP = `
  UPDATE lockstep.notice SET ending = 'given up', ${ENDED}
  WHERE ended_at IS NULL AND at < clock_timestamp() - interval '${PATIENCE}' AND next_at <= clock_timestamp()`;

const SKIP = `
  UPDATE lockstep.notice SET ending = 'skipped', ${ENDED} FROM lockstep.run
  WHERE notice.ended_at IS NULL AND notice.kind = 'reminder' AND notice.channel = $1
    AND next_at <= clock_timestamp() AND run.id = notice.run
    AND NOT (run.status IN ('held', 'waiting') AND starts_with(notice.event, run.id || '/' || run.question || '/'))`;

const TAKE = `
  UPDATE lockstep.notice SET attempts = attempts + 1,
    next_at = clock_timestamp() + $2::float8 * interval '1 ms'
  WHERE (event, channel, address) = (
    SELECT event, channel, address FROM lockstep.notice
    WHERE channel = $1 AND ended_at IS NULL AND next_at <= clock_timestamp()
    ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED)
  RETURNING event, channel, address, environment, body, at, attempts, unanswered`;

interface Row {
  event: string;
  channel: ChannelName;
  address: string;
  environment: string | null;
  body: Omit<NoticeBody, "environment">;
  at: Instant;
  attempts: number;
  unanswered: number;
}

function noticeOf({ attempts, environment, body, ...rest }: Row): DueNotice {
  return { ...rest, attempt: attempts, body: { ...body, ...(environment !== null && { environment }) } };
}

import { isOutage, troubleOf } from "../core/errors.ts";
import type { Channel, ChannelName, DueNotice, Outbox } from "../core/notice.ts";
import type { NotDone, Outcome } from "../core/outcome.ts";
import type { Milliseconds } from "../core/time.ts";
import { durationText } from "../core/time.ts";

/** The ways to people that are configured. */
export type Channels = Readonly<Partial<Record<ChannelName, Channel>>>;

/** What goes on besides, in lines for people. */
type Log = (line: { readonly level: "info" | "warn" | "error"; readonly msg: string }) => void;

/** The delivery of one process. */
export interface Delivery {
  /** Looks at once: there is something new. */
  wake(): void;
  /** Sends once more what is due, for at most `graceMs`, and ends; what is left another process sends. */
  close(graceMs?: Milliseconds): Promise<void>;
}

/** Longer than the slowest attempt can take (three calls, each with its turn and its deadline); a crash delays a message by it. */
const LEASE_MS = 5 * 60_000;
const POLL_MS = 5_000;
const FIRST_WAIT = 60_000;
const LONGEST_WAIT = 3_600_000;
/** How often a message is sent whose arrival cannot be seen; duplicates fold where the reader's program knows its id. */
const UNANSWERED = 5;
const GRACE_MS = 5_000;

/** Delivers what is due until it is closed, each channel for itself: a dead mail server does not hold up Slack. */
export function startDelivery(
  outbox: Outbox,
  channels: Channels,
  options: { readonly log: Log; readonly pollMs?: Milliseconds },
): Delivery {
  const stop = new AbortController();
  const left = new AbortController();
  const bells: { ring(): void }[] = [];
  const loops = Object.entries(channels).map(async ([name, channel]) => {
    const bell = newBell(options.pollMs ?? POLL_MS, stop.signal);
    bells.push(bell);
    const work = { outbox, channel, name: name as ChannelName, log: options.log, left: left.signal };
    for (;;) {
      const last = stop.signal.aborted;
      await deliverDue(work).catch((thrown: unknown) => tell(work, thrown));
      if (last) return;
      await bell.rung();
    }
  });
  let closing: Promise<void> | undefined;
  const close = async (graceMs: Milliseconds): Promise<void> => {
    stop.abort();
    const over = Promise.withResolvers<void>();
    const timer = setTimeout(over.resolve, graceMs);
    await Promise.race([Promise.all(loops), over.promise]);
    clearTimeout(timer);
    left.abort();
  };
  return {
    wake: () => {
      for (const bell of bells) bell.ring();
    },
    close: (graceMs = GRACE_MS) => {
      closing ??= close(graceMs);
      return closing;
    },
  };
}

interface Work {
  readonly outbox: Outbox;
  readonly channel: Channel;
  readonly name: ChannelName;
  readonly log: Log;
  /** Nobody waits for this any more, and the database may be closed. */
  readonly left: AbortSignal;
}

/** Sends all that is due by one channel now, the oldest first. */
async function deliverDue(work: Work): Promise<void> {
  while (!work.left.aborted) {
    const notice = await work.outbox.take(work.name, LEASE_MS);
    if (notice === undefined) return;
    const ended = await work.channel.send(notice);
    // What was not settled is due again when the lease has run out, and looked for then.
    if (!work.left.aborted) await settle(work, notice, ended);
  }
}

async function settle(work: Work, notice: DueNotice, ended: Outcome<void>): Promise<void> {
  if (ended.is === "done") return work.outbox.sent(notice);
  const unanswered = ended.is === "unknown";
  if (unanswered && notice.unanswered + 1 >= UNANSWERED) {
    work.log({
      level: "warn",
      msg: `${labelOf(work, notice)} was sent ${UNANSWERED} times without an answer`,
    });
    return work.outbox.unsure(notice, ended.trouble);
  }
  const afterMs = waitAfter(notice.attempt, ended);
  if (notice.attempt === 1) {
    const { code, message } = ended.trouble;
    const again = `again in ${durationText(afterMs)}`;
    work.log({
      level: "warn",
      msg: `${labelOf(work, notice)} is not delivered: ${code}  ${message}; ${again}`,
    });
  }
  await work.outbox.again(notice, { trouble: ended.trouble, afterMs, unanswered });
}

/** A minute, doubled each time up to an hour; longer where the vendor asks for it. */
function waitAfter(attempt: number, ended: NotDone): Milliseconds {
  const own = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** Math.min(attempt - 1, 20));
  return Math.max(own, ended.is === "retryable" ? (ended.afterMs ?? 0) : 0);
}

function labelOf({ name }: Work, { body }: DueNotice): string {
  return `The ${name} message about ${body.run ?? body.secret}`;
}

// While the database is away there is nothing to take; the engine has said so already.
function tell({ log, name, left }: Work, thrown: unknown): void {
  if (!left.aborted && !isOutage(thrown))
    log({ level: "error", msg: `${name}: ${troubleOf(thrown).message}` });
}

/** Waits for the time to pass, for a ring (one that came before counts), or for the end. */
function newBell(ms: Milliseconds, signal: AbortSignal): { ring(): void; rung(): Promise<void> } {
  let rung = false;
  let wake = (): void => {};
  signal.addEventListener("abort", () => wake());
  return {
    ring: () => {
      rung = true;
      wake();
    },
    rung: async () => {
      const woken = Promise.withResolvers<void>();
      wake = woken.resolve;
      const timer = setTimeout(wake, ms);
      // It must not keep a process alive that forgets to close it.
      timer.unref();
      if (!rung && !signal.aborted) await woken.promise;
      rung = false;
      clearTimeout(timer);
    },
  };
}

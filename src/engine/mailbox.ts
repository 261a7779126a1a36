import type { Key } from "../core/journal.ts";
import type { RunId } from "../core/record.ts";
import type { Milliseconds } from "../core/time.ts";
import { DBOS_SCHEMA } from "./names.ts";
import type { Ask } from "./session.ts";

/** How often the waiting runs are looked after, in one question for all of them, in case a notification was missed. */
const LOOK_MS = 1_000;

/** A timer cannot be set further ahead than 2^31 milliseconds; a wait of months is cut into days. */
const DAY_MS = 86_400_000;

/**
 * Wakes the runs that wait for a person. DBOS's own `recv` either polls for every waiting run (two statements each time)
 * or, with LISTEN, keeps a second connection and launches 100 ms later; this costs one statement a second for all runs,
 * and a notification on the session that we have anyway.
 */
export interface Mailbox {
  /** Resolves when the run has been told more than `had` messages for the key, or at `until`. */
  wait(run: RunId, key: Key, had: number, until: Milliseconds): Promise<void>;
  /** A message came for this run. */
  told(run: RunId): void;
  close(): void;
}

interface Waiter {
  readonly run: RunId;
  readonly key: Key;
  readonly had: number;
  wake(): void;
}

const COUNT = `SELECT destination_uuid AS run, topic, count(*)::int AS n FROM ${DBOS_SCHEMA}.notifications
  WHERE destination_uuid = ANY($1) GROUP BY 1, 2`;

/** Opens the mailbox over the session that listens. */
export function openMailbox(ask: Ask): Mailbox {
  const waiters = new Set<Waiter>();

  const look = async (which: readonly Waiter[]): Promise<void> => {
    if (which.length === 0) return;
    const rows = await ask(COUNT, [[...new Set(which.map(({ run }) => run))]]);
    for (const waiter of which) {
      // Also those already received: on a replay the message was consumed before the crash, and `recv` gives it again.
      const found = rows.find((row) => row["run"] === waiter.run && row["topic"] === waiter.key);
      if (Number(found?.["n"] ?? 0) > waiter.had) waiter.wake();
    }
  };
  const lookAgain = (which: readonly Waiter[]): void => void look(which).catch(() => {});
  const timer = setInterval(() => lookAgain([...waiters]), LOOK_MS);
  timer.unref();

  return {
    wait: (run, key, had, until) =>
      new Promise((done) => {
        const waiter: Waiter = { run, key, had, wake };
        const stop = at(until, wake);
        function wake(): void {
          stop();
          waiters.delete(waiter);
          done();
        }
        waiters.add(waiter);
        lookAgain([waiter]);
      }),
    told: (run) => lookAgain([...waiters].filter((waiter) => waiter.run === run)),
    close: () => clearInterval(timer),
  };
}

/** Calls back at that moment of this machine's clock; returns how to call it off. Does not keep the process running. */
export function at(moment: Milliseconds, callback: () => void): () => void {
  let timer: NodeJS.Timeout;
  const set = (): void => {
    const left = moment - Date.now();
    timer = setTimeout(left > DAY_MS ? set : callback, Math.min(Math.max(left, 0), DAY_MS));
    timer.unref();
  };
  set();
  return () => clearTimeout(timer);
}

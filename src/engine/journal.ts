import { DBOS } from "@dbos-inc/dbos-sdk";
import { LockstepError } from "../core/errors.ts";
import type { Journal, Key } from "../core/journal.ts";
import { type Instant, msOf, systemClock } from "../core/time.ts";
import { type Answer, attempt, boxName, replyOf } from "./answers.ts";
import { type Execution, type Executions, silence } from "./executions.ts";
import { at, type Mailbox } from "./mailbox.ts";
import { openEntry, type Sealer, sealEntry } from "./sealed.ts";

/**
 * The journal of one execution of a run, on DBOS. Everything that DBOS throws here ends in silence and not in the procedure:
 * it means that the run is no longer ours, or that its journal cannot be used. `now()` is this machine's clock, for bodies;
 * a decision between entries takes its time from an entry, or the replay decides differently.
 */
export function journalOf(
  execution: Execution,
  executions: Executions,
  mailbox: Mailbox,
  sealer: Sealer,
): Journal {
  const { run } = execution;
  const received = new Map<Key, number>();
  let sleeps = 0;

  /** Calls DBOS without a turn of the event loop before: it numbers the entries in the order of the calls. */
  const recorded = <T>(call: () => Promise<unknown>, read: (stored: unknown) => T): Promise<T> => {
    if (execution.silent || executions.draining()) return silence(execution);
    execution.inFlight += 1;
    let stored: Promise<unknown>;
    try {
      stored = call();
    } catch (thrown) {
      stored = Promise.reject(thrown);
    }
    return stored
      .then(read)
      .finally(() => {
        execution.inFlight -= 1;
      })
      .catch((thrown: unknown) => executions.stop(execution, thrown));
  };
  const entry = (key: Key, body: () => Promise<unknown>): Promise<Answer> => {
    refuseNesting(key);
    const step = async (): Promise<unknown> => {
      const answer = await attempt(body);
      try {
        return await sealEntry(sealer, run, boxName.entry(key), answer);
      } catch (thrown) {
        // Not thrown: DBOS would record it as the entry's outcome.
        return executions.stop(execution, thrown);
      }
    };
    return recorded(
      () => DBOS.runStep(step, { name: key }),
      (stored) => openEntry(stored, run, boxName.entry(key)) as Answer,
    );
  };
  const once = async <T>(key: Key, body: () => Promise<T>): Promise<T> =>
    replyOf(await entry(key, body)) as T;

  return {
    once,
    round: async <T>(entries: readonly { readonly key: Key; body(): Promise<T> }[]) => {
      // All are waited for before the first trouble is thrown: the rest would otherwise be recorded behind the next entry.
      const answers = await Promise.all(entries.map(({ key, body }) => entry(key, () => body())));
      return answers.map((answer) => replyOf(answer) as T);
    },
    answer: async <T>(key: Key, until: Instant) => {
      // Recorded, so that a caller who computes it from the clock waits no longer after a replay.
      const limit = await once(`${key}/until`, async () => until);
      const had = received.get(key) ?? 0;
      await mailbox.wait(run, key, had, msOf(limit));
      const message = await recorded(
        () => DBOS.recv(key, { timeoutSeconds: 0 }),
        (stored) => (stored === null ? NOTHING : openEntry(stored, run, boxName.message(key))),
      );
      if (message === NOTHING) return undefined;
      received.set(key, had + 1);
      return message as T;
    },
    sleepUntil: async (moment) => {
      sleeps += 1;
      const limit = await once(`sleep/${sleeps}`, async () => moment);
      // Not DBOS.sleep: its timer keeps a process that closes alive until the end of the sleep, and stores the time in plain text.
      await new Promise<void>((done) => void at(msOf(limit), done));
    },
    owned: () => executions.owned(execution),
    now: () => systemClock.now(),
  };
}

const NOTHING = Symbol("no message");

function refuseNesting(key: Key): void {
  if (!DBOS.isInStep()) return;
  throw new LockstepError({
    code: "INTERNAL",
    message: `the entry ${key} was begun inside another entry`,
    because: "what happens inside an entry is recorded only as a whole",
    next: "report this as a fault of Lockstep",
  });
}

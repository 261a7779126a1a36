/** Looks into the queue when there is reason to, beside DBOS's slow poll, which finds what nobody was told of. */
export interface Looks {
  /** Something waits: look soon, or again, if a look is on its way and may have come too early. */
  soon(): void;
  /** Looks no more; resolves when a look that is on its way has ended. */
  stop(): Promise<void>;
}

/** Politeness per entry in progress, and at most, in milliseconds. */
const POLITE_MS = 15;
const MOST_POLITE_MS = 150;

/**
 * Never two looks at a time, however often it is asked: what comes meanwhile is found by one more. All processes are told of
 * a run at once; the busier one (`busy` counts its entries in progress) lets the others go first, or one would take them all.
 */
export function keepLooks(look: () => Promise<void>, busy: () => number): Looks {
  let asked = false;
  let stopped = false;
  let working: Promise<void> | undefined;
  const work = async (): Promise<void> => {
    while (asked && !stopped) {
      asked = false;
      // DBOS logs what went wrong by itself, and its poll comes by again.
      await look().catch(() => {});
    }
    working = undefined;
  };
  const now = (): void => {
    asked = true;
    working ??= work();
  };
  return {
    soon: () => {
      const wait = Math.min(busy() * POLITE_MS, MOST_POLITE_MS);
      if (wait === 0) now();
      else setTimeout(now, wait).unref();
    },
    stop: async () => {
      stopped = true;
      // One that hangs on a database that is away must not keep the process from closing.
      await Promise.race([working, new Promise<void>((go) => setTimeout(go, 1_000).unref())]);
    },
  };
}

import type { Effect, VendorName } from "./world.ts";

/** One request as the vendor saw it, without values. */
export interface JournalEntry {
  seq: number;
  /** Milliseconds since the epoch, when it arrived. */
  at: number;
  vendor: VendorName;
  method: string;
  path: string;
  /** Names of the query parameters and their values, but for those that may be secret. */
  query: string;
  /** Status of the reply; null where the connection broke. */
  status: number | null;
  requestId: string | null;
  /** Authorization id, token name or identity name; null for none or an unknown one. */
  credential: string | null;
  fields: string[];
  effect: Effect;
  /** Kind of the injected fault, if one applied. */
  fault: string | null;
  userAgent: string | null;
}

/** The record of all requests, oldest first; it keeps the last 10,000. */
export interface RequestJournal {
  add(entry: Omit<JournalEntry, "seq">): JournalEntry;
  list(filter?: { vendor?: VendorName; effect?: Effect; since?: number }): JournalEntry[];
  clear(): void;
}

/** An empty journal. */
export function createRequestJournal(): RequestJournal {
  let entries: JournalEntry[] = [];
  let seq = 0;
  return {
    add(entry) {
      seq += 1;
      const added = { seq, ...entry };
      entries.push(added);
      if (entries.length > 10_000) entries = entries.slice(-9_000);
      return added;
    },
    list: (filter = {}) =>
      entries.filter(
        (one) =>
          (filter.vendor === undefined || one.vendor === filter.vendor) &&
          (filter.effect === undefined || one.effect === filter.effect) &&
          (filter.since === undefined || one.seq > filter.since),
      ),
    clear() {
      entries = [];
    },
  };
}

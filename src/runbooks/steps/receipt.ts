import type { Fingerprints } from "../../core/credential.ts";
import type { Observation, Receipt } from "../../core/store.ts";

/** The receipt of a write that is found already done. */
export function receiptOf(copy: string, seen: Observation, fingerprints: Fingerprints): Receipt {
  return {
    copy,
    at: seen.at,
    fingerprints,
    wrote: false,
    ...(seen.version !== undefined && { version: seen.version }),
    ...(seen.changedAt !== undefined && { changedAt: seen.changedAt }),
  };
}

import type { Fingerprints } from "../../core/credential.ts";
import type { Observation, Receipt } from "../../core/store.ts";
import { type Instant, instantOf, msOf } from "../../core/time.ts";

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

/** When the last of these writes was accepted. */
export function lastWrite(canonical: Receipt, copies: Readonly<Record<string, Receipt>>): Instant {
  return instantOf(Math.max(...[canonical, ...Object.values(copies)].map((receipt) => msOf(receipt.at))));
}

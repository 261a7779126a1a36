import { after, between, type Instant } from "../core/time.ts";

const DAY_MS = 86_400_000;

/** How long before the due date it counts as due soon: the SOPs remind one week before (HK, "Scheduled reminder"). */
const DUE_SOON_DAYS = 7;

/** Where a secret stands in its cadence. `never` has no rotation on record, so no due date can be computed (HK-01). */
export type Due =
  | { readonly is: "never" }
  | {
      readonly is: "later" | "soon" | "overdue";
      readonly lastRotated: Instant;
      readonly nextDue: Instant;
      /** Whole days from now to the due date, rounded down; negative when it has passed. */
      readonly days: number;
    };

/** The newest of a secret's rotations; undefined when there is none. */
export function lastRotated(rotations: readonly { readonly at: Instant }[]): Instant | undefined {
  return rotations
    .map(({ at }) => at)
    .reduce<Instant | undefined>((last, at) => (last === undefined || at > last ? at : last), undefined);
}

/** The moment when the credential reaches its cadence's age; computed, never stored (HK-01). */
export function nextDue(last: Instant, cadenceDays: number): Instant {
  return after(last, cadenceDays * DAY_MS);
}

/** Judges a last rotation against the cadence. */
export function dueOf(last: Instant | undefined, cadenceDays: number, now: Instant): Due {
  if (last === undefined) return { is: "never" };
  const due = nextDue(last, cadenceDays);
  const days = Math.floor(between(now, due) / DAY_MS);
  const is = now >= due ? "overdue" : between(now, due) <= DUE_SOON_DAYS * DAY_MS ? "soon" : "later";
  return { is, lastRotated: last, nextDue: due, days };
}

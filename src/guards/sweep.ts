import { type Fingerprints, sameFingerprints } from "../core/credential.ts";
import type { Trouble } from "../core/errors.ts";
import { guard } from "../core/guard.ts";
import { type CopySnapshot, copiesOf, type Snapshot } from "../core/snapshot.ts";
import type { Observation, Receipt } from "../core/store.ts";
import type { Sweep } from "../core/sweep.ts";
import { between, type Instant } from "../core/time.ts";

/** How old a sweep may be when a credential is ended on its strength, in milliseconds (P2, X-06). */
export const SWEEP_MAX_AGE = 120_000;

interface Swept {
  readonly facts: {
    readonly canonical: Receipt;
    readonly copies: Readonly<Record<string, Receipt>>;
    readonly pending: { readonly fingerprints: Fingerprints };
  };
  readonly observed: Sweep;
  readonly snapshot: Snapshot;
  readonly now: Instant;
}

/** The sweep was begun after the last write and is at most {@link SWEEP_MAX_AGE} old. */
export const sweepIsFresh = guard("the sweep is fresh", ({ facts, observed, snapshot, now }: Swept) => {
  const writes = [facts.canonical, ...Object.values(facts.copies)].map((receipt) => receipt.at);
  const age = between(observed.begunAt, now);
  if (writes.every((at) => between(at, observed.begunAt) >= 0) && age >= 0 && age <= SWEEP_MAX_AGE)
    return undefined;
  return {
    code: "SWEEP_INCOMPLETE",
    message: "The look at all copies is older than the last write, or older than 120 s",
    because: "a key is ended only on what was just seen",
    next: `lockstep rotate ${snapshot.secret}`,
  };
});

/** Every place of the plan could be looked at: what was not seen proves nothing. */
export const everyCopyWasSeen = guard("every copy was seen", ({ facts, observed, snapshot }: Swept) => {
  const missing = [snapshot.vault, ...copiesOf(snapshot)].find(
    (copy) => seenAt(copy, snapshot, observed) === undefined,
  );
  const unwritten = copiesOf(snapshot).find((copy) => facts.copies[stepIdOf(copy)] === undefined);
  if (!missing && !unwritten) return undefined;
  const place = missing ?? unwritten;
  return {
    code: "SWEEP_INCOMPLETE",
    message: `${place?.target} could not be seen: ${observed.unseen[place?.id ?? ""] ?? "no receipt"}`,
    because: "unknown is never proof; the old key lives until every copy is seen",
    next: `lockstep rotate ${snapshot.secret}`,
  };
});

/** No place of the plan holds anything but the new value: by value where it can be read, by an uncontested receipt where not. */
export const everyCopyHoldsTheNewValue = guard(
  "every copy holds the new value",
  ({ facts, observed, snapshot }: Swept) => {
    for (const copy of [snapshot.vault, ...copiesOf(snapshot)]) {
      const receipt = copy.id === snapshot.vault.id ? facts.canonical : facts.copies[stepIdOf(copy)];
      const seen = seenAt(copy, snapshot, observed);
      const objection =
        receipt && seen ? objectionTo(copy, receipt, seen, facts.pending.fingerprints, snapshot) : undefined;
      if (objection) return objection;
    }
    return undefined;
  },
);

function objectionTo(
  copy: CopySnapshot,
  receipt: Receipt,
  seen: Observation,
  wanted: Fingerprints,
  snapshot: Snapshot,
): Trouble | undefined {
  const holds = copy.capabilities.read
    ? seen.fingerprints !== undefined && sameFingerprints(seen.fingerprints, wanted)
    : seen.present &&
      sameFingerprints(receipt.fingerprints, wanted) &&
      // Without a time on either side nothing shows that our write was the last one.
      receipt.changedAt !== undefined &&
      seen.changedAt === receipt.changedAt;
  if (holds) return undefined;
  return {
    code: "COPY_HOLDS_OLD",
    message: copy.capabilities.read
      ? `${copy.target} does not hold the new value`
      : `${copy.target} was changed after our write, so what it holds is not known`,
    because: "the old key is ended only when no copy can still hold it",
    next: `lockstep rotate ${snapshot.secret}`,
  };
}

function seenAt(copy: CopySnapshot, snapshot: Snapshot, observed: Sweep): Observation | undefined {
  return copy.id === snapshot.vault.id ? observed.vault : observed.copies[copy.id];
}

/** The id of the step that writes a destination, under which its receipt is kept. */
export function stepIdOf(copy: CopySnapshot): string {
  return `propagate/${copy.id}`;
}

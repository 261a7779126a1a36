import { type Fingerprints, sameFingerprints } from "../core/credential.ts";
import type { Trouble } from "../core/errors.ts";
import { guard } from "../core/guard.ts";
import { canonical } from "../core/plan.ts";
import { type CopySnapshot, copiesOf, type Snapshot } from "../core/snapshot.ts";
import type { Holding, Observation, Receipt } from "../core/store.ts";
import type { Sweep } from "../core/sweep.ts";
import { between, type Instant } from "../core/time.ts";

/** How old a sweep may be when a credential is ended on its strength, in milliseconds (P2, X-06). */
export const SWEEP_MAX_AGE = 120_000;

/** What an ending is decided on: which values must be everywhere and which nowhere, what was written, what was just seen. */
export interface Evidence {
  readonly wanted: Fingerprints;
  readonly ending: Fingerprints;
  /** What could not be looked at when the run was checked. */
  readonly open: Open | undefined;
  readonly vault: Receipt;
  /** By copy id. */
  readonly copies: Readonly<Record<string, Receipt>>;
  readonly seen: Sweep;
  readonly livingAccount: string;
  readonly snapshot: Snapshot;
  readonly now: Instant;
}

type Open = Readonly<Record<string, readonly string[]>>;

type Decide = (evidence: Evidence) => Trouble | undefined;

interface Forward {
  readonly facts: {
    readonly canonical: Receipt;
    readonly copies: Readonly<Record<string, Receipt>>;
    readonly pending: { readonly fingerprints: Fingerprints };
    readonly checked: { readonly fingerprints: Fingerprints; readonly open?: Open };
  };
  readonly observed: Sweep & { readonly livingAccount: string };
  readonly snapshot: Snapshot;
  readonly now: Instant;
}

interface Backward {
  readonly facts: {
    readonly vaultRestored: Receipt;
    readonly restored: Readonly<Record<string, Receipt>>;
    readonly pending: { readonly fingerprints: Fingerprints };
    readonly checked: { readonly fingerprints: Fingerprints; readonly open?: Open };
  };
  readonly observed: Sweep & { readonly livingAccount: string };
  readonly snapshot: Snapshot;
  readonly now: Instant;
}

const CONDITIONS: readonly (readonly [name: string, decide: Decide])[] = [
  ["every copy was seen", everyCopyWasSeen],
  ["what could be seen when the run was checked is seen again", nothingWentOutOfSight],
  ["every copy holds the living value", everyCopyHoldsTheLivingValue],
  ["nothing holds the ending value that the plan does not name", nothingElseHoldsIt],
  ["the plan names every copy that the configuration names now", planIsComplete],
  ["no change of the vault's entry waits for an approval", noApprovalIsOpen],
  ["the living key is of the configured account", livingKeyIsOurs],
  ["the sweep is fresh", sweepIsFresh],
];

/** What must hold before the old key is ended: the new value is everywhere, the old one nowhere (P2, X-06, X-13, X-14, DR-15). */
export const oldMayBeEnded = CONDITIONS.map(([name, decide]) =>
  guard(name, ({ facts, observed, ...rest }: Forward) =>
    decide({
      wanted: facts.pending.fingerprints,
      ending: facts.checked.fingerprints,
      open: facts.checked.open,
      vault: facts.canonical,
      copies: byCopy(facts.copies),
      seen: observed,
      livingAccount: observed.livingAccount,
      ...rest,
    }),
  ),
);

/** The same before the new key is ended in a rollback, with the two values changed over. */
export const newMayBeEnded = CONDITIONS.map(([name, decide]) =>
  guard(name, ({ facts, observed, ...rest }: Backward) =>
    decide({
      wanted: facts.checked.fingerprints,
      ending: facts.pending.fingerprints,
      open: facts.checked.open,
      vault: facts.vaultRestored,
      copies: byCopy(facts.restored),
      seen: observed,
      livingAccount: observed.livingAccount,
      ...rest,
    }),
  ),
);

function byCopy(receipts: Readonly<Record<string, Receipt>>): Readonly<Record<string, Receipt>> {
  return Object.fromEntries(Object.values(receipts).map((receipt) => [receipt.copy, receipt]));
}

/** The sweep was begun after the last write and is at most {@link SWEEP_MAX_AGE} old. */
function sweepIsFresh({ vault, copies, seen, now, snapshot }: Evidence): Trouble | undefined {
  const writes = [vault, ...Object.values(copies)].map((receipt) => receipt.at);
  const age = between(seen.begunAt, now);
  if (writes.every((at) => between(at, seen.begunAt) >= 0) && age >= 0 && age <= SWEEP_MAX_AGE)
    return undefined;
  return {
    code: "SWEEP_INCOMPLETE",
    message: "The look at all copies is older than the last write, or older than 120 s",
    because: "a key is ended only on what was just seen",
    next: `lockstep rotate ${snapshot.secret}`,
  };
}

/** Every place of the plan could be looked at: what was not seen proves nothing. */
function everyCopyWasSeen({ copies, seen, snapshot }: Evidence): Trouble | undefined {
  const missing = [snapshot.vault, ...copiesOf(snapshot)].find(
    (copy) => seenAt(copy, snapshot, seen) === undefined,
  );
  const unwritten = copiesOf(snapshot).find((copy) => copies[copy.id] === undefined);
  const place = missing ?? unwritten;
  const blind = Object.entries(seen.unseen).find(([what]) => what.startsWith("survey of "));
  if (!place && !blind) return undefined;
  const [what, why] = place ? [place.target, seen.unseen[place.id]] : [blind?.[0], blind?.[1]];
  return {
    code: "SWEEP_INCOMPLETE",
    message: `${what} could not be seen: ${why ?? "no receipt"}`,
    because: "unknown is never proof; the key lives until every copy is seen",
    next: `lockstep rotate ${snapshot.secret}`,
  };
}

/**
 * A vendor says the same of what is not there and of what an access may not see. What was seen at the start and is not
 * there now may hold a value of that name by now.
 */
function nothingWentOutOfSight({ open, seen, snapshot }: Evidence): Trouble | undefined {
  const gone = Object.entries(seen.open).flatMap(([copy, now]) => {
    const before = open?.[copy];
    return before ? now.filter((one) => !before.includes(one)) : [];
  });
  if (gone.length === 0) return undefined;
  return {
    code: "SWEEP_INCOMPLETE",
    message: `Could be seen when the run was checked, and not now: ${gone.join(", ")}`,
    because: "unknown is never proof; the key lives until every copy is seen",
    next: `lockstep rotate ${snapshot.secret}`,
  };
}

/** Every place of the plan holds the living value: by value where it can be read, by an uncontested receipt where not. */
function everyCopyHoldsTheLivingValue(evidence: Evidence): Trouble | undefined {
  const { vault, copies, seen, snapshot } = evidence;
  for (const copy of [snapshot.vault, ...copiesOf(snapshot)]) {
    const receipt = copy.id === snapshot.vault.id ? vault : copies[copy.id];
    const held = seenAt(copy, snapshot, seen);
    const objection = receipt && held ? objectionTo(copy, receipt, held, evidence) : undefined;
    if (objection) return objection;
  }
  return undefined;
}

function objectionTo(
  copy: CopySnapshot,
  receipt: Receipt,
  seen: Observation,
  { wanted, snapshot }: Evidence,
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
      ? `${copy.target} does not hold the value that stays`
      : `${copy.target} was changed after our write, so what it holds is not known`,
    because: "a key is ended only when no copy can still hold it",
    next: `lockstep rotate ${snapshot.secret}`,
  };
}

/** No value of the ending credential lies, or may lie, where nobody declared it (DR-15, HK-22). */
export function nothingElseHoldsIt({
  ending,
  seen,
  snapshot,
}: Pick<Evidence, "ending" | "seen" | "snapshot">): Trouble | undefined {
  const values = new Set(Object.values(ending));
  const holding = seen.elsewhere.filter(({ fingerprint }) => fingerprint && values.has(fingerprint));
  const beside = seen.elsewhere.filter(({ fingerprint }) => fingerprint === undefined);
  const named = (found: readonly Holding[]) => found.map(({ place }) => place).join(", ");
  if (holding.length > 0)
    return {
      code: "COPY_UNDECLARED",
      message: `${named(holding)} holds the key that would be ended, and the configuration does not name it`,
      because: "whatever uses that copy would break",
      next: `lockstep rotate ${snapshot.secret}    after you have removed it there; or declare it as a destination after this run`,
    };
  if (beside.length > 0)
    return {
      code: "SHADOWED",
      message: `${named(beside)} may hold the key that would be ended: it has the name of a copy, and nobody can read it`,
      because: "whatever takes its value from there instead would break",
      next: `lockstep rotate ${snapshot.secret}    after you have removed it there`,
    };
  return undefined;
}

/**
 * A destination that was added while the run was under way has not got the living value; one that is configured otherwise
 * may be another place by the same name.
 */
export function planIsComplete({ seen, snapshot }: Pick<Evidence, "seen" | "snapshot">): Trouble | undefined {
  const planned = new Map([snapshot.vault, ...copiesOf(snapshot)].map((copy) => [copy.id, copy]));
  for (const copy of seen.configured) {
    const one = planned.get(copy.id);
    if (one && isSamePlace(one, copy)) continue;
    return {
      code: "PLAN_INCOMPLETE",
      message: one
        ? `${copy.target} has been configured otherwise since this run was planned`
        : `${copy.target} has been added to the configuration since this run was planned`,
      because: "it may not hold the value that stays, and would be left with an ended key",
      next: one
        ? `lockstep rotate ${snapshot.secret}    after you have put its configuration back, until this run has ended`
        : `lockstep rotate ${snapshot.secret}    after you have taken it out of the configuration, until this run has ended`,
    };
  }
  return undefined;
}

function isSamePlace(a: CopySnapshot, b: CopySnapshot): boolean {
  const place = ({ kind, connection, config }: CopySnapshot) => canonical({ kind, connection, config });
  return place(a) === place(b);
}

/** A request that is merged later would put another value over the living one. */
export function noApprovalIsOpen({
  seen,
  snapshot,
}: Pick<Evidence, "seen" | "snapshot">): Trouble | undefined {
  if (!seen.approvals)
    return {
      code: "SWEEP_INCOMPLETE",
      message: `Whether a change of ${snapshot.vault.target} waits for an approval could not be told`,
      because: "unknown is never proof",
      next: `lockstep rotate ${snapshot.secret}`,
    };
  if (seen.approvals.length === 0) return undefined;
  return {
    code: "APPROVAL_OPEN",
    message: `${seen.approvals.join(", ")}: a change of ${snapshot.vault.target} waits for an approval`,
    because: "merged later, it would put another value into the vault",
    next: `lockstep rotate ${snapshot.secret}    after you have merged or closed it there`,
  };
}

/** The key that stays answers, for the account that the configuration names (P1, P6, X-13). */
export function livingKeyIsOurs({
  livingAccount,
  snapshot,
}: Pick<Evidence, "livingAccount" | "snapshot">): Trouble | undefined {
  if (livingAccount === snapshot.issuer.account) return undefined;
  return {
    code: "NEW_NOT_VALID",
    message:
      livingAccount === ""
        ? "The key that stays is refused"
        : `The key that stays belongs to ${livingAccount}`,
    because: "a key is ended only while another one that works stands in its place",
    next: `lockstep test ${snapshot.secret}`,
  };
}

function seenAt(copy: CopySnapshot, snapshot: Snapshot, seen: Sweep): Observation | undefined {
  return copy.id === snapshot.vault.id ? seen.vault : seen.copies[copy.id];
}

/** The id of the step that writes a destination, under which its receipt is kept. */
export function stepIdOf(copy: CopySnapshot): string {
  return `propagate/${copy.id}`;
}

import { type Credential, type Fingerprints, sameFingerprints } from "../core/credential.ts";
import type { Trouble } from "../core/errors.ts";
import { guard } from "../core/guard.ts";
import type { KeptReceipt } from "../core/record.ts";
import { type CopySnapshot, copiesOf, SHORTEST_PREFIX, type Snapshot } from "../core/snapshot.ts";
import type { Observation } from "../core/store.ts";
import type { Sweep } from "../core/sweep.ts";
import { between, type Instant } from "../core/time.ts";
import { oldIsNobodyElses } from "./old.ts";
import {
  livingKeyIsOurs,
  noApprovalIsOpen,
  nothingElseHoldsIt,
  planIsComplete,
  SWEEP_MAX_AGE,
} from "./sweep.ts";

/** The one credential that an id, or a beginning of it, names in the issuer's list; or why none can be named. */
export function namedIn(list: readonly Credential[], asked: string, secret: string): Credential | Trouble {
  const exact = list.filter(({ id }) => id === asked);
  const fits = exact.length > 0 ? exact : list.filter(({ id }) => id.startsWith(asked));
  const [one, ...others] = asked.length < SHORTEST_PREFIX ? [] : fits;
  if (one && others.length === 0) return one;
  const found =
    asked.length < SHORTEST_PREFIX
      ? `${JSON.stringify(asked)} is shorter than ${SHORTEST_PREFIX} characters`
      : fits.length === 0
        ? `none of the ${list.length} credentials in the issuer's list is ${asked}`
        : `${fits.length} credentials in the issuer's list begin with ${asked}`;
  return {
    code: "OLD_NOT_IDENTIFIED",
    message: `What is to be ended cannot be told: ${found}`,
    because: "a credential is ended only by its exact id, which must be in the issuer's list exactly once",
    next:
      asked.length >= SHORTEST_PREFIX && fits.length === 0
        ? `lockstep verify ${secret}    closes what was found of it, if it is gone`
        : `lockstep revoke ${secret} --id <id>    as the issuer lists it`,
  };
}

interface OnFacts {
  readonly facts: { readonly ending: EndingFact };
  readonly snapshot: Snapshot;
}

interface EndingFact {
  readonly credential: Credential;
  readonly fingerprints: Fingerprints | null;
  readonly sealed: string | null;
  readonly living: string | null;
}

/** It belongs to the configured account, and to nobody whom the configuration names (HK-03, P6). */
export const endingIsOurs = [
  guard("the credential to be ended is of the configured account", ({ facts, snapshot }: OnFacts) =>
    facts.ending.credential.account === snapshot.issuer.account
      ? undefined
      : {
          code: "ACCOUNT_DIFFERS",
          message: `${short(facts)} belongs to ${facts.ending.credential.account || "nobody whom the issuer names"}, not to ${snapshot.issuer.account}`,
          because: "a credential of another account is never ended here",
          next: `lockstep revoke ${snapshot.secret} --id <id>    of one that belongs to that account`,
        },
  ),
  guard("the credential to be ended is nobody else's", ({ facts, snapshot }: OnFacts) => {
    const objection = oldIsNobodyElses.holds({ facts: { old: facts.ending.credential }, snapshot });
    return (
      objection && {
        ...objection,
        message: `${short(facts)} (${facts.ending.credential.description}) is declared as somebody else's`,
        next: `lockstep revoke ${snapshot.secret} --id ${facts.ending.credential.id}    after you have taken it off the list "known", if it is this secret's`,
      }
    );
  }),
];

/** What an ending without a successor is decided on. */
export interface RevokeSeen {
  readonly seen: Sweep & { readonly livingAccount: string };
  /** What the last rotation left in each place, by copy id. */
  readonly receipts: Readonly<Record<string, KeptReceipt>>;
}

interface Given extends OnFacts {
  readonly facts: {
    readonly ending: EndingFact;
    /** The key that stays: what the vault holds. */
    readonly checked: { readonly fingerprints: Fingerprints };
  };
  /** Undefined where the glass is broken: then nothing is swept. */
  readonly observed: RevokeSeen | undefined;
  readonly now: Instant;
}

/** The same, with a sweep that was made. */
export type Swept = Omit<Given, "observed"> & { readonly observed: RevokeSeen };

type Objection = Omit<Trouble, "next">;

const CONDITIONS: readonly (readonly [name: string, decide: (given: Swept) => Objection | undefined])[] = [
  ["every copy was seen", everyCopyWasSeen],
  ["no change of a copy is under way", nothingIsUnderWay],
  ["no copy holds the ending value", noCopyHoldsIt],
  [
    "nothing holds the ending value that the plan does not name",
    (given) => nothingElseHoldsIt(asEvidence(given)),
  ],
  [
    "the plan names every copy that the configuration names now",
    (given) => planIsComplete(asEvidence(given)),
  ],
  ["no change of the vault's entry waits for an approval", (given) => noApprovalIsOpen(asEvidence(given))],
  ["the sweep is fresh", sweepIsFresh],
];

/** What must hold before a credential is ended without a successor: no copy holds it (X-06, P2). Breaking the glass skips it. */
export const endingMayBeEnded = [
  whereSwept("another living key stands in the vault", anotherKeyStands),
  ...CONDITIONS.map(([name, decide]) => whereSwept(name, (given) => again(given, decide(given)))),
];

function whereSwept(name: string, decide: (given: Swept) => Trouble | undefined) {
  return guard(name, (given: Given) => {
    const { observed } = given;
    return observed && decide({ ...given, observed });
  });
}

/** The same is asked for again, whatever comes next where a rotation is in the way. */
function again({ facts, snapshot }: Swept, objection: Objection | undefined): Trouble | undefined {
  return (
    objection && {
      ...objection,
      next: `lockstep revoke ${snapshot.secret} --id ${facts.ending.credential.id}    once that is so`,
    }
  );
}

function asEvidence({ facts, observed, snapshot }: Swept) {
  return {
    ending: facts.ending.fingerprints ?? {},
    seen: observed.seen,
    livingAccount: observed.seen.livingAccount,
    snapshot,
  };
}

/** P1: what stays must be another credential, identified at the issuer, and accepted now. */
function anotherKeyStands(given: Swept): Trouble | undefined {
  const { living, credential, sealed } = given.facts.ending;
  if (living !== null && living !== credential.id) return again(given, livingKeyIsOurs(asEvidence(given)));
  const because = "without another living key in its place, whatever uses it would break";
  if (sealed === null)
    return again(given, {
      code: "COPY_HOLDS_OLD",
      message: `Which credential the vault holds could not be told, so it may be ${short(given.facts)}`,
      because,
    });
  const { vault, secret } = given.snapshot;
  return {
    code: "COPY_HOLDS_OLD",
    message: `${vault.target} holds ${short(given.facts)}`,
    because,
    next: `lockstep rotate ${secret}    puts another in its place, and then ends it`,
  };
}

/** Every place, and all surroundings that can be looked at: what was not seen proves nothing. */
function everyCopyWasSeen({ observed, snapshot }: Swept): Objection | undefined {
  const { seen } = observed;
  const missing = placesOf(snapshot).find((copy) => seenAt(copy, snapshot, seen) === undefined);
  const blind = Object.entries(seen.unseen).find(([what]) => what.startsWith("survey of "));
  if (!missing && !blind) return undefined;
  const [what, why] = missing ? [missing.target, seen.unseen[missing.id]] : (blind ?? []);
  return {
    code: "SWEEP_INCOMPLETE",
    message: `${what} could not be seen: ${why ?? "nothing was answered"}`,
    because: "unknown is never proof; the key lives until every copy is seen",
  };
}

/** What is accepted and not in force yet is not seen, and may be the ending value. */
function nothingIsUnderWay({ observed, snapshot }: Swept): Objection | undefined {
  const [found] = placesOf(snapshot).flatMap((copy) => seenAt(copy, snapshot, observed.seen)?.underWay ?? []);
  if (found === undefined) return undefined;
  return {
    code: "SWEEP_INCOMPLETE",
    message: `${found}, and may bring the key that would be ended`,
    because: "a key is ended only when no copy holds it, or is about to",
  };
}

function noCopyHoldsIt(given: Swept): Objection | undefined {
  for (const copy of placesOf(given.snapshot)) {
    const held = seenAt(copy, given.snapshot, given.observed.seen);
    const objection = held?.present ? objectionTo(copy, held, given) : undefined;
    if (objection) return objection;
  }
  return undefined;
}

/**
 * A readable copy is compared with the ending value; where that is not on record, it must hold what the vault holds. One that
 * cannot be read is unchanged since the last rotation, which left another value there.
 */
function objectionTo(copy: CopySnapshot, seen: Observation, given: Swept): Objection | undefined {
  const held = copy.capabilities.read ? seen.fingerprints : lastLeft(copy, seen, given);
  if (held === undefined) {
    return {
      code: "COPY_HOLDS_OLD",
      message: copy.capabilities.read
        ? `What ${copy.target} holds could not be compared`
        : `${copy.target} cannot be read, and was changed after the last rotation or never written by one, so what it holds is not known`,
      because: "a key is ended only when no copy can still hold it",
    };
  }
  const { fingerprints } = given.facts.ending;
  const values = new Set(Object.values(fingerprints ?? {}));
  const clear = fingerprints
    ? Object.values(held).every((one) => !values.has(one))
    : sameFingerprints(held, given.facts.checked.fingerprints);
  if (clear) return undefined;
  return {
    code: "COPY_HOLDS_OLD",
    message: fingerprints
      ? `${copy.target} holds ${short(given.facts)}`
      : `${copy.target} holds another value than the vault, and the value of ${short(given.facts)} is not on record, so it may be that`,
    because: "a key is ended only when no copy can still hold it",
  };
}

function lastLeft(copy: CopySnapshot, seen: Observation, { observed }: Swept): Fingerprints | undefined {
  const kept = observed.receipts[copy.id];
  if (!kept || seen.changedAt === undefined) return undefined;
  return between(kept.changedAt, seen.changedAt) === 0 ? kept.fingerprints : undefined;
}

function sweepIsFresh({ observed, now }: Swept): Objection | undefined {
  const age = between(observed.seen.begunAt, now);
  if (age >= 0 && age <= SWEEP_MAX_AGE) return undefined;
  return {
    code: "SWEEP_INCOMPLETE",
    message: "The look at all copies is older than 120 s",
    because: "a key is ended only on what was just seen",
  };
}

function placesOf(snapshot: Snapshot): readonly CopySnapshot[] {
  return [snapshot.vault, ...copiesOf(snapshot)];
}

function seenAt(copy: CopySnapshot, snapshot: Snapshot, seen: Sweep): Observation | undefined {
  return copy.id === snapshot.vault.id ? seen.vault : seen.copies[copy.id];
}

function short({ ending }: OnFacts["facts"]): string {
  return `${ending.credential.id.slice(0, 8)}…`;
}

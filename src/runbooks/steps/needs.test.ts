import { describe, expect, it } from "vitest";
import type { Credential } from "../../core/credential.ts";
import type { Runbook } from "../../core/runbook.ts";
import type { CopySnapshot, Snapshot } from "../../core/snapshot.ts";
import type { Step } from "../../core/step.ts";
import type { Observation, Receipt } from "../../core/store.ts";
import type { Sweep } from "../../core/sweep.ts";
import { after } from "../../core/time.ts";
import { followUp } from "../follow-up.ts";
import { overlap } from "../overlap.ts";
import { revoke } from "../revoke.ts";
import { supplied } from "../supplied.ts";
import { test } from "../test.ts";

const NOW = "2026-11-21T08:30:00.000Z";
const WRITTEN = after(NOW, -3_600_000);
const KEPT = { token: "kept" };
const GONE = { token: "gone" };

const copy = (id: string, read: boolean) =>
  ({
    id,
    target: id,
    connection: id,
    capabilities: { read, effectiveWhen: "at-once", grade: "value" },
  }) as unknown as CopySnapshot;
const vault = copy("vault", true);
const app = copy("app", true);
const ci = copy("ci", false);
const snapshot = {
  secret: "key",
  issuer: { account: "kris", known: [{ id: "99999999", description: "somebody's" }] },
  vault,
  waves: [[app], [ci]],
  drainMs: 0,
  propagationMs: 0,
} as unknown as Snapshot;

const credential = (id: string): Credential => ({
  id,
  description: "one",
  scopes: [],
  createdAt: WRITTEN,
  account: "kris",
});
const receipt = (id: string): Receipt => ({
  copy: id,
  at: WRITTEN,
  fingerprints: KEPT,
  wrote: true,
  changedAt: WRITTEN,
});
const holding = (value: Record<string, string>): Observation => ({
  at: NOW,
  present: true,
  changedAt: WRITTEN,
  fingerprints: value,
});

/** What a step may look at before it acts. */
interface Estate {
  readonly old: Credential;
  readonly made: Credential;
  /** For whom the present key answers. */
  readonly account: string;
  readonly seen: Sweep & { readonly livingAccount: string };
}

/** Everything as it must be, for an end of the old key, of the new one on the way back, and of one without a successor. */
const FINE: Estate = {
  old: credential("11111111-1"),
  made: credential("22222222-2"),
  account: "kris",
  seen: {
    begunAt: after(NOW, -1_000),
    vault: holding(KEPT),
    copies: { app: holding(KEPT), ci: { at: NOW, present: true, changedAt: WRITTEN } },
    unseen: {},
    open: { app: ["whether it may be written"], ci: [] },
    elsewhere: [],
    configured: [vault, app, ci],
    approvals: [],
    livingAccount: "kris",
  },
};

/** A guard, what it says, and the one thing that is wrong when it says it. */
type Fault = readonly [guard: string, code: string, wrong: Estate];

const wrong = (part: Partial<Estate>): Estate => ({ ...FINE, ...part });
const seen = (part: Partial<Estate["seen"]>): Estate => wrong({ seen: { ...FINE.seen, ...part } });
const appHolds = (value: Record<string, string>): Estate =>
  seen({ copies: { ...FINE.seen.copies, app: holding(value) } });
const OF_ANOTHER_ACCOUNT = wrong({ old: { ...FINE.old, account: "eve" } });
const SOMEBODY_ELSES = wrong({ old: credential("99999999-9") });

const SWEPT: readonly Fault[] = [
  ["every copy was seen", "SWEEP_INCOMPLETE", seen({ unseen: { "survey of app": "500" } })],
  [
    "what could be seen when the run was checked is seen again",
    "SWEEP_INCOMPLETE",
    seen({ open: { ...FINE.seen.open, ci: ["its environments"] } }),
  ],
  ["every copy holds the living value", "COPY_HOLDS_OLD", appHolds({ token: "third" })],
  [
    "nothing holds the ending value that the plan does not name",
    "COPY_UNDECLARED",
    seen({ elsewhere: [{ place: "another app", fingerprint: GONE.token }] }),
  ],
  [
    "the plan names every copy that the configuration names now",
    "PLAN_INCOMPLETE",
    seen({ configured: [copy("added", true)] }),
  ],
  [
    "no change of the vault's entry waits for an approval",
    "APPROVAL_OPEN",
    seen({ approvals: ["request 7"] }),
  ],
  ["the living key is of the configured account", "NEW_NOT_VALID", seen({ livingAccount: "eve" })],
  ["the sweep is fresh", "SWEEP_INCOMPLETE", seen({ begunAt: after(NOW, -120_001) })],
];
const IDENTIFIED: Fault = [
  "the old credential is identified exactly",
  "OLD_NOT_IDENTIFIED",
  OF_ANOTHER_ACCOUNT,
];
const OURS: Fault = ["the old credential is nobody else's", "OLD_NOT_IDENTIFIED", SOMEBODY_ELSES];
const ANOTHER: Fault = [
  "the old credential is not the new one",
  "OLD_NOT_IDENTIFIED",
  wrong({ made: FINE.old }),
];
const WITHOUT_SUCCESSOR: readonly Fault[] = [
  ["the credential to be ended is of the configured account", "ACCOUNT_DIFFERS", OF_ANOTHER_ACCOUNT],
  ["the credential to be ended is nobody else's", "OLD_NOT_IDENTIFIED", SOMEBODY_ELSES],
  ["another living key stands in the vault", "NEW_NOT_VALID", seen({ livingAccount: "eve" })],
  [
    "no change of a copy is under way",
    "SWEEP_INCOMPLETE",
    seen({ copies: { ...FINE.seen.copies, app: { ...holding(KEPT), underWay: "a release" } } }),
  ],
  ["no copy holds the ending value", "COPY_HOLDS_OLD", appHolds(GONE)],
  ...SWEPT.filter(([guard]) => !/living|seen again/.test(guard)),
];
const STILL_WORKS: Fault = [
  "the new key is accepted before it is written",
  "NEW_NOT_VALID",
  seen({ livingAccount: "" }),
];
const OLD_WORKS: Fault = [
  "the old key is accepted before it is put back",
  "ROLLBACK_IMPOSSIBLE",
  seen({ livingAccount: "" }),
];
const accountIsOurs = (guard: string): Fault => [guard, "ACCOUNT_DIFFERS", wrong({ account: "eve" })];

/** What a step is given in an estate: facts, and what it has just seen. */
type Given = (estate: Estate) => { readonly facts: object; readonly observed: object | undefined };

/** What could not be seen when the run was checked: of the vault nothing is known. */
const CHECKED = { app: ["whether it may be written"], ci: ["dependabot"] };
const written = { canonical: receipt("vault"), copies: { app: receipt("app"), ci: receipt("ci") } };
const forward: Given = ({ old, made, account, seen }) => ({
  facts: {
    old,
    ...written,
    pending: { ref: made, fingerprints: KEPT },
    checked: { account, fingerprints: GONE, open: CHECKED },
  },
  observed: seen,
});
const former: Given = (estate) => {
  const { facts } = forward(estate);
  // What ends here is not what the vault held at the start: the record knows it by another value.
  const checked = { account: "", fingerprints: { token: "overwritten" }, open: CHECKED };
  return { facts: { ...facts, checked }, observed: { ending: GONE, seen: estate.seen } };
};
const backward: Given = ({ old, made, seen }) => ({
  facts: {
    old,
    vaultRestored: written.canonical,
    restored: written.copies,
    pending: { ref: made, fingerprints: GONE },
    checked: { account: "kris", fingerprints: KEPT, open: CHECKED },
  },
  observed: seen,
});
const alone: Given = ({ old, made, seen }) => ({
  facts: {
    ending: { credential: old, fingerprints: GONE, sealed: null, living: made.id },
    checked: { fingerprints: KEPT },
  },
  observed: { seen, receipts: { ci: { fingerprints: KEPT, changedAt: WRITTEN } } },
});
/** Every step that asks for something, by runbook and step. */
const TABLE: Readonly<Record<string, readonly [Given, readonly Fault[]]>> = {
  "test identify": [forward, [accountIsOurs("account is the configured one")]],
  "overlap identify": [forward, [accountIsOurs("account is the configured one")]],
  "overlap mint": [forward, [IDENTIFIED, OURS]],
  "overlap store": [forward, [STILL_WORKS]],
  "overlap propagate/app": [forward, [STILL_WORKS]],
  "overlap propagate/ci": [forward, [STILL_WORKS]],
  "overlap revoke": [forward, [IDENTIFIED, OURS, ANOTHER, ...SWEPT]],
  "overlap restore/app": [backward, [OLD_WORKS]],
  "overlap restore/ci": [backward, [OLD_WORKS]],
  "overlap restore/vault": [backward, [OLD_WORKS]],
  "overlap drain/back": [backward, [OLD_WORKS]],
  "overlap end-new": [backward, SWEPT],
  "overlap break-glass": [forward, [IDENTIFIED, OURS, ANOTHER]],
  "supplied identify": [forward, [accountIsOurs("a present key that works is of the configured account")]],
  "supplied store": [forward, [STILL_WORKS]],
  "supplied propagate/app": [forward, [STILL_WORKS]],
  "supplied propagate/ci": [forward, [STILL_WORKS]],
  "supplied revoke": [former, [IDENTIFIED, OURS, ANOTHER, ...SWEPT]],
  "supplied restore/app": [backward, [OLD_WORKS]],
  "supplied restore/ci": [backward, [OLD_WORKS]],
  "supplied restore/vault": [backward, [OLD_WORKS]],
  "supplied drain/back": [backward, [OLD_WORKS]],
  "supplied end-new": [backward, SWEPT],
  "supplied break-glass": [forward, [IDENTIFIED, OURS, ANOTHER]],
  "revoke revoke": [alone, WITHOUT_SUCCESSOR],
};

const steps = new Map([overlap, supplied, revoke, test, followUp].flatMap(stepsOf));

function stepsOf(runbook: Runbook): readonly (readonly [string, Step])[] {
  const all = [...runbook.entries(snapshot), ...(runbook.back?.(snapshot) ?? [])].flatMap(({ waves }) =>
    waves.flat(),
  );
  const { breakGlass } = runbook;
  return [...all, ...(breakGlass ? [breakGlass] : [])]
    .filter(({ needs }) => needs)
    .map((step) => [`${runbook.name.replace(/@.*/, "")} ${step.id}`, step]);
}

function objections(name: string, given: Given, estate: Estate): readonly (readonly [string, string])[] {
  return (steps.get(name)?.needs ?? []).flatMap((guard) => {
    const objection = guard.holds({ ...given(estate), snapshot, now: NOW } as never);
    return objection ? [[guard.name, objection.code] as const] : [];
  });
}

describe("what a step asks for before it acts", () => {
  describe.each(Object.entries(TABLE))("%s", (name, [given, faults]) => {
    it("holds while nothing is wrong", () => {
      expect(steps.has(name)).toBe(true);
      expect(objections(name, given, FINE)).toEqual([]);
    });

    it.each(faults)("[P1] [P2] [P6] is not carried out unless: %s", (guard, code, estate) => {
      expect(objections(name, given, estate)).toEqual([[guard, code]]);
    });
  });

  it("[P2] is asked by every step that does something to a credential, and tried above", () => {
    const named = Object.entries(TABLE).map(([name, [, faults]]) => [
      name,
      faults.map(([guard]) => guard).sort(),
    ]);
    const asked = [...steps].map(([name, { needs = [] }]) => [name, needs.map((guard) => guard.name).sort()]);
    expect(Object.fromEntries(named)).toEqual(Object.fromEntries(asked));
  });
});

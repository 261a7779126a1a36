import { describe, expect, it } from "vitest";
import type { Credential } from "../core/credential.ts";
import type { CopySnapshot, Snapshot } from "../core/snapshot.ts";
import type { Observation } from "../core/store.ts";
import { endingIsOurs, endingMayBeEnded, namedIn, type Swept } from "./revoke.ts";

const AT = "2026-11-21T08:30:00.000Z";
const credential = (id: string, account = "kris"): Credential => ({
  id,
  description: "one",
  scopes: [],
  createdAt: AT,
  account,
});
const copy = (id: string, read: boolean) =>
  ({ id, target: id, connection: id, capabilities: { read } }) as unknown as CopySnapshot;
const snapshot = {
  secret: "key",
  issuer: { account: "kris", known: [{ id: "99999999", description: "others" }] },
  vault: copy("vault", true),
  waves: [[copy("app", true)], [copy("ci", false)]],
} as unknown as Snapshot;
const holding = (value: string): Observation => ({ at: AT, present: true, fingerprints: { token: value } });
const blind = (changedAt: string): Observation => ({ at: AT, present: true, changedAt });

type Change = (given: Swept) => unknown;

/** Everything as it must be: the vault and the app hold `kept`, CI was last written with it, `gone` is to be ended. */
function given(): Swept {
  return {
    facts: {
      ending: {
        credential: credential("11111111-1"),
        fingerprints: { token: "gone" },
        sealed: null,
        living: "22222222-2",
      },
      checked: { fingerprints: { token: "kept" } },
    },
    observed: {
      seen: {
        begunAt: AT,
        vault: holding("kept"),
        copies: { app: holding("kept"), ci: blind(AT) },
        unseen: {},
        open: {},
        elsewhere: [],
        configured: [],
        approvals: [],
        livingAccount: "kris",
      },
      receipts: { ci: { fingerprints: { token: "kept" }, changedAt: "2026-11-21T08:30:00Z" } },
    },
    snapshot,
    now: AT,
  };
}

const objection = (change: Change) => {
  const base = given();
  const changed = { ...base, ...(change(base) as Partial<Swept>) };
  return endingMayBeEnded.map((one) => one.holds(changed)).find((found) => found !== undefined);
};
const AGAIN = "lockstep revoke key --id 11111111-1    once that is so";
const seen = (base: Swept, part: Partial<Swept["observed"]["seen"]>) => ({
  observed: { ...base.observed, seen: { ...base.observed.seen, ...part } },
});
const ending = (base: Swept, part: Partial<Swept["facts"]["ending"]>) => ({
  facts: { ...base.facts, ending: { ...base.facts.ending, ...part } },
});

describe("a credential that is ended without a successor", () => {
  it.each<[name: string, code: string | undefined, change: Change]>([
    ["nothing holds it", undefined, () => ({})],
    [
      "the app holds it",
      "COPY_HOLDS_OLD",
      (base) => seen(base, { copies: { ...base.observed.seen.copies, app: holding("gone") } }),
    ],
    [
      "a change of the app is not in force yet",
      "SWEEP_INCOMPLETE",
      (base) =>
        seen(base, {
          copies: { ...base.observed.seen.copies, app: { ...holding("kept"), underWay: "a release" } },
        }),
    ],
    ["the vault holds it", "COPY_HOLDS_OLD", (base) => seen(base, { vault: holding("gone") })],
    [
      "the app holds a third value",
      undefined,
      (base) => seen(base, { copies: { ...base.observed.seen.copies, app: holding("third") } }),
    ],
    [
      "the app holds a third value, and the ending one is not on record",
      "COPY_HOLDS_OLD",
      (base) => ({
        ...ending(base, { fingerprints: null }),
        ...seen(base, { copies: { ...base.observed.seen.copies, app: holding("third") } }),
      }),
    ],
    [
      "the ending value is not on record, and all copies agree with the vault",
      undefined,
      (base) => ending(base, { fingerprints: null }),
    ],
    [
      "the app holds one value of the two that it has",
      "COPY_HOLDS_OLD",
      (base) => ({
        ...ending(base, { fingerprints: { token: "gone", key: "gone too" } }),
        ...seen(base, {
          copies: {
            ...base.observed.seen.copies,
            app: { ...holding("kept"), fingerprints: { token: "kept", key: "gone too" } },
          },
        }),
      }),
    ],
    [
      "the app holds nothing",
      undefined,
      (base) => seen(base, { copies: { ...base.observed.seen.copies, app: { at: AT, present: false } } }),
    ],
    [
      "the app was not seen",
      "SWEEP_INCOMPLETE",
      (base) => seen(base, { copies: { ci: blind(AT) }, unseen: { app: "500" } }),
    ],
    ["a survey failed", "SWEEP_INCOMPLETE", (base) => seen(base, { unseen: { "survey of app": "500" } })],
    [
      "CI was written since",
      "COPY_HOLDS_OLD",
      (base) =>
        seen(base, { copies: { ...base.observed.seen.copies, ci: blind("2026-11-21T08:30:01.000Z") } }),
    ],
    [
      "CI does not say when it was written",
      "COPY_HOLDS_OLD",
      (base) => seen(base, { copies: { ...base.observed.seen.copies, ci: { at: AT, present: true } } }),
    ],
    ["no rotation wrote CI", "COPY_HOLDS_OLD", (base) => ({ observed: { ...base.observed, receipts: {} } })],
    [
      "the last rotation left it in CI",
      "COPY_HOLDS_OLD",
      (base) => ({
        observed: { ...base.observed, receipts: { ci: { fingerprints: { token: "gone" }, changedAt: AT } } },
      }),
    ],
    [
      "it lies in an undeclared place",
      "COPY_UNDECLARED",
      (base) => seen(base, { elsewhere: [{ place: "x", fingerprint: "gone" }] }),
    ],
    [
      "a destination was added meanwhile",
      "PLAN_INCOMPLETE",
      (base) => seen(base, { configured: [copy("new", true)] }),
    ],
    ["an approval is open", "APPROVAL_OPEN", (base) => seen(base, { approvals: ["request 7"] })],
    ["approvals could not be told", "SWEEP_INCOMPLETE", (base) => seen(base, { approvals: undefined })],
    ["the vault's key is refused", "NEW_NOT_VALID", (base) => seen(base, { livingAccount: "" })],
    ["the vault's key is another account's", "NEW_NOT_VALID", (base) => seen(base, { livingAccount: "eve" })],
    ["the vault's key cannot be told", "COPY_HOLDS_OLD", (base) => ending(base, { living: null })],
    [
      "the vault's key is the same credential by another value",
      "COPY_HOLDS_OLD",
      (base) => ending(base, { living: "11111111-1" }),
    ],
    ["the sweep is 120 s old", undefined, () => ({ now: "2026-11-21T08:32:00.000Z" })],
    ["the sweep is 121 s old", "SWEEP_INCOMPLETE", () => ({ now: "2026-11-21T08:32:01.000Z" })],
    ["the sweep lies ahead", "SWEEP_INCOMPLETE", () => ({ now: "2026-11-21T08:29:59.000Z" })],
    ["the glass is broken", undefined, () => ({ observed: undefined })],
  ])("[X-06] [X-12] %s: %s", (_name, code, change) => {
    const found = objection(change);
    expect([found?.code, found?.next]).toEqual([code, code && AGAIN]);
  });

  it("[X-06] is not the vault's own key: that one is rotated", () => {
    const found = objection((base) => ending(base, { living: "11111111-1", sealed: "s" }));
    expect(found).toMatchObject({
      code: "COPY_HOLDS_OLD",
      next: expect.stringMatching(/^lockstep rotate key /),
    });
  });

  it.each<[name: string, code: string | undefined, part: Credential]>([
    ["ours", undefined, credential("11111111-1")],
    ["another account's", "ACCOUNT_DIFFERS", credential("11111111-1", "eve")],
    ["nobody's whom the issuer names", "ACCOUNT_DIFFERS", credential("11111111-1", "")],
    ["declared as somebody else's", "OLD_NOT_IDENTIFIED", credential("99999999-1")],
  ])("[X-01] %s: %s, also with broken glass", (_name, code, part) => {
    const base = given();
    const facts = { ending: { ...base.facts.ending, credential: part } };
    expect(endingIsOurs.map((one) => one.holds({ facts, snapshot })).find(Boolean)?.code).toBe(code);
  });

  // One that is not in the list may be gone, and `verify` closes what was found of it; of the others the id is wanted.
  it.each<[asked: string, found: string]>([
    ["aaaaaaaa-1", "aaaaaaaa-1"],
    ["bbbbbbbb", "bbbbbbbb-3"],
    ["aaaaaaaa", "lockstep revoke key --id <id>"],
    ["bbbbbbb", "lockstep revoke key --id <id>"],
    ["cccccccc", "lockstep verify key"],
    ["", "lockstep revoke key --id <id>"],
  ])("[X-01] %j names or asks for %s", (asked, found) => {
    const list = ["aaaaaaaa-1", "aaaaaaaa-12", "bbbbbbbb-3"].map((id) => credential(id));
    const named = namedIn(list, asked, "key");
    expect("code" in named ? named.next.split("    ")[0] : named.id).toBe(found);
  });
});

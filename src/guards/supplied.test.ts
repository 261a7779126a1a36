import { describe, expect, it } from "vitest";
import { NOBODY } from "../core/credential.ts";
import type { Snapshot } from "../core/snapshot.ts";
import { accountIsOursIfAlive, formerMayBeEnded, objectionToPasted, type Pasted } from "./supplied.ts";

const AT = "2026-11-21T08:30:00.000Z";
const snapshot = {
  secret: "key",
  issuer: { account: "kris", target: "Heroku authorization", known: [] },
  vault: { target: "the vault" },
} as unknown as Snapshot;
const trouble = { code: "VENDOR_REFUSED_CREDENTIAL", message: "401", because: "", next: "" } as const;
const fine: Pasted = {
  misshapen: [],
  fingerprints: { token: "new" },
  present: { token: "old" },
  known: [],
  who: { is: "alive", account: "kris", federated: true, says: "" },
  snapshot,
  run: "key.rotate.1",
};
const known = {
  secret: "other",
  credential: { ...NOBODY, id: "12345678-9" },
  fingerprints: { whole: "new" },
  state: "retired",
  since: AT,
} as const;

describe("a pasted value", () => {
  it.each<[name: string, change: Partial<Pasted>, says: RegExp]>([
    ["another shape", { misshapen: ["Token"] }, /Token is missing or has another shape/],
    ["what the vault holds", { fingerprints: { token: "old" } }, /the vault holds already/],
    [
      "half of the pair that the vault holds",
      { fingerprints: { token: "new", secret: "old" } },
      /holds already/,
    ],
    [
      "one value of a pair that the vault holds",
      { fingerprints: { token: "new" }, present: { token: "old", secret: "new" } },
      /holds already/,
    ],
    ["a generation of another secret", { known: [known] }, /retired generation new of other, 12345678/],
    ["refused by the issuer", { who: { is: "dead", trouble } }, /401/],
    ["not answered for by the issuer", { who: { is: "unknown", trouble } }, /401/],
    [
      "another account's",
      { who: { is: "alive", account: "eve", federated: false, says: "" } },
      /belongs to eve/,
    ],
  ])("[X-08] [HK-24] %s: the person is asked again", (_name, change, says) => {
    const objection = objectionToPasted({ ...fine, ...change });
    expect(objection?.code).toBe("ANSWER_REFUSED");
    expect(objection?.message).toMatch(says);
  });

  it("[HK-24] a new key of the account is taken, also where the account is federated", () => {
    expect(objectionToPasted(fine)).toBeUndefined();
  });
});

describe("the former key", () => {
  it("[P6] one that works must be of the configured account; one that is refused says nothing of it", () => {
    const of = (checked: { account: string; liveness?: "dead" }) =>
      accountIsOursIfAlive.holds({ facts: { checked }, snapshot })?.code;
    expect(of({ account: "kris" })).toBeUndefined();
    expect(of({ account: "eve" })).toBe("ACCOUNT_DIFFERS");
    expect(of({ account: "", liveness: "dead" })).toBeUndefined();
  });

  const receipt = { copy: "vault", at: AT, fingerprints: { token: "new" }, wrote: true };
  const facts = {
    old: NOBODY,
    canonical: receipt,
    copies: {},
    pending: { ref: { ...NOBODY, id: "new" }, fingerprints: { token: "new" } },
    checked: {},
  };

  it("[HK-04] where there is nothing to end no sweep is asked for", () => {
    const objections = formerMayBeEnded.map((one) =>
      one.holds({ facts, observed: undefined, snapshot, now: AT }),
    );
    expect(objections.filter(Boolean)).toEqual([]);
  });

  it("[HK-04] nobody is never ended, whatever a sweep has shown", () => {
    const seen = {
      begunAt: AT,
      vault: { at: AT, present: true, fingerprints: { token: "new" } },
      copies: {},
      unseen: {},
      open: {},
      elsewhere: [],
      configured: [],
      approvals: [],
      livingAccount: "kris",
    };
    const observed = { ending: { token: "old" }, seen };
    const vault = { ...snapshot.vault, id: "vault", capabilities: { read: true } };
    const alone = { ...snapshot, vault, waves: [] } as unknown as Snapshot;
    const given = { facts, observed, snapshot: alone, now: AT };
    expect(formerMayBeEnded.flatMap((one) => one.holds(given)?.code ?? [])).toEqual(["OLD_NOT_IDENTIFIED"]);
  });
});

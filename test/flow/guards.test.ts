import { describe, expect, it } from "vitest";
import type { Credential } from "../../src/core/credential.ts";
import { copiesOf } from "../../src/core/snapshot.ts";
import type { Observation, Receipt } from "../../src/core/store.ts";
import type { Sweep } from "../../src/core/sweep.ts";
import { after } from "../../src/core/time.ts";
import { accountIsTheConfiguredOne } from "../../src/guards/account.ts";
import { oldIsIdentified, oldIsNobodyElses, oldIsNotTheNewOne } from "../../src/guards/old.ts";
import { newMayBeEnded, oldMayBeEnded, SWEEP_MAX_AGE, stepIdOf } from "../../src/guards/sweep.ts";
import { world } from "./world.ts";

const { snapshot } = (await world()).run().plan;
const now = "2026-11-21T09:00:00.000Z";
const written = after(now, -60_000);
const fresh = { token: "f".repeat(32) };
const stale = { token: "0".repeat(32) };
const old: Credential = {
  id: "85f3a15a-6c41-4f0e-9d52-7be1f0a3c8d4",
  description: "old",
  scopes: ["global"],
  createdAt: written,
  account: snapshot.issuer.account,
};

const copies = copiesOf(snapshot);
const receipt = (copy: string): Receipt => ({
  copy,
  at: written,
  fingerprints: fresh,
  wrote: true,
  changedAt: written,
});
const receipts = Object.fromEntries(copies.map((copy) => [stepIdOf(copy), receipt(copy.id)]));
const seen = (readable: boolean): Observation => ({
  at: now,
  present: true,
  changedAt: written,
  ...(readable && { fingerprints: fresh }),
});
const account = snapshot.issuer.account;
const sweep: Sweep & { readonly livingAccount: string } = {
  begunAt: after(now, -1_000),
  vault: seen(true),
  copies: Object.fromEntries(copies.map((copy) => [copy.id, seen(copy.capabilities.read)])),
  unseen: {},
  open: {},
  elsewhere: [{ place: "heroku:other:KEY", fingerprint: "e".repeat(32) }],
  configured: [snapshot.vault, ...copies],
  approvals: [],
  livingAccount: account,
};
const facts = {
  old,
  canonical: receipt(snapshot.vault.id),
  copies: receipts,
  pending: { ref: { ...old, id: "01dfdb96-83b1-4771-893a-3978236a937f" }, fingerprints: fresh },
  checked: { account, fingerprints: stale },
};
const given = { facts, observed: sweep, snapshot, now };
type Given = typeof given;

const github = copies.find((copy) => !copy.capabilities.read)?.id ?? "";
const app = copies.find((copy) => copy.capabilities.read)?.id ?? "";
const looked = (id: string, change: Partial<Observation> | undefined): Given => {
  const { [id]: before, ...others } = sweep.copies;
  const next = change && before ? { ...others, [id]: { ...before, ...change } } : others;
  return { ...given, observed: { ...sweep, copies: next } };
};
const without = (id: string): Given => {
  const { [`propagate/${id}`]: _gone, ...others } = facts.copies;
  return { ...given, facts: { ...facts, copies: others } };
};
const begun = (at: string): Given => ({ ...given, observed: { ...sweep, begunAt: at } });

const wrote = (change: Partial<typeof facts>): Given => ({ ...given, facts: { ...facts, ...change } });
const late = (copy: string): Receipt => ({ ...receipt(copy), at: after(sweep.begunAt, 1) });

/** One of the conditions of an end, by its name. */
function condition(name: string): (given: Given) => { code: string } | undefined {
  const found = oldMayBeEnded.find((one) => one.name === name);
  if (!found) throw new Error(`no guard is called ${name}`);
  return found.holds;
}
const swept = (change: Partial<typeof sweep>): Given => ({ ...given, observed: { ...sweep, ...change } });

type Case = readonly [says: string, given: Given, code: string | undefined];
function table(
  name: string,
  holds: (given: Given) => { code: string } | undefined,
  cases: readonly Case[],
): void {
  describe(name, () => {
    it.each(cases)("%s", (_says, evidence, code) => {
      expect(holds(evidence)?.code).toBe(code);
    });
  });
}

table("[P6] account is the configured one", accountIsTheConfiguredOne.holds, [
  ["the configured one", given, undefined],
  [
    "another",
    { ...given, facts: { ...facts, checked: { ...facts.checked, account: "somebody@moosequest.net" } } },
    "ACCOUNT_DIFFERS",
  ],
  ["none", { ...given, facts: { ...facts, checked: { ...facts.checked, account: "" } } }, "ACCOUNT_DIFFERS"],
]);

table("[HK-04] the old credential is identified exactly", oldIsIdentified.holds, [
  ["by its id", given, undefined],
  ["no id", { ...given, facts: { ...facts, old: { ...old, id: "" } } }, "OLD_NOT_IDENTIFIED"],
  ["no account", { ...given, facts: { ...facts, old: { ...old, account: "" } } }, "OLD_NOT_IDENTIFIED"],
  ["another's", { ...given, facts: { ...facts, old: { ...old, account: "x@y.z" } } }, "OLD_NOT_IDENTIFIED"],
]);

const declared = (id: string): Given => ({
  ...given,
  snapshot: { ...snapshot, issuer: { ...snapshot.issuer, known: [{ id, description: "IDE" }] } },
});
table("[HK-03] the old credential is nobody else's", oldIsNobodyElses.holds, [
  ["declared are others", given, undefined],
  ["declared by its first eight characters", declared(old.id.slice(0, 8)), "OLD_NOT_IDENTIFIED"],
  ["declared by its whole id", declared(old.id), "OLD_NOT_IDENTIFIED"],
]);

table("[P1] the old credential is not the new one", oldIsNotTheNewOne.holds, [
  ["two of them", given, undefined],
  [
    "one and the same",
    { ...given, facts: { ...facts, pending: { ...facts.pending, ref: old } } },
    "OLD_NOT_IDENTIFIED",
  ],
]);

table("[P2][X-06] every copy was seen", condition("every copy was seen"), [
  ["all were", given, undefined],
  ["the vault was not", { ...given, observed: { ...sweep, vault: undefined } }, "SWEEP_INCOMPLETE"],
  ["one copy was not", looked(app, undefined), "SWEEP_INCOMPLETE"],
  ["the copy that cannot be read was not", looked(github, undefined), "SWEEP_INCOMPLETE"],
  ["one copy has no receipt", without(app), "SWEEP_INCOMPLETE"],
  ["none was", { ...given, observed: { ...sweep, copies: {} } }, "SWEEP_INCOMPLETE"],
  [
    "what lies beside a copy was not [DR-15]",
    swept({ unseen: { "survey of heroku": "403" } }),
    "SWEEP_INCOMPLETE",
  ],
]);

table("[P2][X-14] every copy holds the new value", condition("every copy holds the living value"), [
  ["all do", given, undefined],
  [
    "the vault holds another",
    { ...given, observed: { ...sweep, vault: { ...seen(true), fingerprints: stale } } },
    "COPY_HOLDS_OLD",
  ],
  ["a copy holds another", looked(app, { fingerprints: stale }), "COPY_HOLDS_OLD"],
  ["a copy has another field", looked(app, { fingerprints: { other: fresh.token } }), "COPY_HOLDS_OLD"],
  ["the unreadable copy was changed after us", looked(github, { changedAt: now }), "COPY_HOLDS_OLD"],
  // Those are for the condition that every copy was seen.
  ["a copy was not seen", looked(app, undefined), undefined],
  ["a copy has no receipt", without(app), undefined],
  ["the unreadable copy is gone", looked(github, { present: false }), "COPY_HOLDS_OLD"],
  [
    "the unreadable copy's receipt is of another value",
    {
      ...given,
      facts: {
        ...facts,
        copies: { ...receipts, [`propagate/${github}`]: { ...receipt(github), fingerprints: stale } },
      },
    },
    "COPY_HOLDS_OLD",
  ],
]);

table(
  "[DR-15] nothing else holds it",
  condition("nothing holds the ending value that the plan does not name"),
  [
    ["others hold other values", given, undefined],
    [
      "a place that is not declared holds it",
      swept({ elsewhere: [{ place: "heroku:other:KEY", fingerprint: stale.token }] }),
      "COPY_UNDECLARED",
    ],
    [
      "a place of a copy's name cannot be read [HK-22]",
      swept({ elsewhere: [{ place: "github:environment:KEY" }] }),
      "SHADOWED",
    ],
  ],
);

table(
  "[X-13] the plan is complete",
  condition("the plan names every copy that the configuration names now"),
  [
    ["it is", given, undefined],
    ["a destination less", swept({ configured: [] }), undefined],
    [
      "a destination more",
      swept({ configured: copies.map((copy) => ({ ...copy, id: `${copy.id}2` })) }),
      "PLAN_INCOMPLETE",
    ],
    [
      "one that is another place by the same name",
      swept({
        configured: copies.map((copy) => ({ ...copy, config: { ...copy.config, appId: "another" } })),
      }),
      "PLAN_INCOMPLETE",
    ],
    [
      "one by another access",
      swept({ configured: copies.map((copy) => ({ ...copy, connection: "another" })) }),
      "PLAN_INCOMPLETE",
    ],
    [
      "one that was typed in another order",
      swept({
        configured: copies.map((copy) => ({
          ...copy,
          config: { undeclared: undefined, ...Object.fromEntries(Object.entries(copy.config).reverse()) },
        })),
      }),
      undefined,
    ],
  ],
);

table("[X-14] no approval is open", condition("no change of the vault's entry waits for an approval"), [
  ["none is", given, undefined],
  ["one is", swept({ approvals: ["a1"] }), "APPROVAL_OPEN"],
  ["not known", swept({ approvals: undefined }), "SWEEP_INCOMPLETE"],
]);

table("[P1][P6][X-13] the living key is ours", condition("the living key is of the configured account"), [
  ["it is", given, undefined],
  ["it is refused", swept({ livingAccount: "" }), "NEW_NOT_VALID"],
  ["another's", swept({ livingAccount: "somebody@moosequest.net" }), "NEW_NOT_VALID"],
]);

table("[P2][X-06] the sweep is fresh", condition("the sweep is fresh"), [
  ["begun a second ago", given, undefined],
  ["120 s old", { ...given, now: after(sweep.begunAt, SWEEP_MAX_AGE) }, undefined],
  ["begun this very moment", begun(now), undefined],
  ["begun in the moment of the last write", begun(written), undefined],
  ["older than 120 s", { ...begun(after(now, -1_000)), now: after(now, SWEEP_MAX_AGE) }, "SWEEP_INCOMPLETE"],
  ["begun before the last write", begun(after(written, -1)), "SWEEP_INCOMPLETE"],
  ["begun before the vault was written", wrote({ canonical: late(snapshot.vault.id) }), "SWEEP_INCOMPLETE"],
  [
    "begun before one copy was written",
    wrote({ copies: { ...receipts, [`propagate/${app}`]: late(app) } }),
    "SWEEP_INCOMPLETE",
  ],
  ["begun in the future", begun(after(now, 1)), "SWEEP_INCOMPLETE"],
]);

describe("[P2] evidence that is missing", () => {
  it("never lets all guards of the end hold together", () => {
    const holds = (evidence: Given) => oldMayBeEnded.every((one) => one.holds(evidence) === undefined);
    expect(holds(given)).toBe(true);
    for (const { id } of copies) {
      expect([id, holds(looked(id, undefined))]).toEqual([id, false]);
      expect([id, holds(without(id))]).toEqual([id, false]);
      expect([id, holds(looked(id, { present: false, fingerprints: stale }))]).toEqual([id, false]);
    }
    // A readable copy whose value was not shown, and an unreadable one without a time.
    const { fingerprints: _f, ...blind } = seen(true);
    expect(holds({ ...given, observed: { ...sweep, copies: { ...sweep.copies, [app]: blind } } })).toBe(
      false,
    );
    const { changedAt: _c, ...timeless } = seen(false);
    expect(holds({ ...given, observed: { ...sweep, copies: { ...sweep.copies, [github]: timeless } } })).toBe(
      false,
    );
  });

  it("does not take an unreadable copy whose last change was never known, before or after", () => {
    const { changedAt: _a, ...timeless } = seen(false);
    const { changedAt: _b, ...bare } = receipt(github);
    const evidence: Given = {
      ...given,
      facts: { ...facts, copies: { ...receipts, [`propagate/${github}`]: bare as Receipt } },
      observed: { ...sweep, copies: { ...sweep.copies, [github]: timeless } },
    } as Given;
    expect(condition("every copy holds the living value")(evidence)?.code).toBe("COPY_HOLDS_OLD");
  });
});

describe("[X-14][P2] a rollback", () => {
  it("asks the same of the end of the new key, with the two values changed over", () => {
    const back = {
      facts: {
        vaultRestored: facts.canonical,
        restored: facts.copies,
        pending: { fingerprints: stale },
        checked: { fingerprints: fresh },
      },
      observed: sweep,
      snapshot,
      now,
    };
    const objections = (evidence: typeof back) =>
      newMayBeEnded.flatMap((one) => one.holds(evidence)?.code ?? []);
    expect(objections(back)).toEqual([]);
    const forward = {
      ...back,
      facts: { ...back.facts, pending: given.facts.pending, checked: facts.checked },
    };
    expect(objections(forward)).toContain("COPY_HOLDS_OLD");
  });
});

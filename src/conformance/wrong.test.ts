import { describe, expect, it } from "vitest";
import { testInterlock, testIssuer, testProbe, testStore } from "./suites.ts";
import { acmeGates, acmeKeys, acmeSlots, acmeSwitches } from "./testing/acme-harness.ts";
import { acmeSwitch } from "./testing/acme-interlock.ts";
import { acmeKey } from "./testing/acme-issuer.ts";
import { acmeGate } from "./testing/acme-probe.ts";
import { acmeSlot } from "./testing/acme-store.ts";
import { WRONG_INTERLOCKS } from "./testing/wrong-interlocks.ts";
import { WRONG_ISSUERS } from "./testing/wrong-issuers.ts";
import { WRONG_PROBES } from "./testing/wrong-probes.ts";
import { WRONG_STORES } from "./testing/wrong-stores.ts";

describe("a right issuer passes", () => {
  for (const { name, run } of testIssuer(acmeKey, acmeKeys)) it(name, run);
});

describe("a right store passes", () => {
  for (const { name, run } of testStore(acmeSlot, acmeSlots)) it(name, run);
});

describe("a right interlock passes", () => {
  for (const { name, run } of testInterlock(acmeSwitch, acmeSwitches)) it(name, run);
});

describe("a right probe passes", () => {
  for (const { name, run } of testProbe(acmeGate, acmeGates)) it(name, run);
});

const WRONG = [
  ...WRONG_ISSUERS.map((one) => ["issuer", ...one] as const),
  ...WRONG_STORES.map((one) => ["store", ...one] as const),
  ...WRONG_INTERLOCKS.map((one) => ["interlock", ...one] as const),
  ...WRONG_PROBES.map((one) => ["probe", ...one] as const),
];

describe("an adapter that is wrong on purpose is failed by the case for it", () => {
  it.each(WRONG)("%s: %s", async (_kind, _how, found, cases) => {
    const named = cases.filter(({ name }) => name === found);
    expect(named).toHaveLength(1);
    await expect(named[0]?.run()).rejects.toThrow(/^expected /);
  });

  it("gives each case of a suite a name of its own", () => {
    for (const cases of [
      testIssuer(acmeKey, acmeKeys),
      testStore(acmeSlot, acmeSlots),
      testInterlock(acmeSwitch, acmeSwitches),
      testProbe(acmeGate, acmeGates),
    ])
      expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
  });
});

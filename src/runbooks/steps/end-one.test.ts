import { describe, expect, it } from "vitest";
import { type Generation, NOBODY } from "../../core/credential.ts";
import type { Facts } from "../../core/facts.ts";
import type { Introspection } from "../../core/issuer.ts";
import { done, type Liveness, type Outcome } from "../../core/outcome.ts";
import type { Snapshot } from "../../core/snapshot.ts";
import { endOne, proveEnded, recordEnd } from "./end-one.ts";
import { findEnding } from "./find-ending.ts";
import { formerValue, identifyFormer } from "./former.ts";
import { AT, credential, FACTS, notDone, only, refuses, scene } from "./testing/scene.ts";

const ENDING = {
  credential: credential("11111111"),
  fingerprints: { token: "gone" },
  sealed: null,
  living: "22222222",
  says: "",
};
const facts = (ending: Partial<Facts["ending"]> = {}, more: object = {}) =>
  ({ ...FACTS, ending: { ...ENDING, ...ending }, ...more }) as unknown as Facts;
const ended = (more: object = {}) => ({ ending: { id: "11111111", ...more } });
const BROKEN = { snapshot: ended({ breakGlass: "it leaked" }) };
const generation = (id: string, token: string, more: Partial<Generation> = {}): Generation => ({
  secret: "key",
  credential: credential(id),
  fingerprints: { token },
  state: "current",
  since: AT,
  ...more,
});
type Given = Parameters<typeof scene>[0];
const stepIn = (given: Given) => {
  const s = scene({ snapshot: ended(), ...given });
  return { ...s, step: only(endOne(s.c.snapshot)) };
};

describe("[X-01] an end without a successor", () => {
  it("is decided on a sweep and on what the last rotation left", async () => {
    const receipts = { ci: { fingerprints: {}, changedAt: AT } };
    const { step, c } = stepIn({ ledger: { receipts: async () => receipts } });
    expect(await step.observes?.(c, facts())).toMatchObject({
      is: "done",
      value: {
        receipts,
        seen: { livingAccount: "kris", copies: { app: { fingerprints: { token: "old" } } } },
      },
    });
    const blind = stepIn({ vault: { claim: async () => notDone } });
    expect(await blind.step.observes?.(blind.c, facts())).toEqual(notDone);
  });

  it("[X-12] looks at nothing where the glass is broken", async () => {
    const { step, c } = stepIn({ ...BROKEN, vault: { claim: async () => notDone } });
    expect(await step.observes?.(c, facts())).toEqual(done(undefined));
    expect(step.conditional).toEqual([]);
    expect(stepIn({}).step.conditional).toHaveLength(1);
  });

  it("is looked for, and proved, by the issuer's list", async () => {
    for (const [listed, look, proof] of [
      ["alive", "absent", "unknown"],
      ["dead", "present", "proved"],
      ["unknown", "unknown", "unknown"],
    ] as const) {
      const { step, c } = stepIn({ listed: { 11111111: listed } });
      expect((await step.looks?.(c, facts()))?.is).toBe(look);
      expect((await step.proves?.(c, facts(), { id: "11111111", at: AT }))?.is).toBe(proof);
    }
  });

  it("is looked for by its own refusal where the list cannot be asked any more and its value is the vault's", async () => {
    const look = async (listed: Liveness, accepted: Liveness, sealed: string | null) => {
      const { step, c } = stepIn({ listed: { 11111111: listed }, accepted: { o: accepted } });
      return (await step.looks?.(c, facts({ sealed })))?.is;
    };
    expect(await look("unknown", "dead", "o")).toBe("present");
    expect(await look("unknown", "alive", "o")).toBe("absent");
    expect(await look("unknown", "dead", null)).toBe("unknown");
    // Where the list answers, it is believed.
    expect(await look("alive", "dead", "o")).toBe("absent");
    expect(await look("dead", "alive", "o")).toBe("present");
  });

  it("[X-12] is debt before it is done where the glass is broken, and no longer where it was refused", async () => {
    const end = async (given: Given) => {
      const { step, c, log } = stepIn(given);
      return [(await step.does(c, facts())).is, ...log];
    };
    const refused = { ends: { 11111111: refuses("VENDOR_PERMISSION") } };
    const open = { ends: { 11111111: notDone } };
    expect(await end({})).toEqual(["done", "end 11111111"]);
    expect(await end(refused)).toEqual(["refused", "end 11111111"]);
    expect(await end(BROKEN)).toEqual(["done", "owe key/no-key", "end 11111111"]);
    expect(await end({ ...BROKEN, ...refused })).toEqual([
      "refused",
      "owe key/no-key",
      "end 11111111",
      "settle key/no-key",
    ]);
    expect(await end({ ...BROKEN, ...open })).toEqual(["unknown", "owe key/no-key", "end 11111111"]);
  });
});

describe("[P4] what shows an end without a successor", () => {
  const prove = async (listed: Liveness, own?: Liveness) => {
    const { c } = scene({ listed: { 11111111: listed }, accepted: { o: own ?? "unknown" } });
    const proof = await only(proveEnded).does(c, facts({ sealed: own ? "o" : null }));
    if (proof.is !== "done") return `${proof.is}: ${proof.trouble.message}`;
    return (proof.value as Facts["dead"]).shown ?? "dead";
  };

  it("is its refusal beside a list that answers; else that it is gone, or what is left of a proof", async () => {
    expect(await prove("dead", "dead")).toBe("dead");
    expect(await prove("dead")).toBe("gone");
    expect(await prove("unknown", "dead")).toBe("unproved");
  });

  it("is nothing else", async () => {
    for (const [listed, own] of [
      ["alive", "dead"],
      ["alive", "alive"],
      ["dead", "alive"],
      ["dead", "unknown"],
      ["unknown", "alive"],
      ["unknown", "unknown"],
    ] as const)
      expect(await prove(listed, own)).toBe(
        `retryable: 11111111… is not shown to be gone: seen ${listed} seen ${own}`,
      );
    for (const listed of ["alive", "unknown"] as const)
      expect(await prove(listed)).toMatch(new RegExp(`^retryable: .* seen ${listed} $`));
  });

  it("is written down with what is owed, and the vault's value is dropped", async () => {
    const rows: unknown[][] = [];
    const write = async (dead: object, ending: Partial<Facts["ending"]> = {}) => {
      const s = scene({ snapshot: ended(), ledger: { recordEnd: async (...row) => void rows.push(row) } });
      await only(recordEnd).does(s.c, facts(ending, { dead: { at: AT, says: "seen", ...dead } }));
      expect(s.log).toEqual(["drop o"]);
    };
    await write({});
    await write({ shown: "unproved" }, { fingerprints: null });
    const [[plain, said], [unproved, saidOfIt]] = rows as [unknown[], unknown[]];
    expect(plain).toEqual({ run: "key.rotate.1", secret: "key", at: AT, credential: ENDING.credential });
    expect(said).toMatchObject({ context: { shown: "dead", ended: { label: "gone" } } });
    expect(unproved).toMatchObject({ owed: { severity: "finding", secret: "key" } });
    expect(saidOfIt).toMatchObject({ context: { shown: "unproved", ended: { label: null } } });
  });
});

describe("[X-01] what is to be ended", () => {
  const list = async () => done([credential("11111111"), credential("22222222")]);
  const identify =
    (answers: Record<string, Outcome<{ id: string }>>) => async (_values: unknown, by?: { id: string }) =>
      (answers[by?.id ?? ""] ?? refuses("OLD_NOT_IDENTIFIED")) as never;
  const find = (given: Given, checked: object = {}) =>
    only(findEnding).does(scene({ snapshot: ended(), ...given, issuer: { list, ...given?.issuer } }).c, {
      ...FACTS,
      checked: { ...FACTS.checked, ...checked },
    } as Facts);
  const vaultHolds = (id: string) => ({ issuer: { identify: identify({ "": done(credential(id)) }) } });

  it("is named exactly once in the issuer's list, and another secret's only once that has retired it", async () => {
    expect(await find({ issuer: { list: async () => notDone } })).toEqual(notDone);
    expect(await find({ snapshot: { ending: { id: "33333333" } } })).toMatchObject({
      trouble: { code: "OLD_NOT_IDENTIFIED" },
    });
    const of = (state: Generation["state"], secret = "other") =>
      find({ known: [generation("11111111", "x", { secret, state })], ...vaultHolds("22222222") });
    expect(await of("current")).toMatchObject({ trouble: { next: expect.stringContaining("revoke other") } });
    expect(await of("retired")).toMatchObject({ is: "done", value: { fingerprints: null } });
    expect(await of("current", "key")).toMatchObject({ is: "done", value: { fingerprints: { token: "x" } } });
  });

  it("is known by the vault's value where that is what it is, and something else must stay where not", async () => {
    expect(await find(vaultHolds("11111111"))).toMatchObject({
      value: { fingerprints: { token: "old" }, sealed: "o", living: null },
    });
    expect(await find(vaultHolds("22222222"))).toMatchObject({
      value: { fingerprints: null, sealed: null, living: "22222222" },
    });
  });

  it("is compared with what the vault holds by the record of that value first, then by the issuer", async () => {
    const living = async (given: Given, checked: object = {}) => {
      const found = await find(given, checked);
      return found.is === "done" ? (found.value as Facts["ending"]).living : found;
    };
    const asked = vaultHolds("44444444");
    expect(await living({ known: [generation("33333333", "old")], ...asked })).toBe("33333333");
    expect(
      await living({
        known: [generation("33333333", "old", { secret: "other", state: "retired" })],
        ...asked,
      }),
    ).toBe("44444444");
    expect(await living({ known: [generation("33333333", "another")], ...asked })).toBe("44444444");
    expect(await living(asked, { liveness: "dead" })).toBeNull();
    // A young duplicate of that very one makes the list doubtful.
    expect(
      await living({ issuer: { identify: identify({ 11111111: done(credential("11111111")) }) } }),
    ).toBeNull();
    expect(await living({ issuer: { identify: identify({ 11111111: done(credential("55555555")) }) } })).toBe(
      "55555555",
    );
    expect(await living({ issuer: { identify: identify({}) } })).toBeNull();
    expect(await living({ issuer: { identify: identify({ "": notDone }) } })).toEqual(notDone);
  });
});

describe("[HK-24] which credential stood there before", () => {
  const identify = (given: Given, checked: object = {}) =>
    only(identifyFormer).does(scene(given).c, {
      ...FACTS,
      checked: { ...FACTS.checked, ...checked },
    } as Facts);

  it("is told by the issuer while it works, by the record's id only for the record's value", async () => {
    const seen: unknown[] = [];
    const issuer = {
      identify: async (_values: unknown, by?: { id: string }) => {
        seen.push(by);
        return done(credential(by?.id ?? "99999999"));
      },
    };
    expect(await identify({ issuer, known: [generation("11111111", "old")] })).toMatchObject({
      value: { id: "11111111" },
    });
    expect(await identify({ issuer, known: [generation("11111111", "other")] })).toMatchObject({
      value: { id: "99999999" },
    });
    expect(await identify({ issuer })).toMatchObject({ value: { id: "99999999" } });
    expect(seen).toEqual([{ id: "11111111" }, undefined, undefined]);
  });

  it("is nobody where the issuer cannot tell, and open where it does not answer", async () => {
    const answers = (outcome: Outcome<never>) => identify({ issuer: { identify: async () => outcome } });
    expect(await answers(refuses("OLD_NOT_IDENTIFIED"))).toEqual(done(NOBODY));
    expect(await answers(refuses("VENDOR_PERMISSION"))).toEqual(refuses("VENDOR_PERMISSION"));
    expect(await answers(notDone)).toEqual(notDone);
  });

  it("is told by the record once it is refused: the current one, else that of the value", async () => {
    const refused = { liveness: "dead" };
    const issuer = { identify: async () => notDone };
    const current = generation("33333333", "other");
    for (const state of ["previous", "retired"] as const) {
      const same = generation("11111111", "old", { state });
      expect(await identify({ issuer, known: [same, current] }, refused)).toMatchObject({
        value: { id: "33333333" },
      });
      expect(await identify({ issuer, known: [{ ...same, fingerprints: {} }, same] }, refused)).toMatchObject(
        { value: { id: "11111111" } },
      );
    }
    const present = generation("11111111", "old");
    expect(await identify({ issuer, known: [present] }, refused)).toMatchObject({
      value: { id: "11111111" },
    });
    expect(await identify({ issuer }, refused)).toEqual(done(NOBODY));
  });

  it("has the vault's value, unless the record knows it by another one", async () => {
    const of = (known: readonly Generation[], liveness?: "dead") =>
      formerValue(scene({ known }).c, { ...FACTS.checked, ...(liveness && { liveness }) }, FACTS.old);
    const vaults = { fingerprints: { token: "old" }, isTheVaults: true };
    expect(await of([generation("11111111", "other")], "dead")).toEqual({
      fingerprints: { token: "other" },
      isTheVaults: false,
    });
    expect(await of([generation("11111111", "old")], "dead")).toEqual(vaults);
    expect(await of([generation("22222222", "other")], "dead")).toEqual(vaults);
    expect(await of([generation("11111111", "other")])).toEqual(vaults);
  });
});

it("[P6] an account that a key answers for is asked of the issuer", async () => {
  const who: Introspection = { is: "alive", account: "eve", federated: false, says: "" };
  const { step, c } = stepIn({ who, snapshot: ended() as Partial<Snapshot> });
  expect(await step.observes?.(c, facts())).toMatchObject({ value: { seen: { livingAccount: "eve" } } });
});

import { describe, expect, it } from "vitest";
import { NOBODY } from "../../core/credential.ts";
import type { Facts } from "../../core/facts.ts";
import { done, type Liveness } from "../../core/outcome.ts";
import type { Entry } from "../../core/step.ts";
import { closed } from "./closed.ts";
import { dead } from "./dead.ts";
import { drainBack } from "./drain.ts";
import { deadFormer, endFormer } from "./end-former.ts";
import { endNew } from "./end-new.ts";
import { endSupplied } from "./end-supplied.ts";
import { restore, restoreVault } from "./restore.ts";
import { revoke } from "./revoke.ts";
import { AT, copy, credential, FACTS, notDone, only, refuses, scene, TROUBLE } from "./testing/scene.ts";

/** What a step leaves that has ended a key. */
const ENDED = { id: "11111111", at: AT };
const BOTH = { o: "dead", n: "alive" } as const;
const SWAPPED = { o: "alive", n: "dead" } as const;
const LIVENESSES: readonly Liveness[] = ["alive", "dead", "unknown"];

describe.each<[name: string, entry: Entry, id: string, refused: Readonly<Record<string, Liveness>>]>([
  ["revoke", revoke, "11111111", BOTH],
  ["end-former", endFormer, "11111111", BOTH],
  ["end-new", endNew, "22222222", SWAPPED],
  ["end-supplied", endSupplied, "22222222", SWAPPED],
])("[P2] [P4] the end of a key by %s", (name, entry, id, refused) => {
  const step = only(entry);
  const tagged = name.startsWith("end-new") ? [done([id])] : [done([])];

  it("is looked for in the issuer's list, and unknown where that cannot be told", async () => {
    const is = async (listed: Liveness) =>
      (await step.looks?.(scene({ listed: { [id]: listed } }).c, FACTS))?.is;
    expect(await Promise.all(LIVENESSES.map(is))).toEqual(["absent", "present", "unknown"]);
  });

  it("ends that very one, and says what the issuer said where it did not", async () => {
    const s = scene({ tagged });
    expect(await step.does(s.c, FACTS)).toEqual(done({ id, at: AT }));
    expect(s.log).toEqual([`end ${id}`]);
    const t = scene({ tagged, ends: { [id]: notDone } });
    expect(await step.does(t.c, FACTS)).toEqual(notDone);
  });

  it("is proved by the refusal of its value while the other is accepted", async () => {
    const prove = async (accepted: Readonly<Record<string, Liveness>>) =>
      (await step.proves?.(scene({ accepted }).c, FACTS, ENDED))?.is;
    expect(await prove(refused)).toBe("proved");
    const [ended = "", living = ""] = Object.entries(refused)
      .sort(([, a]) => (a === "dead" ? -1 : 1))
      .map(([key]) => key);
    for (const is of ["alive", "unknown"] as const)
      expect(await prove({ ...refused, [ended]: is })).toBe("unknown");
    for (const is of ["dead", "unknown"] as const)
      expect(await prove({ ...refused, [living]: is })).toBe("unknown");
  });
});

describe("[P1] a key that stays and is refused", () => {
  const dead = { is: "dead", trouble: TROUBLE } as const;
  const unseen = { vault: { ready: async () => refuses("VENDOR_REFUSED_CREDENTIAL") } };

  it("is what stops the end of another, also where it is our own access and nothing can be looked at", async () => {
    for (const entry of [revoke, endNew, endSupplied]) {
      const look = (given: Parameters<typeof scene>[0]) => only(entry).observes?.(scene(given).c, FACTS);
      expect(await look({ ...unseen, who: dead })).toMatchObject({ trouble: { code: "NEW_NOT_VALID" } });
      expect(await look(unseen)).toMatchObject({ trouble: { code: "VENDOR_REFUSED_CREDENTIAL" } });
      expect(await look({ who: dead })).toMatchObject({ is: "done", value: { livingAccount: "" } });
    }
  });

  it("[X-14] leads forward again from every step of the way back", () => {
    const back = [restore(copy("app")).step, ...[restoreVault(copy("vault")), endNew, endSupplied].map(only)];
    for (const step of [...back, only(drainBack(scene().c.snapshot))])
      expect(step.repeats?.({ ...TROUBLE, code: "ROLLBACK_IMPOSSIBLE" }, scene().c.snapshot)).toBe(
        "validated",
      );
    for (const entry of [endNew, endSupplied])
      expect(only(entry).repeats?.({ ...TROUBLE, code: "NEW_NOT_VALID" }, scene().c.snapshot)).toBe(
        "validated",
      );
    for (const step of back) expect(step.repeats?.(TROUBLE, scene().c.snapshot)).toBeUndefined();
  });
});

describe("[P4] the old key", () => {
  it("is not proved ended while the issuer lists it, or cannot tell", async () => {
    for (const step of [only(revoke), only(endFormer)])
      for (const is of ["alive", "unknown"] as const) {
        const s = scene({ listed: { 11111111: is }, accepted: BOTH });
        expect(await step.proves?.(s.c, FACTS, ENDED)).toMatchObject({
          is: "unknown",
          trouble: {
            code: "OLD_NOT_DEAD",
            message: expect.stringContaining(`seen ${is}; its end was accepted by ${AT}`),
          },
        });
      }
  });

  it("is proved dead once it is refused again; until then that is asked once more", async () => {
    for (const step of [only(dead), only(deadFormer)]) {
      expect(await step.does(scene({ accepted: BOTH }).c, FACTS)).toMatchObject({ is: "done" });
      expect(await step.does(scene({ accepted: SWAPPED }).c, FACTS)).toMatchObject({
        is: "retryable",
        trouble: { code: "OLD_NOT_DEAD" },
      });
    }
  });
});

describe("[HK-24] the former key", () => {
  const nobody = { ...FACTS, old: NOBODY } as Facts;
  const refusedAlready = { ...FACTS, checked: { ...FACTS.checked, liveness: "dead" } } as Facts;
  const otherValue = {
    secret: "key",
    credential: FACTS.old,
    fingerprints: { token: "by hand" },
    state: "current",
    since: AT,
  } as const;

  it("is swept for while it can be told and may live", async () => {
    const look = async (facts: Facts, listed: Liveness) => {
      const s = scene({ listed: { 11111111: listed }, known: [otherValue] });
      return only(endFormer).observes?.(s.c, facts);
    };
    expect(await look(nobody, "alive")).toEqual(done(undefined));
    expect(await look(FACTS, "dead")).toEqual(done(undefined));
    for (const is of ["alive", "unknown"] as const)
      expect(await look(FACTS, is)).toMatchObject({
        is: "done",
        value: { ending: { token: "old" }, seen: { livingAccount: "kris" } },
      });
    expect(await look(refusedAlready, "alive")).toMatchObject({ value: { ending: { token: "by hand" } } });
    const blind = scene({ listed: { 11111111: "alive" }, vault: { claim: async () => notDone } });
    expect(await only(endFormer).observes?.(blind.c, FACTS)).toEqual(notDone);
  });

  it("that cannot be told is left alone, and nothing is claimed to be proved of it", async () => {
    const s = scene();
    expect(await only(endFormer).looks?.(s.c, nobody)).toMatchObject({ is: "present" });
    expect(await only(endFormer).proves?.(s.c, nobody, ENDED)).toMatchObject({
      is: "proved",
      says: "nothing was ended",
    });
    expect(await only(deadFormer).does(scene({ accepted: SWAPPED }).c, nobody)).toMatchObject({
      is: "retryable",
      trouble: { message: expect.stringContaining("so it was not ended") },
    });
    expect(s.log).toEqual([]);
  });

  it("may be left alone by a person's decision only where it cannot be told", async () => {
    const settle = async (facts: Facts) => only(deadFormer).settles?.(scene().c, facts, { choice: "settle" });
    expect(await settle(nobody)).toMatchObject({ is: "present", value: { shown: "left" } });
    expect(await settle(FACTS)).toEqual({ is: "absent" });
  });

  it("[P4] whose value is not known is gone, not dead, and only once the issuer lists it no more", async () => {
    const given = { accepted: BOTH, known: [otherValue] };
    expect(await only(endFormer).proves?.(scene(given).c, refusedAlready, ENDED)).toMatchObject({
      is: "proved",
      says: "gone: seen dead",
    });
    expect(await only(deadFormer).does(scene(given).c, refusedAlready)).toMatchObject({
      is: "done",
      value: { shown: "gone" },
    });
    for (const is of ["alive", "unknown"] as const)
      expect(
        await only(deadFormer).does(scene({ ...given, listed: { 11111111: is } }).c, refusedAlready),
      ).toMatchObject({
        is: "retryable",
        trouble: { code: "OLD_NOT_DEAD" },
      });
    // Where the record knows it by the value that the vault held, its refusal is the proof.
    const sameValue = { ...otherValue, fingerprints: { token: "old" } };
    const another = { ...otherValue, credential: credential("33333333") };
    for (const known of [[], [sameValue], [another]]) {
      const acted = await only(deadFormer).does(scene({ accepted: BOTH, known }).c, refusedAlready);
      expect(acted).toMatchObject({ is: "done", value: { says: expect.stringContaining("old refused") } });
      expect(acted).not.toHaveProperty("value.shown");
    }
    expect(await only(deadFormer).does(scene(given).c, FACTS)).not.toHaveProperty("value.shown");
  });
});

describe("[X-14] the end of the new key on the way back", () => {
  it("goes for whatever carries the run's tag, and stops at the first that does not end", async () => {
    const both = scene({ tagged: [done(["33333333"])] });
    expect(await only(endSupplied).does(both.c, FACTS)).toMatchObject({ is: "done" });
    expect(both.log).toEqual(["end 22222222", "end 33333333"]);
    const fails = scene({ tagged: [done(["33333333"])], ends: { 22222222: notDone } });
    expect(await only(endSupplied).does(fails.c, FACTS)).toEqual(notDone);
    expect(fails.log).toEqual(["end 22222222"]);
    const moved = scene({ tagged: [done(["22222222"])], vault: { observe: async () => notDone } });
    expect(await only(endNew).does(moved.c, FACTS)).toEqual(notDone);
  });
});

describe("[X-14] requests at the vault", () => {
  const step = only(closed);
  const asks = (...requests: string[]) =>
    step.asks?.(scene().c.snapshot, FACTS, { tag: "tag", history: { uncertain: false, requests } });

  it("are asked about where this run made one", () => {
    expect(asks()).toBeUndefined();
    expect(asks("request 7")).toMatchObject({ kind: "checklist", items: ["merged or closed: request 7"] });
  });

  it("keep the key alive while a person says that they are open", async () => {
    const { c } = scene();
    const answer = { by: { name: "kris", assurance: "local user" }, at: AT } as const;
    expect(await step.does(c, FACTS, { ...answer, is: "declined" })).toMatchObject({
      is: "refused",
      trouble: { code: "OPERATOR_DECLINED" },
    });
    expect(await step.does(c, FACTS, { ...answer, is: "done" })).toMatchObject({ is: "done" });
    expect(await step.does(c, FACTS)).toMatchObject({ is: "done", value: { says: "none was made" } });
  });
});

it("[P2] what is looked at before an end is nothing where a place refuses, the claim is another's, or nobody answers", async () => {
  const look = (given: Parameters<typeof scene>[0]) => only(revoke).observes?.(scene(given).c, FACTS);
  expect(await look({})).toMatchObject({ is: "done", value: { livingAccount: "kris" } });
  expect(await look({ stores: { app: { ready: async () => refuses("SHADOWED") } } })).toMatchObject({
    is: "refused",
    trouble: { code: "SHADOWED" },
  });
  expect(await look({ vault: { claim: async () => done({ installation: "other" }) } })).toMatchObject({
    is: "refused",
    trouble: { code: "CLAIMED_ELSEWHERE", next: expect.not.stringContaining("--take-over") },
  });
  expect(await look({ who: { is: "unknown", trouble: TROUBLE } })).toEqual({
    is: "retryable",
    trouble: TROUBLE,
  });
  expect(await look({ who: { is: "dead", trouble: TROUBLE } })).toMatchObject({
    value: { livingAccount: "" },
  });
});

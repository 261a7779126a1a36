import { describe, expect, it } from "vitest";
import { act as carryOut, prove, undo } from "./carry-out.ts";
import { type Circumstances, doneWith } from "./circumstances.ts";
import type { Facts } from "./facts.ts";
import { guard } from "./guard.ts";
import { done, type Outcome, type Proof, refused, unknown } from "./outcome.ts";
import type { Look, Step } from "./step.ts";
import { act, type Stage, script, stage, TROUBLE } from "./testing/stage.ts";

const FROZEN = { ...TROUBLE, code: "FROZEN" } as const;
const proved: Proof = { is: "proved", at: "2026-11-21T08:30:00.000Z", says: "seen" };
const absent = async (): Promise<Look<unknown>> => ({ is: "absent" });
const present = async (): Promise<Look<unknown>> => ({ is: "present", value: "there" });
const unsure = async () => unknown(TROUBLE);
const BY_DECISION = { says: "put back", by: "decision" } as const;

const around = (s: Stage, more: Partial<Circumstances> = {}): Circumstances => ({
  facts: {} as Facts,
  attempt: 1,
  cancellable: true,
  journal: s.journal,
  ports: s.ports,
  ...more,
});
const said = (s: Stage) => s.audit.map(({ action }) => action.replace(/^secret\.rotate\.step\./, ""));

describe("a wish to stop", () => {
  const wished = { ports: { stopAsked: async () => true } };

  it("is heard before a step begins, while going back is possible", async () => {
    const s = stage(wished);
    const a = act(s.log, { id: "a" });
    expect(await carryOut(a, around(s))).toMatchObject({ is: "failed", stopped: true, touched: false });
    expect(await carryOut(a, around(s, { cancellable: false }))).toMatchObject({ is: "done" });
    expect(s.log.filter((one) => one === "does a")).toHaveLength(1);
  });

  it("[X-14] is not heard once a step was announced from which only a decision leads back", async () => {
    for (const [undoes, is] of [
      [BY_DECISION, "done"],
      ["impossible", "done"],
      ["nothing", "failed"],
    ] as const) {
      const s = stage({ ...wished, announced: ["a"] });
      const acted = await carryOut(act(s.log, { id: "a", undoes, looks: present }), around(s));
      expect(acted).toMatchObject({ is, touched: true, uncertain: true });
    }
    const fresh = stage(wished);
    const a = act(fresh.log, { id: "a", undoes: BY_DECISION });
    expect(await carryOut(a, around(fresh))).toMatchObject({ is: "failed", stopped: true });
  });
});

describe("a task that a person declines", () => {
  it("[P11] [X-14] announces nothing: what was never written needs no way back", async () => {
    const answer = { is: "declined", by: { name: "kris", assurance: "local user" }, at: "" } as const;
    const s = stage();
    const a = act(s.log, { id: "a", does: async () => refused(TROUBLE) });
    expect(await carryOut(a, around(s, { answer }))).toMatchObject({
      is: "failed",
      trouble: TROUBLE,
      touched: false,
      uncertain: false,
    });
    expect(said(s)).toEqual([]);
    const before = stage({ announced: ["a"] });
    expect(await carryOut(a, around(before, { answer }))).toMatchObject({ touched: true, uncertain: true });
  });
});

describe("[X-15] a frozen installation", () => {
  it("begins no effect, and is held so that nothing is undone", async () => {
    const s = stage({ ports: { frozen: async () => FROZEN } });
    const a = act(s.log, { id: "a" });
    expect(await carryOut(a, around(s))).toMatchObject({ is: "failed", trouble: FROZEN, touched: false });
    expect(said(s)).toEqual([]);
    expect(await carryOut(act(s.log, { id: "b", effect: "none" }), around(s))).toMatchObject({ is: "done" });
    expect(s.log.filter((one) => one.startsWith("does"))).toEqual(["does b"]);
    expect(
      await s.carryOut({ entries: () => [{ takes: [], gives: "old", waves: [[a]], collects: false }] }),
    ).toEqual({
      waitsFor: "decision/a/1/1",
    });
  });

  it("may be looked at: what is there already is no effect", async () => {
    const s = stage({ ports: { frozen: async () => FROZEN }, announced: ["a"] });
    const a = act(s.log, { id: "a", looks: present });
    expect(await carryOut(a, around(s))).toMatchObject({ is: "done", found: true });
  });

  it("is asked about after an observation, which may take its time, and not at all where there is no effect", async () => {
    let frozen = false;
    let asked = 0;
    const s = stage({
      ports: {
        frozen: async () => {
          asked += 1;
          return frozen ? FROZEN : undefined;
        },
      },
    });
    const observes = async () => {
      frozen = true;
      return done(1);
    };
    expect(await carryOut(act(s.log, { id: "a", effect: "none", observes }), around(s))).toMatchObject({
      is: "done",
    });
    expect(await carryOut(act(s.log, { id: "a", effect: "none" }), around(s))).toMatchObject({ is: "done" });
    expect(asked).toBe(0);
    frozen = false;
    expect(await carryOut(act(s.log, { id: "b", observes }), around(s))).toMatchObject({ trouble: FROZEN });
    expect(s.log.filter((one) => one === "does b")).toEqual([]);
  });
});

it("[X-15] a leftover is not cleared away in an installation that is frozen", async () => {
  const s = stage({ announced: ["a"], ports: { frozen: async () => FROZEN } });
  const a = act(s.log, { id: "a", looks: async () => ({ is: "leftover", says: "1" }) });
  expect(await carryOut(a, around(s))).toMatchObject({ is: "failed", trouble: FROZEN });
  expect(s.log).not.toContain("undo a");
});

describe("what must hold before an act", () => {
  it("[P2] is that the evidence could be gathered at all", async () => {
    const s = stage();
    const a = act(s.log, { id: "a", observes: async () => refused(TROUBLE) });
    expect(await carryOut(a, around(s))).toMatchObject({ is: "failed", trouble: TROUBLE, unsettled: false });
    expect(s.log).toEqual(["learned"]);
  });

  it("[P2] is every guard, asked with the evidence, the facts and the time", async () => {
    const s = stage();
    const given: unknown[] = [];
    const sees = guard("sees", (all) => void given.push(all));
    const minds = guard("minds", () => TROUBLE);
    const observes = async () => done("seen");
    expect(await carryOut(act(s.log, { id: "a", observes, needs: [sees] }), around(s))).toMatchObject({
      is: "done",
    });
    expect(await carryOut(act(s.log, { id: "b", needs: [sees, minds] }), around(s))).toMatchObject({
      is: "failed",
      trouble: TROUBLE,
      touched: false,
    });
    expect(s.log.filter((one) => one.startsWith("does"))).toEqual(["does a"]);
    const all = { observed: "seen", facts: {}, snapshot: { secret: "key" } };
    // Once more right before the act, with what was seen: it may have become too old.
    expect(given).toMatchObject([all, all, {}]);
  });

  it("[P2] is asked anew where looking took so long that the evidence is too old by then", async () => {
    for (const [took, gathered] of [
      [1_000, 1],
      [121_000, 2],
    ] as const) {
      const s = stage({ announced: ["a"] });
      let times = 0;
      let age = Number.NaN;
      const observes = async () => {
        times += 1;
        return done(s.now());
      };
      const looks = async () => {
        await s.ports.pause(took);
        return { is: "absent" } as const;
      };
      const fresh = guard("fresh", ({ observed }: { observed: number }) => {
        age = s.now() - observed;
        return age <= 120_000 ? undefined : TROUBLE;
      });
      const a = act(s.log, { id: "a", observes, looks, needs: [fresh] as never });
      expect(await carryOut(a, around(s))).toMatchObject({ is: "done" });
      expect(times).toBe(gathered);
      expect(age).toBeLessThanOrEqual(120_000);
    }
  });

  it("[P2] is asked anew where there was nothing to see, and the look then finds what would be ended", async () => {
    for (const [then, ended] of [
      [undefined, 1],
      ["a sweep that objects", 0],
    ] as const) {
      const s = stage();
      const observes = script<Outcome<unknown>>(done(undefined), done(then));
      const swept = guard("swept", ({ observed }: { observed: unknown }) => (observed ? TROUBLE : undefined));
      const looks = async () => ({ is: "absent" }) as const;
      await carryOut(
        act(s.log, { id: "a", observes, looks, looksFirst: true, needs: [swept] as never }),
        around(s),
      );
      expect(s.log.filter((one) => one === "does a")).toHaveLength(ended);
    }
  });

  it("does not make a step that was announced before count as one that never began", async () => {
    const s = stage({ announced: ["a"] });
    const a = act(s.log, { id: "a", needs: [guard("minds", () => TROUBLE)] });
    expect(await carryOut(a, around(s))).toMatchObject({ is: "failed", touched: true, uncertain: true });
  });
});

describe("an effect", () => {
  it("[P9] is on record before it happens, and only where the run is ours", async () => {
    const s = stage();
    const before: string[][] = [];
    const a = act(s.log, {
      id: "a",
      does: async () => {
        before.push(said(s));
        return done(1);
      },
    });
    await carryOut(a, around(s));
    expect(before).toEqual([["intended"]]);
    expect(said(s)).toEqual(["intended", "done"]);
    const lost = stage({ owned: () => new Promise<void>(() => {}) });
    void carryOut(act(lost.log, { id: "a" }), around(lost));
    await new Promise((go) => setImmediate(go));
    expect(lost.log).toEqual(["learned"]);
  });

  it("is looked for first where the step says so, and whenever it may have happened", async () => {
    for (const [first, announced] of [
      [{ looksFirst: true }, []],
      [{}, ["a"]],
    ] as const) {
      const s = stage({ announced });
      const acted = await carryOut(act(s.log, { id: "a", looks: present, ...first }), around(s));
      const uncertain = announced.length > 0;
      expect(acted).toEqual(doneWith("there", { touched: uncertain, found: true, uncertain }));
      expect(s.log).not.toContain("does a");
    }
    const s = stage();
    expect(await carryOut(act(s.log, { id: "a", looks: present }), around(s))).toMatchObject({
      found: false,
    });
  });

  it("is tried four times at most while its end is unknown and nothing is found", async () => {
    for (const looks of [absent, undefined]) {
      const s = stage();
      const a = act(s.log, { id: "a", does: unsure, ...(looks && { looks }) });
      expect(await carryOut(a, around(s))).toEqual({
        is: "failed",
        trouble: TROUBLE,
        touched: true,
        unsettled: true,
        stopped: false,
        uncertain: true,
      });
      expect(s.log.filter((one) => one === "does a")).toHaveLength(4);
    }
  });

  it("[X-14] is sent once where it became a request for somebody's approval", async () => {
    const s = stage();
    const waits = async () => unknown({ ...TROUBLE, code: "VAULT_APPROVAL_PENDING" });
    const acted = await carryOut(act(s.log, { id: "a", does: waits, looks: absent }), around(s));
    expect(acted).toMatchObject({ is: "failed", unsettled: true, touched: true });
    expect(s.log.filter((one) => one === "does a")).toHaveLength(1);
  });

  it("that looking cannot settle is open only if it may have happened", async () => {
    const s = stage();
    const a = act(s.log, { id: "a", looks: unsure, looksFirst: true });
    expect(await carryOut(a, around(s))).toMatchObject({ is: "failed", touched: false, unsettled: false });
    const t = stage({ announced: ["a"] });
    expect(await carryOut(a, around(t))).toMatchObject({ is: "failed", touched: true, unsettled: true });
  });

  it("[HK-13] waits for its leftover to be gone, and is open where that fails", async () => {
    const s = stage({ announced: ["a"] });
    const undoes = { says: "back", does: async () => refused(TROUBLE) };
    const looks = async (): Promise<Look<unknown>> => ({ is: "leftover", says: "one" });
    const a = act(s.log, { id: "a", looks, undoes });
    expect(await carryOut(a, around(s))).toMatchObject({ is: "failed", trouble: TROUBLE, unsettled: true });
    expect(s.log).toEqual(["learned"]);
  });

  it("that was refused after it had been uncertain stays uncertain", async () => {
    const s = stage();
    const does = script<Outcome<unknown>>(unknown(TROUBLE), refused(TROUBLE));
    const acted = await carryOut(act(s.log, { id: "a", does, looks: absent }), around(s));
    expect(acted).toMatchObject({ is: "failed", uncertain: true, touched: true, unsettled: false });
  });
});

describe("another attempt of a step that was refused", () => {
  it("looks first, and leaves nothing uncertain where it is refused too", async () => {
    const s = stage();
    let looks = 0;
    const look = async (): Promise<Look<unknown>> => {
      looks += 1;
      return { is: "absent" };
    };
    const a = act(s.log, { id: "a", does: async () => refused(TROUBLE), looks: look });
    for (const [attempt, looked] of [
      [1, 0],
      [2, 1],
    ] as const) {
      const acted = await carryOut(a, around(s, { attempt }));
      expect([acted, looks]).toMatchObject([{ is: "failed", touched: true, uncertain: false }, looked]);
    }
    // Carried out once more, that attempt was announced by a process that did not say how it went.
    expect(await carryOut(a, around(s, { attempt: 2 }))).toMatchObject({ is: "failed", uncertain: true });
  });
});

describe("a step without an effect", () => {
  it("is done or not, and touches nothing", async () => {
    const s = stage();
    const a = act(s.log, { id: "a", effect: "none" });
    expect(await carryOut(a, around(s))).toEqual(doneWith("a done", { touched: false, found: false }));
    const b = act(s.log, { id: "b", effect: "none", does: async () => refused(TROUBLE) });
    expect(await carryOut(b, around(s))).toMatchObject({ is: "failed", trouble: TROUBLE, touched: false });
    expect(said(s)).toEqual([]);
  });
});

describe("a step that a person says is done", () => {
  const settled = { choice: "settle" } as const;

  it("counts as done once it is seen, and nothing is sent", async () => {
    const s = stage();
    const heard: unknown[] = [];
    const settles: Step["settles"] = async (_c, _facts, decision) => {
      heard.push(decision);
      return { is: "present", value: "by hand" };
    };
    const acted = await carryOut(act(s.log, { id: "a", settles, looks: absent }), around(s, { settled }));
    expect(acted).toEqual(doneWith("by hand", { touched: true, found: true }));
    expect(heard).toEqual([settled]);
    expect(s.log).toEqual(["learned"]);
    const none = act(s.log, { id: "b", effect: "none", looks: present });
    expect(await carryOut(none, around(s, { settled }))).toMatchObject({
      is: "done",
      touched: false,
      found: true,
    });
  });

  it("is not done where it is not seen, cannot be seen, or looking cannot tell", async () => {
    for (const [looks, code, unsettled] of [
      [absent, "NOT_SETTLED", false],
      [async (): Promise<Look<unknown>> => ({ is: "leftover", says: "one" }), "NOT_SETTLED", false],
      [undefined, "NOT_SETTLED", false],
      [unsure, "VENDOR_ERROR", true],
    ] as const) {
      const s = stage();
      const a = act(s.log, { id: "a", ...(looks && { looks }) });
      const acted = await carryOut(a, around(s, { settled }));
      expect(acted).toMatchObject({ is: "failed", trouble: { code }, touched: true, unsettled });
      expect(s.log).toEqual(["learned"]);
    }
  });
});

describe("an undo", () => {
  it("[P9] is on record before it happens, and only where the run is ours", async () => {
    const s = stage();
    expect(await undo(act(s.log, { id: "a" }), around(s))).toEqual({ is: "done" });
    expect(said(s)).toEqual(["undo.intended", "done"]);
    expect(s.audit.at(-1)?.context).toMatchObject({ found: false });
    expect(s.shown.get("a")).toMatchObject({ state: "undone" });
    const lost = stage({ owned: () => new Promise<void>(() => {}) });
    void undo(act(lost.log, { id: "a" }), around(lost));
    await new Promise((go) => setImmediate(go));
    expect(lost.log).toEqual([]);
  });

  it("that fails is told, and not shown as done", async () => {
    const s = stage();
    const undoes = { says: "back", does: async () => refused(TROUBLE) };
    expect(await undo(act(s.log, { id: "a", undoes }), around(s))).toEqual({
      is: "failed",
      trouble: TROUBLE,
    });
    expect(s.shown.get("a")).toMatchObject({ state: "failed" });
    expect(said(s)).toEqual(["undo.intended", "failed"]);
  });

  it("is nothing where nothing is to be undone", async () => {
    for (const undoes of ["nothing", BY_DECISION] as const) {
      const s = stage();
      expect(await undo(act(s.log, { id: "a", undoes }), around(s))).toEqual({ is: "done" });
      expect(said(s)).toEqual(["done"]);
    }
  });
});

describe("a proof", () => {
  const acted = { is: "done", value: 1, touched: true, found: false, uncertain: false } as const;

  it("is asked for until the very end of its time, and then the step has failed", async () => {
    const s = stage();
    const begun = s.now();
    const proves = async (): Promise<Proof> => ({ is: "unknown", trouble: TROUBLE });
    const a = act(s.log, { id: "a", proves, proveWithinMs: 30_000 });
    expect(await prove(a, acted, around(s))).toEqual({ is: "failed", trouble: TROUBLE });
    expect(s.now() - begun).toBe(30_000);
    const refuted = act(s.log, { id: "a", proves: async () => ({ is: "refuted", trouble: TROUBLE }) });
    expect(await prove(refuted, acted, around(s))).toEqual({ is: "failed", trouble: TROUBLE });
    expect(s.now() - begun).toBe(30_000);
  });

  it("is asked for after each second at first, or as often as the proof says", async () => {
    for (const [askAgainMs, passed] of [
      [undefined, 1_000],
      [7_000, 7_000],
    ] as const) {
      const s = stage();
      const begun = s.now();
      const later = { is: "unknown", trouble: TROUBLE, ...(askAgainMs && { askAgainMs }) } as const;
      const a = act(s.log, { id: "a", proves: script<Proof>(later, proved) });
      expect(await prove(a, acted, around(s))).toEqual({ is: "proved", says: "seen" });
      expect(s.now() - begun).toBe(passed);
    }
  });

  it("says what was seen, and whether it was there already", async () => {
    const s = stage();
    const a = act(s.log, { id: "a", proves: async () => proved });
    await carryOut(a, around(s));
    expect(s.shown.get("a")).toMatchObject({ state: "acting" });
    await prove(a, acted, around(s));
    expect(s.shown.get("a")).toMatchObject({ state: "done", says: "seen" });
    // The effect was put on record when it was done.
    expect(said(s)).toEqual(["intended", "done"]);
    expect(await prove(a, { ...acted, found: true }, around(s))).toMatchObject({
      says: "seen (already done)",
    });
  });

  it("is asked only of what is done and can be proved", async () => {
    const s = stage();
    const failed = { ...acted, is: "failed", trouble: TROUBLE, unsettled: false, stopped: false } as const;
    const proves = async () => proved;
    await expect(prove(act(s.log, { id: "a" }), acted, around(s))).rejects.toThrow("only a done step");
    await expect(prove(act(s.log, { id: "a", proves }), failed, around(s))).rejects.toThrow(
      "only a done step",
    );
  });
});

describe("what a done step says", () => {
  it("is its own words, those in its value, or nothing", async () => {
    for (const [value, tells, says] of [
      [{ says: "in the value" }, undefined, "in the value"],
      [{ says: "in the value" }, () => "its own", "its own"],
      [{ says: 7 }, undefined, ""],
      [{ other: 1 }, undefined, ""],
      ["text", undefined, ""],
      [null, undefined, ""],
    ] as const) {
      const s = stage();
      const a = act(s.log, { id: "a", does: async () => done(value), ...(tells && { tells }) });
      expect(await carryOut(a, around(s))).toMatchObject({ is: "done" });
      expect(s.shown.get("a")).toMatchObject({ state: "done", says });
    }
    const s = stage();
    await carryOut(
      act(s.log, { id: "a", looks: present, looksFirst: true, tells: () => "there" }),
      around(s),
    );
    expect(s.shown.get("a")).toMatchObject({ says: "there (already done)" });
  });
});

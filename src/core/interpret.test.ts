import { describe, expect, it } from "vitest";
import type { Answer, Decision } from "./circumstances.ts";
import type { Trouble } from "./errors.ts";
import { done, type Outcome, type Proof, refused, unknown } from "./outcome.ts";
import type { Look, Step } from "./step.ts";
import type { Task } from "./task.ts";
import { act, book, line, script, stage, stored, TROUBLE } from "./testing/stage.ts";

const BY_DECISION = { says: "put back", by: "decision" } as const;
const TASK: Task = { kind: "confirm", title: "Look", lines: [] };
const retry: Decision = { choice: "retry" };
const settle: Decision = { choice: "settle" };
const kris = { name: "kris", assurance: "local user" } as const;
const answer = (is: Answer["is"]): Answer => ({ is, by: kris, at: "2026-11-21T08:30:00.000Z" });
const proved: Proof = { is: "proved", at: "2026-11-21T08:30:00.000Z", says: "seen" };
const no = async () => refused(TROUBLE);
const completed = { end: { status: "completed" } };
const failed = { end: { status: "failed", trouble: TROUBLE } };
const cancelled = { end: { status: "cancelled", trouble: { code: "RUN_CANCELLED" } } };

describe("facts", () => {
  it("are what earlier steps gave, and where several steps give one, all of theirs by step", async () => {
    const s = stage();
    const seen: object[] = [];
    const look = (id: string) =>
      act(s.log, {
        id,
        does: async (_c, facts) => {
          seen.push({ ...facts });
          return done(id);
        },
      });
    const entries = () => [
      line("old", look("a")),
      line("copies", look("b"), look("c")),
      line("dead", look("d")),
    ];
    expect(await s.carryOut({ entries })).toEqual(completed);
    expect(seen.at(-1)).toEqual({ old: "a", copies: { b: "b", c: "c" } });
    expect(s.ended[0]?.facts).toEqual({ old: "a", copies: { b: "b", c: "c" }, dead: "d" });
  });

  it("are shown as soon as they are known", async () => {
    const s = stage();
    await s.carryOut(book(act(s.log, { id: "a" }), act(s.log, { id: "b" })));
    expect(s.log).toEqual(["began", "learned", "does a", "learned claimed", "does b"]);
  });
});

describe("a wave", () => {
  it("waits for each of its steps, and tries again only what is open", async () => {
    const s = stage({ words: [retry] });
    const a = act(s.log, { id: "a", undoes: BY_DECISION });
    const b = act(s.log, { id: "b", does: script<Outcome<unknown>>(refused(TROUBLE), done("late")) });
    expect(await s.carryOut({ entries: () => [line("copies", a, b)] })).toEqual(completed);
    expect(s.log.filter((one) => one.startsWith("does"))).toEqual(["does a", "does b", "does b"]);
    expect(s.ended[0]?.facts).toEqual({ copies: { a: "a done", b: "late" } });
  });

  it("[X-14] is held for what is unsettled, whatever else was refused", async () => {
    const s = stage();
    const open = { ...TROUBLE, message: "it may have happened" };
    const a = act(s.log, { id: "a", does: no });
    const b = act(s.log, {
      id: "b",
      effect: "once",
      does: async () => unknown(open),
      looks: async () => unknown(open),
    });
    expect(await s.carryOut({ entries: () => [line("copies", a, b)] })).toEqual({
      waitsFor: "decision/a/1/1",
    });
    expect(s.shown.get("b")).toMatchObject({ state: "failed", trouble: open });
    expect(s.log.filter((one) => one.startsWith("undo"))).toEqual([]);
  });

  it("names what was refused before what was only stopped", async () => {
    const stops = script(false, true);
    const s = stage({ ports: { stopAsked: stops } });
    const a = act(s.log, { id: "a", does: no });
    const b = act(s.log, { id: "b" });
    expect(await s.carryOut({ entries: () => [line("copies", b, a)] })).toMatchObject(cancelled);
    const t = stage({ ports: { stopAsked: script(true, false) } });
    const c = act(t.log, { id: "c" });
    const d = act(t.log, { id: "d", does: no });
    expect(await t.carryOut({ entries: () => [line("copies", c, d)] })).toEqual(failed);
  });

  it("proves what is done, and only that", async () => {
    const asked: string[] = [];
    const proves = (id: string) => async () => {
      asked.push(id);
      return proved;
    };
    const s = stage();
    const a = act(s.log, { id: "a", proves: proves("a") });
    const b = act(s.log, { id: "b", does: no, proves: proves("b") });
    const c = act(s.log, { id: "c" });
    expect(await s.carryOut({ entries: () => [line("copies", a, b, c)] })).toEqual(failed);
    expect(asked).toEqual(["a"]);
  });

  it("is not done while a proof is missing", async () => {
    const s = stage({ words: [retry] });
    const proves = script<Proof>({ is: "refuted", trouble: TROUBLE }, proved);
    expect(await s.carryOut(book(stored(s.log), act(s.log, { id: "a", proves })))).toEqual(completed);
    expect(s.log.filter((one) => one === "does a")).toHaveLength(2);
  });
});

describe("going back by ourselves", () => {
  it("undoes what has begun once, however often it was tried, and nothing that only looks", async () => {
    const s = stage({ words: [retry] });
    const a = act(s.log, {
      id: "a",
      does: async () => unknown(TROUBLE),
      looks: script<Look<unknown>>(unknown(TROUBLE), { is: "present", value: 1 }),
    });
    const left = await s.carryOut(
      book(act(s.log, { id: "looks", effect: "none" }), a, act(s.log, { id: "b", does: no })),
    );
    expect(left).toEqual(failed);
    expect(s.log.filter((one) => one.startsWith("undo"))).toEqual(["undo b", "undo a"]);
  });

  it("is done where a proof is refuted", async () => {
    const s = stage();
    const proves = async (): Promise<Proof> => ({ is: "refuted", trouble: TROUBLE });
    expect(await s.carryOut(book(act(s.log, { id: "a", proves })))).toEqual(failed);
    expect(s.log.at(-1)).toBe("undo a");
  });

  it("[X-15] waits while a person has frozen all, and goes on back once that is lifted", async () => {
    const frozen = { ...TROUBLE, code: "FROZEN" } as const;
    let lifted = false;
    const s = stage({ words: [retry], ports: { frozen: async () => undefined } });
    Object.assign(s.ports, {
      frozen: async () => (s.log.includes("does b") && !lifted ? frozen : undefined),
      resumed: async () => {},
      held: async ({ code }: { code: string }) => {
        s.log.push(`held ${code}`);
        lifted = true;
      },
    });
    const b = act(s.log, { id: "b", effect: "none", undoes: "nothing", does: no });
    expect(await s.carryOut(book(act(s.log, { id: "a" }), b))).toEqual(failed);
    expect(s.log.slice(-3)).toEqual(["does b", "held FROZEN", "undo a"]);
  });

  it("passes over what leaves nothing to undo", async () => {
    const s = stage();
    const left = await s.carryOut(
      book(act(s.log, { id: "a", undoes: "nothing" }), act(s.log, { id: "b", does: no })),
    );
    expect(left).toEqual(failed);
    expect(s.audit.filter(({ action }) => action.endsWith("undo.intended")).map(({ step }) => step)).toEqual([
      "b",
    ]);
  });

  it("[X-14] is not done where a store was written, an end is open, or a person has frozen all", async () => {
    for (const [first, second] of [
      [{ undoes: BY_DECISION }, { does: no }],
      [{ undoes: "impossible" }, { does: no }],
      [{}, { does: async () => unknown(TROUBLE), looks: async () => unknown(TROUBLE) }],
    ] as const) {
      const s = stage();
      const left = await s.carryOut(
        book(act(s.log, { id: "a", ...first }), act(s.log, { id: "b", ...second })),
      );
      expect(left).toEqual({ waitsFor: "decision/b/1/1" });
      expect(s.log.filter((one) => one.startsWith("undo"))).toEqual([]);
    }
  });

  it("is stuck where an undo fails: no word leads forward again, and the run ends as it would have", async () => {
    for (const [choice, end] of [
      ["retry", failed],
      ["settle", failed],
      ["cancel", { end: { status: "cancelled", trouble: TROUBLE } }],
    ] as const) {
      const s = stage({ words: [{ choice }] });
      const undoes = { says: "back", does: script<Outcome<undefined>>(refused(TROUBLE), done(undefined)) };
      const left = await s.carryOut(book(act(s.log, { id: "a", undoes }), act(s.log, { id: "b", does: no })));
      expect(left).toEqual(end);
      expect(s.log.filter((one) => one.startsWith("does"))).toEqual(["does a", "does b"]);
    }
  });
});

describe("a wish to stop", () => {
  it("is heard only while nothing was stored, and never on the way back", async () => {
    const s = stage({ ports: { stopAsked: script(false, true) } });
    expect(await s.carryOut(book(stored(s.log), act(s.log, { id: "a" })))).toEqual(completed);
    const t = stage({ ports: { stopAsked: script(false, true) } });
    expect(await t.carryOut(book(act(t.log, { id: "a" }), act(t.log, { id: "b" })))).toMatchObject(cancelled);
    const who = { is: "alive", account: "kris", federated: false, says: "" } as const;
    const u = stage({ words: [{ choice: "rollback" }], who, ports: { stopAsked: async () => wished } });
    let wished = false;
    const fails = async () => {
      wished = true;
      return refused(TROUBLE);
    };
    const entries = () => [
      line("checked", act(u.log, { id: "check", effect: "none", does: async () => done({ sealed: "s" }) })),
      line("pending", act(u.log, { id: "mint" })),
      line("canonical", stored(u.log)),
      line("validated", act(u.log, { id: "fails", does: fails })),
    ];
    const back = () => [line("vaultRestored", act(u.log, { id: "restore" }))];
    expect(await u.carryOut({ entries, back })).toMatchObject({
      end: { trouble: { code: "RUN_ROLLED_BACK" } },
    });
  });
});

describe("a held run", () => {
  it("[X-05] says so, and says when it goes on", async () => {
    const s = stage({ words: [retry] });
    const a = act(s.log, { id: "a", does: script<Outcome<unknown>>(refused(TROUBLE), done(1)) });
    await s.carryOut(book(stored(s.log), a));
    expect(s.log.slice(-5)).toEqual(["does a", "held VENDOR_ERROR", "resumed", "learned claimed", "does a"]);
  });

  it("looks only, where a person says that it is done by hand, and believes what is seen", async () => {
    for (const [found, end] of [
      [{ is: "present", value: "by hand" }, completed],
      [{ is: "absent" }, { waitsFor: "decision/a/2/1" }],
    ] as const) {
      const s = stage({ words: [settle] });
      const a = act(s.log, { id: "a", does: no, looks: async () => found, asks: () => undefined });
      expect(await s.carryOut(book(stored(s.log), a))).toEqual(end);
      expect(s.log.filter((one) => one === "does a")).toHaveLength(1);
    }
  });

  it("asks nobody for a task that is settled, and everybody again on a retry", async () => {
    const s = stage({ words: [answer("declined"), settle, retry, answer("done")] });
    const does = script<Outcome<unknown>>(refused(TROUBLE), done(1));
    const a = act(s.log, {
      id: "a",
      by: "operator",
      asks: () => TASK,
      does,
      looks: async () => ({ is: "absent" }),
    });
    expect(await s.carryOut(book(stored(s.log), a))).toEqual(completed);
    expect(s.log.filter((one) => one.startsWith("asked"))).toEqual(["asked a", "asked a"]);
  });

  it("[HK-21] has taken back the one step whose proof demands it", async () => {
    for (const reverts of [true, false]) {
      const s = stage();
      const undoes = {
        ...BY_DECISION,
        does: async () => {
          s.log.push("old value back");
          return done(undefined);
        },
      };
      const refuted = { ...TROUBLE, code: "CONSUMER_CRASHED" } as const;
      const a = act(s.log, {
        id: "a",
        undoes,
        proves: async () => ({ is: "refuted", trouble: refuted }),
        reverts: ({ code }) => reverts && code === "CONSUMER_CRASHED",
      });
      const b = act(s.log, { id: "b", undoes, proves: async () => proved, reverts: () => true });
      expect(await s.carryOut({ entries: () => [line("copies", b, a)] })).toEqual({
        waitsFor: "decision/b/1/1",
      });
      expect(s.log.filter((one) => one === "old value back")).toHaveLength(reverts ? 1 : 0);
      expect(s.log.at(-1)).toBe("held CONSUMER_CRASHED");
    }
  });

  it("takes nothing back of a step that cannot be, though its proof demands it", async () => {
    const s = stage();
    const a = act(s.log, {
      id: "a",
      undoes: BY_DECISION,
      proves: async () => ({ is: "refuted", trouble: TROUBLE }),
      reverts: () => true,
    });
    expect(await s.carryOut(book(a))).toEqual({ waitsFor: "decision/a/1/1" });
    expect(s.shown.get("a")).toMatchObject({ state: "undone" });
  });
});

describe("[X-14] a step that repeats what came before", () => {
  const changed = { ...TROUBLE, code: "COPY_HOLDS_OLD" } as const;
  /** Two copies and an end that finds one of them changed, as often as it is told. */
  const play = (words: readonly Decision[], ...ends: readonly [Outcome<unknown>, ...Outcome<unknown>[]]) => {
    const s = stage({ words });
    const seen: unknown[] = [];
    const copy = (id: string) => {
      const write = script(done(`${id}, write 1`), done(`${id}, write 2`), done(`${id}, write 3`));
      return act(s.log, { id, does: write });
    };
    const ending = script(...ends);
    const end = act(s.log, {
      id: "end",
      undoes: "impossible",
      repeats: ({ code }) => (code === "COPY_HOLDS_OLD" ? "copies" : undefined),
      does: async (_c, { copies }) => {
        seen.push(Object.values(copies));
        return ending();
      },
    });
    const entries = () => [
      line("canonical", stored(s.log)),
      { ...line("copies", copy("a"), copy("b")), collects: true },
      line("soaked", act(s.log, { id: "soak", effect: "none" })),
      line("revoked", end),
    ];
    return { s, seen, left: s.carryOut({ entries }) };
  };

  it("does so on a retry, with fresh facts and under other keys, and nothing before that again", async () => {
    const { s, seen, left } = play([retry, retry], refused(changed), refused(changed), done(1));
    expect(await left).toEqual(completed);
    expect(seen).toEqual([1, 2, 3].map((n) => [`a, write ${n}`, `b, write ${n}`]));
    expect(s.log.filter((one) => one === "does stored")).toHaveLength(1);
    expect(s.log.filter((one) => one === "does soak")).toHaveLength(3);
    expect(s.asked.map(({ key }) => key)).toEqual(["decision/end/1/1", "decision/end/2/1"]);
  });

  it("does so on a retry after settling it did not show it done", async () => {
    const { s, left } = play([settle, retry], refused(changed), done(1));
    expect(await left).toEqual(completed);
    expect(s.log.filter((one) => one === "does a")).toHaveLength(2);
  });

  it("does not for other trouble, nor where a person says that it was done by hand", async () => {
    for (const [words, stopped] of [
      [[retry], TROUBLE],
      [[settle], changed],
    ] as const) {
      const { s, left } = play(words, refused(stopped), done(1));
      await left;
      expect(s.log.filter((one) => one === "does a")).toHaveLength(1);
    }
  });
});

describe("[X-14] a way back that cannot be gone to its end", () => {
  const refusedOld = { ...TROUBLE, code: "ROLLBACK_IMPOSSIBLE" } as const;
  const rollback: Decision = { choice: "rollback" };
  /** Two stores and an end that does not go through at first; the way back finds, as often as said, that the old key is refused. */
  const play = (words: readonly Decision[], ...backs: readonly [Outcome<unknown>, ...Outcome<unknown>[]]) => {
    const s = stage({ words, who: { is: "alive", account: "kris", federated: false, says: "" } });
    const once = { effect: "none" } as const;
    const pending = { ref: {}, sealed: "n" };
    const checked = { sealed: "o" };
    const entries = () => [
      line("checked", act(s.log, { id: "check", ...once, does: async () => done(checked) })),
      line("pending", act(s.log, { id: "mint", does: async () => done(pending) })),
      line("validated", act(s.log, { id: "validate", ...once })),
      line("canonical", stored(s.log)),
      line(
        "drained",
        act(s.log, { id: "drain", ...once, does: script(refused(TROUBLE), refused(TROUBLE), done(1)) }),
      ),
    ];
    const back = () => [
      line("restored", act(s.log, { id: "restore", undoes: "impossible" })),
      line(
        "vaultRestored",
        act(s.log, {
          id: "restore/vault",
          undoes: "impossible",
          does: script(...backs),
          repeats: ({ code }) => (code === "ROLLBACK_IMPOSSIBLE" ? "validated" : undefined),
        }),
      ),
    ];
    return { s, left: s.carryOut({ entries, back }) };
  };

  it("turns round on a retry: the way there is gone once more, and what was put back counts no more", async () => {
    const { s, left } = play([rollback, retry, retry], refused(refusedOld));
    expect(await left).toEqual(completed);
    expect(s.log.filter((one) => /^(does|held)/.test(one))).toEqual([
      ...["does check", "does mint", "does validate", "does stored", "does drain", "held VENDOR_ERROR"],
      ...["does restore", "does restore/vault", "held ROLLBACK_IMPOSSIBLE"],
      ...["does validate", "does stored", "does drain", "held VENDOR_ERROR", "does drain"],
    ]);
    expect(s.shown.get("restore")).toMatchObject({ state: "undone" });
    expect(s.asked.map(({ key }) => key)).toEqual([
      "decision/drain/1/1",
      "decision/restore/vault/1/1",
      "decision/drain/2/1",
    ]);
  });

  it("may be begun anew, under keys of its own, and never ends as if it had gone forward", async () => {
    const { s, left } = play([rollback, retry, rollback], refused(refusedOld), done(1));
    expect(await left).toMatchObject({ end: { status: "cancelled", trouble: { code: "RUN_ROLLED_BACK" } } });
    expect(s.log.filter((one) => one === "does restore")).toHaveLength(2);
    expect(new Set(s.asked.map(({ key }) => key)).size).toBe(3);
  });
});

describe("what a run was held for", () => {
  /** What a run whose only step was refused is held for, question by question. */
  const heldFor = async (words: readonly Decision[], looks: Step["looks"]) => {
    const held: Trouble[] = [];
    const s = stage({ words, ports: { held: async (trouble) => void held.push(trouble) } });
    await s.carryOut(book(stored(s.log), act(s.log, { id: "a", does: no, ...(looks && { looks }) })));
    return held;
  };

  it("is told again where settling did not show it done, and decides what a later retry does", async () => {
    const held = await heldFor([settle, settle], async () => ({ is: "absent" }));
    expect(held.map(({ code, original, next }) => [code, original?.code, next])).toEqual([
      [TROUBLE.code, undefined, TROUBLE.next],
      ["NOT_SETTLED", TROUBLE.code, TROUBLE.next],
      ["NOT_SETTLED", TROUBLE.code, TROUBLE.next],
    ]);
  });

  it("is told where looking failed, too", async () => {
    const away = { ...TROUBLE, code: "VENDOR_UNREACHABLE" } as const;
    const held = await heldFor([settle], async () => unknown(away));
    expect(held.at(-1)).toMatchObject({ code: "VENDOR_UNREACHABLE", original: TROUBLE });
  });
});

describe("what the end of a run has to know", () => {
  it("[HK-13] is whether something that is sent once was open at some time", async () => {
    for (const [effect, uncertain] of [
      ["once", true],
      ["repeatable", false],
    ] as const) {
      const s = stage();
      const looks = async (): Promise<Look<unknown>> => ({ is: "present", value: 1 });
      await s.carryOut(book(act(s.log, { id: "a", effect, does: async () => unknown(TROUBLE), looks })));
      expect(s.ended[0]?.how.uncertain).toBe(uncertain);
    }
    const calm = stage();
    await calm.carryOut(book(act(calm.log, { id: "a", effect: "once" })));
    expect(calm.ended[0]?.how).toEqual({ uncertain: false, requests: [] });
  });

  it("[X-14] is which writes became requests, and later steps are told", async () => {
    const s = stage({ words: [settle] });
    const pending = { ...TROUBLE, code: "VAULT_APPROVAL_PENDING", message: "request 7" } as const;
    const looks = async (): Promise<Look<unknown>> => ({ is: "present", value: 1 });
    const told: unknown[] = [];
    const b = act(s.log, {
      id: "b",
      asks: (_snapshot, _facts, { history, tag }) => void told.push([tag, ...history.requests]),
    });
    const a = act(s.log, { id: "a", does: async () => unknown(pending), looks });
    const c = act(s.log, { id: "c", does: no });
    expect(await s.carryOut(book(a, b, c))).toEqual(failed);
    expect(told).toEqual([["tag", "request 7"]]);
    expect(s.ended[0]?.how.requests).toEqual(["request 7"]);
    expect(s.log.filter((one) => one === "does a")).toHaveLength(1);
  });
});

describe("waiting", () => {
  it("is shown, and over at its time, before the step begins", async () => {
    const s = stage();
    const until = "2026-11-22T08:30:00.000Z";
    expect(
      await s.carryOut(book(act(s.log, { id: "a", waits: () => until }), act(s.log, { id: "b" }))),
    ).toEqual(completed);
    expect(s.log).toEqual([
      "began",
      `a waits until ${until}`,
      `slept until ${until}`,
      "learned",
      "does a",
      "learned claimed",
      "does b",
    ]);
  });
});

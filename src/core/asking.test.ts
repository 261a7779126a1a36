import { describe, expect, it } from "vitest";
import type { Answer, Decision } from "./circumstances.ts";
import { done, type Outcome, type Proof, refused } from "./outcome.ts";
import type { Task } from "./task.ts";
import { act, book, line, script, stage, stored, TROUBLE } from "./testing/stage.ts";
import { after } from "./time.ts";

const TASK: Task = { kind: "confirm", title: "Look", lines: [] };
const kris = { name: "kris", assurance: "local user" } as const;
const answer = (is: Answer["is"]): Answer => ({ is, by: kris, at: "2026-11-21T08:30:00.000Z" });
const proved: Proof = { is: "proved", at: "2026-11-21T08:30:00.000Z", says: "seen" };
const no = async () => refused(TROUBLE);
const completed = { end: { status: "completed" } };
const failed = { end: { status: "failed", trouble: TROUBLE } };

describe("a task for a person", () => {
  it("is asked once nothing is in the way of what stands beside it", async () => {
    const s = stage();
    const a = act(s.log, { id: "a", by: "operator", asks: () => TASK });
    const b = act(s.log, { id: "b", does: no });
    const c = act(s.log, { id: "c" });
    expect(await s.carryOut({ entries: () => [line("copies", a, b, c)] })).toEqual(failed);
    expect(s.log).not.toContain("asked a");
  });

  it("is reminded of after each day, and its answer is heard", async () => {
    const heard: unknown[] = [];
    const s = stage({ words: [undefined, undefined, answer("done")] });
    const a = act(s.log, {
      id: "a",
      by: "operator",
      asks: () => TASK,
      does: async (_c, _facts, said) => {
        heard.push(said);
        return done(1);
      },
    });
    expect(await s.carryOut(book(a))).toEqual(completed);
    expect(s.log).toEqual([
      "began",
      "asked a",
      "reminded task/a/1 2",
      "reminded task/a/1 3",
      "resumed",
      "learned",
      "does a",
    ]);
    expect(s.asked.map(({ until }) => until)).toEqual(
      Array(3).fill(after("2026-11-21T08:30:00.000Z", 86_400_000)),
    );
    expect(heard).toEqual([answer("done")]);
  });

  it("is not asked of anybody where looking first shows that it is done", async () => {
    for (const [look, left] of [
      [{ is: "absent" }, { waitsFor: "task/a/1" }],
      [refused(TROUBLE), { waitsFor: "task/a/1" }],
      [{ is: "present", value: 7 }, completed],
    ] as const) {
      const s = stage();
      const values: unknown[] = [];
      const a = act(s.log, {
        id: "a",
        by: "operator",
        asks: () => TASK,
        looksFirst: true,
        looks: async () => look,
        proves: async (_c, _facts, value) => {
          values.push(value);
          return proved;
        },
      });
      expect(await s.carryOut(book(a))).toEqual(left);
      expect(s.log).not.toContain("does a");
      if (look.is !== "present") continue;
      expect([values, s.log.includes("asked a")]).toEqual([[7], false]);
      expect(s.shown.get("a")).toMatchObject({ state: "done", says: "seen (already done)" });
    }
  });

  it("[X-08] is asked again where its answer is refused, without a hold", async () => {
    const s = stage({ words: [undefined, answer("done"), answer("done")] });
    const wrong = refused({ ...TROUBLE, code: "ANSWER_REFUSED" });
    const asked: unknown[] = [];
    const answers = script<Outcome<unknown>>(wrong, done(1));
    const a = act(s.log, {
      id: "a",
      by: "operator",
      asks: () => TASK,
      shows: script("changed 1", "changed 2"),
      does: async (_c, _facts, said) => {
        asked.push(said?.asked);
        await s.ports.pause(60_000);
        return answers();
      },
    });
    expect(await s.carryOut(book(a))).toEqual(completed);
    // What was done since the first time counts, however often it was asked again.
    expect(asked).toEqual(Array(2).fill({ at: "2026-11-21T08:30:00.000Z", shown: "changed 1" }));
    expect(s.log.filter((one) => one.startsWith("asked"))).toHaveLength(2);
  });

  it("[X-08] holds or walks back for another trouble, though an answer beside it was refused", async () => {
    const s = stage({ words: [answer("done"), answer("done")] });
    const tasks = { by: "operator", asks: () => TASK } as const;
    const a = act(s.log, {
      id: "a",
      ...tasks,
      does: async () => refused({ ...TROUBLE, code: "ANSWER_REFUSED" }),
    });
    const b = act(s.log, { id: "b", ...tasks, does: no });
    const left = await s.carryOut({ entries: () => [line("copies", a, b)] });
    expect(left).toMatchObject({ end: { status: "failed" } });
  });

  it("[X-14] is over where a person cancels or rolls back instead, while nothing was stored", async () => {
    for (const choice of ["cancel", "rollback"] as const) {
      const s = stage({ words: [{ choice }] });
      const a = act(s.log, { id: "a", by: "operator", effect: "once", asks: () => TASK });
      const left = await s.carryOut(book(a));
      expect([s.ended[0]?.how.uncertain, s.log.includes("undo a")]).toEqual([false, false]);
      expect(left).toMatchObject({ end: { status: "cancelled", trouble: { code: "RUN_CANCELLED" } } });
      expect(s.log).not.toContain("does a");
    }
  });

  it("[X-14] gives way to a rollback, and nobody is asked for the tasks beside it any more", async () => {
    const who = { is: "alive", account: "kris", federated: false, says: "" } as const;
    const s = stage({ words: [{ choice: "rollback" }], who });
    const task = { by: "operator", effect: "repeatable", asks: () => TASK } as const;
    const entries = () => [
      line("checked", act(s.log, { id: "check", effect: "none", does: async () => done({ sealed: "s" }) })),
      line("pending", act(s.log, { id: "mint" })),
      line("canonical", stored(s.log)),
      line("copies", act(s.log, { id: "a", ...task }), act(s.log, { id: "b", ...task })),
    ];
    const back = () => [line("restored", act(s.log, { id: "restore" }))];
    expect(await s.carryOut({ entries, back })).toMatchObject({
      end: { status: "cancelled", trouble: { code: "RUN_ROLLED_BACK" } },
    });
    expect(s.asked.map(({ key }) => key)).toEqual(["task/a/1"]);
    expect(s.log.filter((one) => /^(held|does (a|b|restore))/.test(one))).toEqual(["does restore"]);
  });

  it("[HK-14] is asked again after the glass was broken in its place, and the run is held where that fails", async () => {
    const facts = [
      ["old", { id: "o" }],
      ["validated", {}],
    ] as const;
    const play = (ends: Outcome<unknown>, ...words: readonly Answer[]) => {
      const s = stage({ words: [{ choice: "break-glass" }, ...words] });
      const entries = () => [
        ...facts.map(([gives, fact]) =>
          line(gives, act(s.log, { id: gives, effect: "none", does: async () => done(fact) })),
        ),
        line("copies", act(s.log, { id: "a", by: "operator", asks: () => TASK })),
      ];
      const breakGlass = act(s.log, { id: "end", undoes: "impossible", does: async () => ends });
      return { s, left: s.carryOut({ entries, breakGlass }) };
    };
    const broken = play(done("ended"), answer("done"));
    expect(await broken.left).toEqual(completed);
    expect(broken.s.asked.map(({ key }) => key)).toEqual(["task/a/1", "task/a/2"]);
    const stuck = play(refused(TROUBLE));
    await stuck.left;
    expect(stuck.s.asked.map(({ key }) => key)).toEqual(["task/a/1", "decision/a/1/2"]);
    expect(stuck.s.log).not.toContain("does a");
  });
});

describe("what a person is asked", () => {
  it("[X-08] is a question of its own on the way back too: an answer of the way there does not decide there", async () => {
    const rollback: Decision = { choice: "rollback" };
    const who = { is: "alive", account: "kris", federated: false, says: "" } as const;
    for (const [words, asked] of [
      [
        [answer("done"), rollback],
        ["task/same/1", "decision/fails/1/1", "task/same/1/back"],
      ],
      [
        [answer("declined"), rollback, answer("declined")],
        ["task/same/1", "decision/same/1/1", "task/same/1/back", "decision/same/1/1/back"],
      ],
    ] as const) {
      const s = stage({ words, who });
      const same = act(s.log, {
        id: "same",
        effect: "none",
        asks: () => TASK,
        does: async (_c, _facts, said) => (said?.is === "declined" ? refused(TROUBLE) : done("seen")),
      });
      const entries = () => [
        line("checked", act(s.log, { id: "check", effect: "none", does: async () => done({ sealed: "s" }) })),
        line("pending", act(s.log, { id: "mint" })),
        line("canonical", stored(s.log)),
        line("closed", same),
        line("tidied", act(s.log, { id: "fails", does: no })),
      ];
      expect(await s.carryOut({ entries, back: () => [line("closed", same)] })).toEqual({
        waitsFor: asked.at(-1),
      });
      expect(s.asked.map(({ key }) => key)).toEqual(asked);
    }
  });
});

import { describe, expect, it } from "vitest";
import type { Decision } from "./circumstances.ts";
import type { Trouble } from "./errors.ts";
import type { Facts } from "./facts.ts";
import { hold } from "./hold.ts";
import type { Introspection } from "./issuer.ts";
import { done, type Outcome, refused } from "./outcome.ts";
import type { Running } from "./running.ts";
import type { Step } from "./step.ts";
import { act, line, type Stage, script, stage, stored, TROUBLE } from "./testing/stage.ts";
import { after } from "./time.ts";

const START = "2026-11-21T08:30:00.000Z";
const HOUR = 3_600_000;
/** A moment that many milliseconds after the start. */
const later = (ms: number) => after(START, ms);
const retry: Decision = { choice: "retry" };
const alive: Introspection = { is: "alive", account: "kris", federated: false, says: "" };
const facts = {
  checked: { sealed: "s" },
  old: { id: "o" },
  pending: { ref: {} },
  validated: {},
} as unknown as Facts;

function running(s: Stage, more: Partial<Running> = {}): Running {
  const { journal, ports, snapshot } = s;
  const history = { uncertain: false, requests: [] };
  return {
    snapshot,
    journal,
    ports,
    startedAt: START,
    facts: { ...facts },
    begun: [],
    stands: new Set(),
    history,
    questions: new Set(),
    tried: new Map(),
    asked: new Map(),
    heads: "on",
    ...more,
  };
}

/** The place at which a run waits once nobody says anything more, or where it led. */
async function held(run: Running, trouble = TROUBLE): Promise<unknown> {
  return hold(run, trouble, "p").catch((thrown: Error) => `waits for ${thrown.message}`);
}

const ending = (s: Stage): Step => act(s.log, { id: "end", undoes: "impossible" });

describe("[X-15] what comes first, while a run is held", () => {
  it("is a retry in place of a test, which is refused beside it; another secret's test stays", async () => {
    const s = stage({ words: [] });
    const nexts: string[] = [];
    const ports = { ...s.ports, held: async ({ next }: Trouble) => void nexts.push(next) };
    const { secret } = s.snapshot;
    const told = async (next: string) => {
      nexts.length = 0;
      await held(running(s, { ports }), { ...TROUBLE, next });
      return nexts;
    };
    const { run } = ports;
    expect(await told(`lockstep test ${secret}`)).toEqual([`lockstep resolve ${run} --retry`]);
    expect(await told(`lockstep test ${secret}    after you have given the token a right`)).toEqual([
      `lockstep resolve ${run} --retry    after you have given the token a right`,
    ]);
    for (const other of [`lockstep test ${secret}-2    in 2 min`, `lockstep rotate ${secret}`])
      expect(await told(other)).toEqual([other]);
  });
});

describe("[HK-14] a held run asks again", () => {
  it("each day, where no time is set for the end of the old key", async () => {
    const s = stage({ words: [undefined, undefined, retry] });
    await held(running(s));
    expect(s.asked.map(({ until }) => until)).toEqual(Array(3).fill(later(24 * HOUR)));
    expect(s.log).toEqual([
      "held VENDOR_ERROR",
      "reminded decision/p/1 2",
      "reminded decision/p/1 3",
      "resumed",
    ]);
  });

  it("at the time within which the old key must be ended, and every quarter of an hour from then on", async () => {
    for (const [passed, until] of [
      [0, HOUR],
      [HOUR - 1, HOUR],
      [HOUR, HOUR + 900_000],
      [HOUR + 1, HOUR + 900_001],
    ] as const) {
      const s = stage({ snapshot: { revokeWithinMs: HOUR }, words: [retry] });
      await s.ports.pause(passed);
      await held(running(s));
      expect(s.asked).toEqual([{ key: "decision/p/1", until: later(until) }]);
    }
  });
});

describe("an end that was refused whenever it was asked for", () => {
  const cancel: Decision = { choice: "cancel" };
  const refusedEnd = (s: Stage, found: object): Step => ({
    ...ending(s),
    looks: async () => found as never,
  });

  it("is left where a look shows that it did not happen, and what else was done is undone", async () => {
    const s = stage({ words: [cancel] });
    const run = running(s);
    run.begun.push(act(s.log, { id: "made" }), refusedEnd(s, { is: "absent" }));
    expect(await held(run)).toEqual({ is: "over", end: { status: "cancelled", trouble: TROUBLE } });
    expect(s.log).toEqual(["held VENDOR_ERROR", "undo made"]);
    const says = "refused, and seen not to have happened";
    expect(s.shown.get("end")).toEqual({ state: "undone", says });
  });

  it("is not left where a look does not show that, where it was done, or where its outcome was ever open", async () => {
    for (const [found, stands] of [
      [{ is: "present", value: 1 }, false],
      [{ is: "unknown", trouble: TROUBLE }, false],
      [{ is: "absent" }, true],
    ] as const) {
      const s = stage({ words: [cancel, retry] });
      const run = running(s);
      const step = refusedEnd(s, found);
      run.begun.push(step);
      if (stands) run.stands.add(step);
      expect(await held(run)).toEqual({ is: "again" });
      expect(s.shown.get("end")).toBeUndefined();
      expect(s.log).toEqual(["held VENDOR_ERROR", "held RUN_NOT_CANCELLABLE", "resumed"]);
    }
  });
});

it("goes on back whoever wishes to cancel it on the way back", async () => {
  const s = stage({ words: [{ choice: "cancel" }] });
  const run = running(s, { heads: "back" });
  run.begun.push(ending(s));
  expect(await held(run)).toBe("waits for decision/p/2");
  expect(s.log).toEqual(["held VENDOR_ERROR", "held VENDOR_ERROR"]);
});

describe("[X-14] a rollback", () => {
  const rollback: Decision = { choice: "rollback" };

  it("is begun while the old key is seen to work and nothing has begun to end it", async () => {
    const s = stage({ words: [rollback], who: alive });
    const run = running(s);
    run.begun.push(stored(s.log));
    expect(await held(run)).toEqual({ is: "back" });
  });

  it("is refused, and why is shown, once that is not so", async () => {
    const { checked: _checked, ...unchecked } = facts;
    const { pending: _pending, ...unminted } = facts;
    const dead: Introspection = { is: "dead", trouble: TROUBLE };
    const cannotTell: Introspection = { is: "unknown", trouble: TROUBLE };
    for (const [who, more, ended] of [
      [dead, {}, false],
      [cannotTell, {}, false],
      [alive, { facts: unchecked }, false],
      [alive, { facts: unminted }, false],
      [alive, {}, true],
    ] as const) {
      const s = stage({ words: [rollback], who });
      const run = running(s, more);
      run.begun.push(stored(s.log), ...(ended ? [ending(s)] : []));
      expect(await held(run)).toBe("waits for decision/p/2");
      expect(s.log).toEqual(["held VENDOR_ERROR", "held ROLLBACK_IMPOSSIBLE"]);
    }
  });

  it("that could not be told leads to another try of it, not forward", async () => {
    const dead: Introspection = { is: "dead", trouble: TROUBLE };
    const cannotTell: Introspection = { is: "unknown", trouble: TROUBLE };
    for (const [who, next] of [
      [dead, "lockstep resolve key.rotate.1 --retry"],
      [cannotTell, "lockstep rollback key.rotate.1    asks again"],
    ] as const) {
      const seen: string[] = [];
      const shows = async (trouble: { readonly next: string }) => void seen.push(trouble.next);
      const s = stage({ words: [rollback], who, ports: { held: shows } });
      const run = running(s);
      run.begun.push(stored(s.log));
      await held(run);
      expect(seen).toEqual([TROUBLE.next, next]);
    }
  });

  it("is walked back where nothing was stored, and is no choice on the way back", async () => {
    const s = stage({ words: [rollback], who: alive });
    const run = running(s);
    run.begun.push(act(s.log, { id: "a" }));
    expect(await held(run)).toEqual({ is: "over", end: { status: "cancelled", trouble: TROUBLE } });
    expect(s.log).toEqual(["held VENDOR_ERROR", "undo a"]);
    const back = stage({ words: [rollback, { choice: "cancel" }], who: alive });
    const returning = running(back, { heads: "back" });
    returning.begun.push(act(back.log, { id: "a" }));
    expect(await held(returning)).toBe("waits for decision/p/3");
    const storedBack = running(stage({ words: [rollback], who: alive }), { heads: "back" });
    storedBack.begun.push(stored(back.log));
    expect(await held(storedBack)).toBe("waits for decision/p/2");
  });

  it("is carried out to its end, and the run says so", async () => {
    const s = stage({ words: [rollback], who: alive });
    const does = async () => done("made");
    const entries = () => [
      line("checked", act(s.log, { id: "check", does: async () => done({ sealed: "s" }) })),
      line("pending", act(s.log, { id: "mint", does })),
      line("canonical", stored(s.log)),
      line("revoked", act(s.log, { id: "end", does: async () => refused(TROUBLE), needs: [] })),
    ];
    const back = () => [line("vaultRestored", act(s.log, { id: "restore" }))];
    expect(await s.carryOut({ entries, back })).toMatchObject({
      end: { status: "cancelled", trouble: { code: "RUN_ROLLED_BACK" } },
    });
    expect(s.log.filter((one) => /^(does|undo)/.test(one))).toEqual([
      "does check",
      "does mint",
      "does stored",
      "does end",
      "does restore",
    ]);
  });

  it("that gets stuck is held, and goes on back", async () => {
    const s = stage({ words: [rollback, { choice: "cancel" }, retry], who: alive });
    const entries = () => [
      line("checked", act(s.log, { id: "check", does: async () => done({ sealed: "s" }) })),
      line("pending", act(s.log, { id: "mint" })),
      line("canonical", stored(s.log)),
      line("validated", act(s.log, { id: "fails", does: async () => refused(TROUBLE) })),
    ];
    const does = script<Outcome<unknown>>(refused(TROUBLE), done("back"));
    const seen: string[][] = [];
    const learned = async (known: Partial<Facts>) => void seen.push(Object.keys(known));
    Object.assign(s.ports, { learned });
    const back = () => [line("vaultRestored", act(s.log, { id: "restore", does }))];
    expect(await s.carryOut({ entries, back })).toMatchObject({
      end: { trouble: { code: "RUN_ROLLED_BACK" } },
    });
    expect(s.log.filter((one) => /^(does|undo|held)/.test(one)).slice(-5)).toEqual([
      "held VENDOR_ERROR",
      "does restore",
      "held VENDOR_ERROR",
      "held VENDOR_ERROR",
      "does restore",
    ]);
    expect(seen.at(-1)).toEqual(["checked", "pending", "canonical"]);
  });
});

describe("[X-12] broken glass", () => {
  const breakIt: Decision = { choice: "break-glass" };

  it("ends the old key, and the run waits on; from then on nothing leads back", async () => {
    const s = stage({ words: [breakIt, breakIt, { choice: "rollback" }], who: alive });
    const run = running(s, { breakGlass: ending(s) });
    run.begun.push(stored(s.log));
    expect(await held(run)).toBe("waits for decision/p/4");
    expect(run.begun.map(({ id }) => id)).toEqual(["stored", "end"]);
    expect(s.log.filter((one) => one !== "learned checked old pending validated")).toEqual([
      "held VENDOR_ERROR",
      "does end",
      "held VENDOR_ERROR",
      "does end",
      "held VENDOR_ERROR",
      "held ROLLBACK_IMPOSSIBLE",
    ]);
  });

  it("is not stopped by an older wish to stop", async () => {
    const s = stage({ words: [breakIt], ports: { stopAsked: async () => true } });
    await held(running(s, { breakGlass: ending(s) }));
    expect(s.log).toContain("does end");
  });

  it("that fails says why, and what never began leaves the way back open", async () => {
    const broken = { ...TROUBLE, code: "VENDOR_REFUSED" } as const;
    const frozen = { ...TROUBLE, code: "FROZEN" } as const;
    const s = stage({ words: [breakIt], who: alive });
    const run = running(s, {
      breakGlass: act(s.log, { id: "end", undoes: "impossible", does: async () => refused(broken) }),
    });
    expect(await held(run)).toBe("waits for decision/p/2");
    expect(s.log.at(-1)).toBe("held VENDOR_REFUSED");
    expect(run.begun.map(({ id }) => id)).toEqual(["end"]);
    const t = stage({ words: [breakIt], ports: { frozen: async () => frozen } });
    const other = running(t, { breakGlass: ending(t) });
    expect(await held(other)).toBe("waits for decision/p/2");
    expect(t.log).not.toContain("does end");
    expect(other.begun).toEqual([]);
  });

  it("is not done where the old key is not known, no new one was seen to work, or the runbook has no such step", async () => {
    const { old: _old, ...unknown } = facts;
    const { validated: _validated, ...unproved } = facts;
    for (const [known, has] of [
      [unknown, true],
      [unproved, true],
      [facts, false],
    ] as const) {
      const s = stage({ words: [breakIt] });
      const run = running(s, { facts: known, ...(has && { breakGlass: ending(s) }) });
      run.begun.push(stored(s.log));
      expect(await held(run)).toBe("waits for decision/p/2");
      expect(s.log).toEqual(["held VENDOR_ERROR", "held VENDOR_ERROR"]);
    }
  });

  it("[P1] is no choice once the new key is being taken back, and the walk back still comes to its end", async () => {
    const s = stage({ words: [breakIt, retry] });
    const undoes = { says: "back", does: script<Outcome<undefined>>(refused(TROUBLE), done(undefined)) };
    const entries = () => [
      line("old", act(s.log, { id: "identify", undoes: "nothing" })),
      line("validated", act(s.log, { id: "mint", undoes })),
      line("ready", act(s.log, { id: "fails", undoes: "nothing", does: async () => refused(TROUBLE) })),
    ];
    expect(await s.carryOut({ entries, breakGlass: ending(s) })).toMatchObject({ end: { status: "failed" } });
    expect(s.log).not.toContain("does end");
  });

  it("is the runbook's own step", async () => {
    const s = stage({ words: [breakIt] });
    const entries = () => [
      line("old", act(s.log, { id: "identify" })),
      line("validated", stored(s.log)),
      line("copies", act(s.log, { id: "fails", does: async () => refused(TROUBLE) })),
    ];
    expect(await s.carryOut({ entries, breakGlass: ending(s) })).toEqual({ waitsFor: "decision/fails/1/2" });
    expect(s.log.filter((one) => one === "does end")).toHaveLength(1);
  });
});

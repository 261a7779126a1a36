import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { LockstepError } from "../core/errors.ts";
import { type Executions, keepExecutions, silence } from "./executions.ts";
import { setFrontier } from "./internals.ts";
import { DistrustedEntry } from "./sealed.ts";
import type { Ask } from "./session.ts";

vi.mock("./internals.ts", () => ({ setFrontier: vi.fn() }));

const RUN = "key.rotate.1";
const fault = new TypeError("text");
const dbos = (code: number) => Object.assign(new Error("text"), { dbosErrorCode: code });

/** Executions over a database that says this; what they log, and what they write into it. */
function kept(says: (sql: string) => readonly Record<string, unknown>[] = () => [{ frontier: "7" }]) {
  const lines: string[] = [];
  const parked: unknown[] = [];
  const ask: Ask = async (sql, values) => {
    if (sql.startsWith("INSERT")) parked.push(values);
    return says(sql);
  };
  const executions = keepExecutions(ask, "me", ({ level, msg }) => lines.push(`${level}: ${msg}`));
  return { executions, lines, parked };
}

/** Whether it has settled by now. */
async function settled(promise: Promise<unknown>): Promise<boolean> {
  let is = false;
  const note = () => {
    is = true;
  };
  promise.then(note, note);
  for (let n = 0; n < 20; n += 1) await Promise.resolve();
  return is;
}

const resumed = async (executions: Executions): Promise<readonly string[]> => {
  const runs: string[] = [];
  await executions.handBack(async (due) => void runs.push(...due));
  return runs;
};

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance", "setTimeout"] });
  vi.mocked(setFrontier).mockClear();
});
afterEach(() => vi.useRealTimers());

describe("an execution", () => {
  it("knows what is recorded when it begins, and forgets it at its end", async () => {
    const { executions } = kept();
    const execution = await executions.begin(RUN, "t1");
    expect(vi.mocked(setFrontier).mock.calls).toEqual([[execution, 7]]);
    expect(executions.carriesOut(RUN, "t1")).toBe(true);
    executions.end(execution);
    expect(vi.mocked(setFrontier).mock.calls.at(-1)).toEqual([execution]);
    expect(executions.carriesOut(RUN, "t1")).toBe(false);
  });

  it("begins without that where it could not be read", async () => {
    const nothing = kept(() => []);
    await nothing.executions.begin(RUN, "t1");
    const broken = kept(() => {
      throw fault;
    });
    await broken.executions.begin(RUN, "t1");
    expect(setFrontier).not.toHaveBeenCalled();
  });

  it("counts as resumed unless the journal is known to be empty", async () => {
    const begun = async (says: () => readonly Record<string, unknown>[]) =>
      (await kept(says).executions.begin(RUN, "t1")).resumed;
    expect(await begun(() => [{ frontier: "7" }])).toBe(true);
    expect(await begun(() => [{ frontier: "0" }])).toBe(true);
    expect(await begun(() => [{ frontier: "-1" }])).toBe(false);
    expect(await begun(() => [])).toBe(true);
    expect(
      await begun(() => {
        throw fault;
      }),
    ).toBe(true);
  });

  it("is one of several of its run, each with the token of its claim", async () => {
    const { executions } = kept();
    const first = await executions.begin(RUN, "t1");
    const second = await executions.begin(RUN, "t2");
    await executions.begin("other", "t3");
    expect(["t1", "t2", "t3"].map((token) => executions.carriesOut(RUN, token))).toEqual([true, true, false]);
    void silence(first);
    await executions.begin(RUN, "t4");
    expect(["t1", "t2", "t4"].map((token) => executions.carriesOut(RUN, token))).toEqual([false, true, true]);
    executions.end(second);
    executions.end(second);
    expect(executions.carriesOut(RUN, "t2")).toBe(false);
    expect(executions.carriesOut(RUN, "t4")).toBe(true);
  });
});

describe("[P8] an execution that asks whether its run is its own", () => {
  it("goes on where it is, and falls silent where it is not, or where that cannot be told", async () => {
    const mine = kept();
    const execution = await mine.executions.begin(RUN, "t1");
    expect(await settled(mine.executions.owned(execution))).toBe(true);
    expect(execution.silent).toBe(false);
    for (const says of [
      () => [],
      () => {
        throw fault;
      },
    ]) {
      const { executions } = kept(says);
      const lost = await executions.begin(RUN, "t1");
      expect(await settled(executions.owned(lost))).toBe(false);
      expect(lost.silent).toBe(true);
    }
  });

  it("stays silent once it is, also where that happens while it is asked", async () => {
    let asked = 0;
    const { executions } = kept(() => {
      asked += 1;
      return [{ frontier: "7" }];
    });
    const execution = await executions.begin(RUN, "t1");
    const before = asked;
    const waiting = executions.owned(execution);
    void silence(execution);
    expect(await settled(waiting)).toBe(false);
    expect(await settled(executions.owned(execution))).toBe(false);
    expect(asked).toBe(before + 1);
  });

  it("goes nowhere once the process drains, whatever the answer that is on its way", async () => {
    const { executions } = kept();
    const execution = await executions.begin(RUN, "t1");
    const waiting = executions.owned(execution);
    await executions.drain(0);
    expect(await settled(waiting)).toBe(false);
    const next = executions.owned(execution);
    expect(await settled(next)).toBe(false);
  });
});

describe("[P11] what stops an execution", () => {
  const stop = async (thrown: unknown) => {
    const one = kept();
    const execution = await one.executions.begin(RUN, "t1");
    expect(await settled(one.executions.stop(execution, thrown))).toBe(false);
    expect(execution.silent).toBe(true);
    return { ...one, execution };
  };

  it("is that the run goes on elsewhere: nothing is wrong", async () => {
    for (const code of [5, 24]) {
      const { lines, parked, executions } = await stop(dbos(code));
      expect(lines).toEqual([`info: run ${RUN} goes on in another process or a later execution`]);
      expect(parked).toEqual([]);
      vi.advanceTimersByTime(60_000);
      expect(await resumed(executions)).toEqual([]);
    }
  });

  it("is an entry that cannot be trusted: the run is parked, and not tried again", async () => {
    const another = "another entry was expected at its place";
    const keys = "the key ring does not open it";
    for (const [thrown, why, entry] of [
      [dbos(26), another, "of this step"],
      [dbos(37), another, "of this step"],
      [
        new DistrustedEntry("it was not sealed by Lockstep", "entry/a"),
        "it was not sealed by Lockstep",
        "entry/a",
      ],
      [
        new LockstepError({ code: "KEYRING_WRONG", message: "", because: "", next: "" }),
        keys,
        "of this step",
      ],
    ] as const) {
      const { lines, parked, executions } = await stop(thrown);
      expect(parked).toEqual([[RUN, "me", why, entry]]);
      expect(lines).toEqual([`error: run ${RUN} is parked: its journal entry ${entry} is not used, ${why}`]);
      vi.advanceTimersByTime(60_000);
      expect(await resumed(executions)).toEqual([]);
    }
  });

  it("is anything else: the run is tried again, ever later, and what was thrown is not said", async () => {
    for (const thrown of [fault, dbos(0), dbos(99), null, "text", undefined, { other: 1 }]) {
      const { lines, parked, executions } = await stop(thrown);
      expect(parked).toEqual([]);
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatch(new RegExp(`^warn: run ${RUN} is tried again in 1000 ms: `));
      expect(lines[0]).not.toContain("text");
      expect(await resumed(executions)).toEqual([]);
      vi.advanceTimersByTime(1_000);
      expect(await resumed(executions)).toEqual([RUN]);
    }
  });

  it("is said once, however many entries fail with it, and not at all while the process drains", async () => {
    const { executions, lines } = kept();
    const execution = await executions.begin(RUN, "t1");
    const both = [executions.stop(execution, fault), executions.stop(execution, fault)];
    expect(await settled(Promise.race(both))).toBe(false);
    expect(lines).toHaveLength(1);
    const other = kept();
    const late = await other.executions.begin(RUN, "t1");
    await other.executions.drain(0);
    await settled(other.executions.stop(late, fault));
    expect(other.lines).toEqual([]);
    expect(late.silent).toBe(true);
  });

  it("is not undone by a database that cannot park it", async () => {
    const one = kept((sql) => {
      if (sql.startsWith("INSERT")) throw fault;
      return [];
    });
    const execution = await one.executions.begin(RUN, "t1");
    expect(await settled(one.executions.stop(execution, dbos(26)))).toBe(false);
  });
});

describe("runs that wait to go back to the queue", () => {
  const fails = async (executions: Executions) => {
    const execution = await executions.begin(RUN, "t1");
    await settled(executions.stop(execution, fault));
    return execution;
  };

  it("wait twice as long each time, a minute at most, until an execution comes to its end", async () => {
    const { executions, lines } = kept();
    for (let n = 0; n < 8; n += 1) await fails(executions);
    const pauses = lines.map((one) => Number(/in (\d+) ms/.exec(one)?.[1]));
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
    executions.end(await fails(executions));
    await fails(executions);
    expect(lines.at(-1)).toContain("in 1000 ms");
  });

  it("are not handed back once they have ended, and once only", async () => {
    const { executions } = kept();
    const execution = await fails(executions);
    vi.advanceTimersByTime(1_000);
    expect(await resumed(executions)).toEqual([RUN]);
    expect(await resumed(executions)).toEqual([]);
    await fails(executions);
    executions.end(execution);
    vi.advanceTimersByTime(60_000);
    expect(await resumed(executions)).toEqual([]);
  });

  it("are handed back again where that failed", async () => {
    const { executions } = kept();
    await fails(executions);
    vi.advanceTimersByTime(1_000);
    await expect(executions.handBack(async () => Promise.reject(fault))).rejects.toBe(fault);
    expect(await resumed(executions)).toEqual([RUN]);
  });

  it("ask nobody where there are none", async () => {
    const { executions } = kept();
    await fails(executions);
    const resume = vi.fn(async () => {});
    vi.advanceTimersByTime(999);
    await executions.handBack(resume);
    expect(resume).not.toHaveBeenCalled();
  });
});

describe("a process that drains", () => {
  it("waits for what is in flight, of executions that are not silent, and no longer than it may", async () => {
    const { executions } = kept();
    const execution = await executions.begin(RUN, "t1");
    const second = await executions.begin(RUN, "t2");
    execution.inFlight = 2;
    second.inFlight = 1;
    expect(executions.busy()).toBe(3);
    void silence(second);
    expect(executions.busy()).toBe(2);
    expect(executions.draining()).toBe(false);
    const drained = executions.drain(100);
    expect(executions.draining()).toBe(true);
    await vi.advanceTimersByTimeAsync(50);
    expect(await settled(drained)).toBe(false);
    execution.inFlight = 0;
    await vi.advanceTimersByTimeAsync(5);
    expect(await settled(drained)).toBe(true);
    execution.inFlight = 1;
    const late = executions.drain(100);
    await vi.advanceTimersByTimeAsync(95);
    expect(await settled(late)).toBe(false);
    await vi.advanceTimersByTimeAsync(5);
    expect(await settled(late)).toBe(true);
  });

  it("begins nothing new", async () => {
    const { executions } = kept();
    await executions.drain(0);
    expect(await settled(executions.begin(RUN, "t1"))).toBe(false);
    expect(executions.carriesOut(RUN, "t1")).toBe(true);
  });
});

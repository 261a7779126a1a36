import { describe, expect, it } from "vitest";
import type { Circumstances } from "./circumstances.ts";
import { LockstepError } from "./errors.ts";
import type { Journal } from "./journal.ts";
import { done, type Outcome, unknown } from "./outcome.ts";
import { noteDown, outlasting, persist, persistLook } from "./persist.ts";
import type { Look } from "./step.ts";
import { script, TROUBLE } from "./testing/stage.ts";

const away = new LockstepError({ ...TROUBLE, code: "DATABASE_UNREACHABLE" });
const retryable = (afterMs?: number): Outcome<string> => ({
  is: "retryable",
  trouble: TROUBLE,
  ...(afterMs !== undefined && { afterMs }),
});

/** Something that is called, and what was waited between its calls. */
function patience() {
  const waits: number[] = [];
  const ports = { pause: async (ms: number) => void waits.push(ms) };
  return { waits, ports, at: { ports } as unknown as Circumstances };
}

describe("what certainly did not happen", () => {
  it("is tried five times, after ever longer waits", async () => {
    const { at, waits } = patience();
    expect(await persist(async () => retryable(), at)).toEqual(retryable());
    expect(waits).toEqual([500, 1_000, 2_000, 4_000]);
  });

  it("is tried no more often where the vendor says how long to wait", async () => {
    const { at, waits } = patience();
    expect(await persist(async () => retryable(60_000), at)).toEqual(retryable(60_000));
    expect(waits).toEqual([60_000, 60_000, 60_000, 60_000]);
  });

  it("is not waited for longer than a minute", async () => {
    const { at, waits } = patience();
    expect(await persist(async () => retryable(60_001), at)).toEqual(retryable(60_001));
    expect(waits).toEqual([]);
  });

  it("is left at that once it has happened, was refused, or may have happened", async () => {
    for (const outcome of [done("x"), unknown(TROUBLE), { is: "refused", trouble: TROUBLE } as const]) {
      const { at, waits } = patience();
      expect(await persist(script<Outcome<string>>(retryable(), outcome), at)).toEqual(outcome);
      expect(waits).toEqual([500]);
    }
  });

  it("is looked for again in the same way, and what is found is handed on", async () => {
    for (const found of [{ is: "absent" }, { is: "present", value: 1 }, unknown(TROUBLE)] as const) {
      const { at, waits } = patience();
      const look = script<Look<unknown>>({ is: "retryable", trouble: TROUBLE }, found);
      expect(await persistLook(look, at)).toEqual(found);
      expect(waits).toEqual([500]);
    }
  });
});

describe("[P11] our own database is away", () => {
  it("is no outcome of a call: it is thrown, however it is told", async () => {
    const { at } = patience();
    await expect(persist(async () => Promise.reject(away), at)).rejects.toBe(away);
    await expect(persist(async () => unknown(away.toTrouble()), at)).rejects.toMatchObject({
      code: "DATABASE_UNREACHABLE",
    });
  });

  it("is told from a throw of anything else, which may have happened", async () => {
    const { at } = patience();
    const outcome = await persist(async () => Promise.reject(new TypeError("text")), at);
    expect(outcome).toMatchObject({ is: "unknown", trouble: { code: "INTERNAL" } });
  });

  it("is outlasted: the body is repeated, a second apart, and no other throw is", async () => {
    const { ports, waits } = patience();
    let calls = 0;
    const body = async () => {
      calls += 1;
      if (calls < 4) throw away;
      return calls;
    };
    expect(await outlasting(ports, body)).toBe(4);
    expect(waits).toEqual([1_000, 1_000, 1_000]);
    const fault = new TypeError("text");
    await expect(outlasting(ports, async () => Promise.reject(fault))).rejects.toBe(fault);
  });

  it("is waited for where only the record is written, whatever is thrown", async () => {
    const { ports, waits } = patience();
    const journal = { once: (_key: string, body: () => Promise<unknown>) => body() } as unknown as Journal;
    let calls = 0;
    const note = async () => {
      calls += 1;
      if (calls < 3) throw new TypeError("text");
      return "noted";
    };
    expect(await noteDown(journal, ports, "end", note)).toBe("noted");
    expect(waits).toEqual([5_000, 5_000]);
  });
});

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { PERMIT_MS, permitToWrite, withPermits } from "./permit.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["performance", "Date"] });
});
afterEach(() => vi.useRealTimers());

describe("[P8] leave to send a write", () => {
  it("is asked for anew by each write inside, and by nobody outside", async () => {
    const owned = vi.fn(async () => {});
    const both = withPermits(owned, async () => [await permitToWrite(), await permitToWrite()]);
    expect((await both).map((permit) => permit?.lapsed())).toEqual([false, false]);
    expect(owned).toHaveBeenCalledTimes(2);
    expect(await permitToWrite()).toBeUndefined();
  });

  it("is never given where the run is not ours any more", async () => {
    let given = false;
    void withPermits(() => new Promise<void>(() => {}), permitToWrite).then(() => {
      given = true;
    });
    await new Promise((go) => setImmediate(go));
    expect(given).toBe(false);
  });

  it("lapses with the time since the question, by whichever clock went further", async () => {
    for (const pass of [
      (ms: number) => vi.advanceTimersByTime(ms),
      (ms: number) => vi.setSystemTime(Date.now() + ms),
    ]) {
      const permit = await withPermits(async () => void pass(1), permitToWrite);
      pass(PERMIT_MS - 1);
      expect(permit?.lapsed()).toBe(false);
      pass(1);
      expect(permit?.lapsed()).toBe(true);
      // Set back: the other clock still counts.
      vi.advanceTimersByTime(PERMIT_MS + 1);
      vi.setSystemTime(0);
      expect(permit?.lapsed()).toBe(true);
    }
  });
});

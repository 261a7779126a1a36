import { describe, expect, it } from "vitest";
import {
  END,
  expectKeptPromises,
  expectRotated,
  expectWalkedBack,
  isAlive,
  MINT,
  OLD,
  VAULT_WRITE,
} from "../flow/expectations.ts";
import { Died, type Life } from "../flow/life.ts";
import { type Run, type World, world } from "../flow/world.ts";

/** Kills the process right after this request was carried out, before anything of it is recorded. */
async function dieAfter(w: World, run: Run, method: string): Promise<void> {
  let life: Life | undefined;
  const born = (one: Life) => {
    life = one;
  };
  const answered = () => {
    const last = w.sandbox.control.journal.list().at(-1);
    if (last?.method === method && !last.path.includes("login")) life?.die();
  };
  await expect(run.go({ born, answered })).rejects.toThrow(Died);
}

describe("what a process announced before it died counts for the next one", () => {
  it("[X-14][P1] no rollback after the end of the old key was sent, also where it lands late", async () => {
    const w = await world();
    const run = w.run();
    const { control } = w.sandbox;
    control.addFault({ ...END, kind: "late", ms: 20 * 60_000 });
    await dieAfter(w, run, END.method);
    // The next process cannot even look: that anything was sent stands in the audit log alone.
    control.addFault({ vendor: "infisical", kind: "status", status: 403, count: null });
    expect(await run.go()).toMatchObject({ status: "held" });
    control.clearFaults();
    run.say({ choice: "rollback" });
    expect(await run.go()).toMatchObject({ status: "held", trouble: { code: "ROLLBACK_IMPOSSIBLE" } });
    await w.clock.pass(20 * 60_000);
    await control.idle();
    expect(isAlive(w, OLD)).toBe(false);
    run.say({ choice: "retry" });
    expect(await run.go()).toMatchObject({ status: "completed" });
    expectRotated(w, run);
  });

  it("[HK-13][P3] a mint that was sent is undone when the run is then cancelled", async () => {
    const w = await world();
    const run = w.run();
    await dieAfter(w, run, MINT.method);
    run.cancel();
    expect(await run.go()).toMatchObject({ status: "cancelled" });
    expectWalkedBack(w, run);
  });

  it("[HK-11][P1] a store that was written is not undone by a wish that came in the same moment", async () => {
    const w = await world();
    const run = w.run();
    await dieAfter(w, run, VAULT_WRITE.method);
    run.cancel();
    expect(await run.go()).toMatchObject({ status: "completed" });
    expectKeptPromises(w, run);
    expectRotated(w, run);
  });
});

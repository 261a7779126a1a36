import { describe, expect, it } from "vitest";
import { guard } from "../../src/core/guard.ts";
import type { Runbook } from "../../src/core/runbook.ts";
import type { Step } from "../../src/core/step.ts";
import { overlap } from "../../src/runbooks/overlap.ts";
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

  it("[X-14][P1] also where a fault of ours keeps the next process from looking", async () => {
    const fault = { on: false };
    const w = await world();
    const run = w.run({ runbook: throwingAt("revoke", fault) });
    w.sandbox.control.addFault({ ...END, kind: "late", ms: 20 * 60_000 });
    await dieAfter(w, run, END.method);
    fault.on = true;
    expect(await run.go()).toMatchObject({ status: "held", trouble: { code: "INTERNAL" } });
    fault.on = false;
    w.sandbox.control.clearFaults();
    run.say({ choice: "rollback" });
    expect(await run.go()).toMatchObject({ status: "held", trouble: { code: "ROLLBACK_IMPOSSIBLE" } });
    await w.clock.pass(20 * 60_000);
    await w.sandbox.control.idle();
    run.say({ choice: "retry" });
    expect(await run.go()).toMatchObject({ status: "completed" });
    expectRotated(w, run);
  });
});

/** The rotation, with a guard of one step that throws while the fault is on. */
function throwingAt(id: string, fault: { readonly on: boolean }): Runbook {
  const throwing = guard("a fault of ours", () => {
    if (fault.on) throw new TypeError("a fault of ours");
    return undefined;
  });
  const broken = (step: Step): Step =>
    step.id === id ? { ...step, needs: [...(step.needs ?? []), throwing] } : step;
  const entries: Runbook["entries"] = (snapshot) =>
    overlap
      .entries(snapshot)
      .map((entry) => ({ ...entry, waves: entry.waves.map((wave) => wave.map(broken)) }));
  return { ...overlap, entries };
}

import { describe, expect, it } from "vitest";
import { expectKeptPromises, expectRotated, storeWrites } from "./expectations.ts";
import { Died, type Life } from "./life.ts";
import { type ProcessHooks, type Run, world } from "./world.ts";

/** Carries a run out in a process that dies somewhere, then in a second one that lives. */
async function dieAndGoOn(hooks: (die: () => void) => ProcessHooks): Promise<boolean> {
  const w = await world();
  const run: Run = w.run();
  let life: Life | undefined;
  const first = await run
    .go({
      ...hooks(() => life?.die()),
      born: (born) => {
        life = born;
      },
    })
    .catch((thrown: unknown) => {
      if (thrown instanceof Died) return undefined;
      throw thrown;
    });
  if (first) return false;
  expectKeptPromises(w, run);
  expect(await run.go()).toEqual({ status: "completed" });
  expectRotated(w, run);
  // Nothing that can be read was written twice; only what cannot be read may be.
  const twice = storeWrites(w).filter((one) => one.vendor !== "github").length;
  expect(twice).toBe(5);
  return true;
}

async function everywhere(hooks: (n: number, die: () => void) => ProcessHooks, step = 1): Promise<number> {
  for (let n = 1; ; n += step) if (!(await dieAndGoOn((die) => hooks(n, die)))) return n - 1;
}

describe("[P11] survives the death of its process", () => {
  it("after each recorded entry: the next process goes on from every prefix", async () => {
    const deaths = await everywhere((n, die) => ({ recorded: (_key, at) => (at === n ? die() : undefined) }));
    expect(deaths).toBeGreaterThanOrEqual(33);
  });

  it("after the work of each entry, before anything of it is recorded", async () => {
    const deaths = await everywhere((n, die) => ({ ran: (_key, at) => (at === n ? die() : undefined) }));
    expect(deaths).toBeGreaterThanOrEqual(33);
  });

  it("after the vendor's answer to each request, before the program sees it", async () => {
    const deaths = await everywhere((n, die) => ({
      answered: (_life, at) => (at === n ? die() : undefined),
    }));
    expect(deaths).toBeGreaterThanOrEqual(60);
  });

  it("dies at every entry, one process after the other, and still ends", async () => {
    const w = await world();
    const run = w.run();
    let processes = 0;
    for (;;) {
      processes += 1;
      let life: Life | undefined;
      const stand = await run
        .go({
          born: (born) => {
            life = born;
          },
          recorded: () => life?.die(),
        })
        .catch(() => undefined);
      if (stand) break;
    }
    expect(processes).toBeGreaterThan(30);
    expectRotated(w, run);
  });

  it("refuses a replay that differs from the record", async () => {
    const w = await world();
    const run = w.run();
    await run.go();
    const [first] = run.kept.slots.values();
    run.kept.slots.set(0, { key: "another", text: first?.text ?? "" });
    await expect(run.go()).rejects.toThrow("replay differs");
  });
});

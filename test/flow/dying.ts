import { expect } from "vitest";
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

/** Once for each place where a process can die; answers with how many there were. */
export async function everywhere(
  hooks: (n: number, die: () => void) => ProcessHooks,
  step = 1,
): Promise<number> {
  for (let n = 1; ; n += step) if (!(await dieAndGoOn((die) => hooks(n, die)))) return n - 1;
}

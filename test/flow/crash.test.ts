import { describe, expect, it } from "vitest";
import { everywhere } from "./dying.ts";
import { expectRotated } from "./expectations.ts";
import type { Life } from "./life.ts";
import { world } from "./world.ts";

describe("[P11] survives the death of its process", () => {
  it("after each recorded entry: the next process goes on from every prefix", async () => {
    const deaths = await everywhere((n, die) => ({ recorded: (_key, at) => (at === n ? die() : undefined) }));
    expect(deaths).toBeGreaterThanOrEqual(31);
  });

  it("after the work of each entry, before anything of it is recorded", async () => {
    const deaths = await everywhere((n, die) => ({ ran: (_key, at) => (at === n ? die() : undefined) }));
    expect(deaths).toBeGreaterThanOrEqual(31);
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

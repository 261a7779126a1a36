import { describe, expect, it } from "vitest";
import { everywhere } from "./dying.ts";

describe("[P11] survives the death of its process", () => {
  it("after the vendor's answer to each request, before the program sees it", async () => {
    const deaths = await everywhere((n, die) => ({
      answered: (_life, at) => (at === n ? die() : undefined),
    }));
    expect(deaths).toBeGreaterThanOrEqual(60);
    // A rotation for each request: half a minute where nothing else is at work.
  }, 300_000);
});

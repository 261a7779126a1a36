import { setImmediate as turn } from "node:timers/promises";
import { queryObjects } from "node:v8";
import { expect, it } from "vitest";
import { holdsValue, Secret } from "./secret-value.ts";

it("[P7] finds the values in memory, and keeps nothing of those that are gone", async () => {
  const kept = Secret.of(crypto.randomUUID());
  let most = 0;
  for (let round = 0; round < 4; round += 1) {
    for (let i = 0; i < 3_000; i += 1) Secret.of(crypto.randomUUID());
    // References made in this turn of the event loop hold their values until it ends.
    await turn();
    // Collects garbage before it counts.
    most = Math.max(most, queryObjects(WeakRef, { format: "count" }));
  }
  expect(most).toBeLessThan(8_000);
  expect(holdsValue(JSON.stringify({ found: kept.reveal() }))).toBe(true);
});

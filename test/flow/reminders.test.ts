import { describe, expect, it } from "vitest";
import type { Reason } from "../../src/core/record.ts";
import { between } from "../../src/core/time.ts";
import { RAXX } from "../../src/sandbox/raxx.ts";
import { isAlive, OLD } from "./expectations.ts";
import { nowText } from "./life.ts";
import { type World, world } from "./world.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

const REFUSED = { kind: "status", status: 403, vendor: "heroku", method: "DELETE", count: null } as const;

/** How long each of the first five waits for a person is. */
async function waits(there: World, run: ReturnType<World["run"]>): Promise<readonly number[]> {
  const found: number[] = [];
  await run.go({
    waits: (_key, until) => found.push(between(nowText(), until)) <= 5,
  });
  expect(there.memory.escalations.size).toBe(found.length);
  return found.slice(0, 5);
}

describe("a run that waits for a person", () => {
  it.each<[Reason, readonly number[]]>([
    ["scheduled", [24 * HOUR, 24 * HOUR, 24 * HOUR, 24 * HOUR, 24 * HOUR]],
    ["compromise", [HOUR, 15 * MINUTE, 15 * MINUTE, 15 * MINUTE, 15 * MINUTE]],
  ])("[HK-14] %s: asks again, held or with a task", async (reason, expected) => {
    const task = await world();
    expect(await waits(task, task.run({ reason, request: { supplied: true } }))).toEqual(expected);
    const held = await world();
    held.sandbox.control.addFault(REFUSED);
    const [first = 0, ...rest] = await waits(held, held.run({ reason }));
    // The deadline counts from the run's start.
    expect(first).toBeGreaterThan(0);
    expect(first).toBeLessThanOrEqual(expected[0] ?? 0);
    expect(rest).toEqual(expected.slice(1));
  });

  it("[HK-14] [HK-23] a compromised key is not kept for hours by what still runs on it: a person decides soon after its deadline", async () => {
    const w = await world();
    const app = RAXX.apps["raxx-api-prod"];
    w.sandbox.control.act({ act: "heroku.run", app, command: "work", forSeconds: 10 * 3_600 });
    const started = nowText();
    const stand = await w.run({ reason: "compromise" }).go();
    expect(stand).toMatchObject({ status: "held", trouble: { code: "DRAIN_UNFINISHED" } });
    const lasted = between(started, nowText());
    expect([lasted > HOUR, lasted < 75 * MINUTE]).toEqual([true, true]);
    expect(isAlive(w, OLD)).toBe(true);
  });
});

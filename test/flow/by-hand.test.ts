import { describe, expect, it } from "vitest";
import type { Answer } from "../../src/core/circumstances.ts";
import { held, isAlive, livingOf, OLD } from "./expectations.ts";
import { nowText } from "./life.ts";
import { ACTOR, type Run, SECRET, type World, world } from "./world.ts";

/** Only a person may write the repository's secret (DR-13). */
async function started(): Promise<{ w: World; run: Run }> {
  const w = await world({
    change: (config) => {
      Object.assign(config.secrets[SECRET]?.destinations?.[0]?.[0] ?? {}, { byHand: true });
      return config;
    },
  });
  return { w, run: w.run() };
}

const says = (is: Answer["is"]): Answer => ({ is, by: ACTOR, at: nowText() });

function write(w: World, id: string): void {
  w.sandbox.control.act({
    act: "set-github-secret",
    repository: "raxx-app/TradeMasterAPI",
    name: "HEROKU_API_KEY",
    value: { authorization: id },
  });
}

/** Time in which people act. */
const minutes = (w: World, n: number) => w.clock.pass(n * 60_000);

/** Says "done" once too early, then writes it; after that somebody's copy holds the run. Answers with the new key. */
async function writtenAndHeld(w: World, run: Run): Promise<string> {
  expect(await run.go()).toMatchObject({ status: "waiting" });
  await minutes(w, 1);
  run.say(says("done"));
  expect(await run.go()).toMatchObject({ status: "waiting" });
  const [fresh = ""] = livingOf(w, run);
  await minutes(w, 1);
  write(w, fresh);
  await minutes(w, 1);
  run.say(says("done"));
  const stand = await run.go({
    recorded: (key) => {
      if (key.startsWith("soak/act"))
        w.sandbox.control.act({
          act: "set-vault-secret",
          key: "COPY_OF_HEROKU_API_KEY",
          environment: "prod",
          path: "/MooseQuest/heroku",
          value: { authorization: OLD },
        });
    },
  });
  expect(stand).toMatchObject({ status: "held" });
  return fresh;
}

describe("[DR-13] a place that only a person can write", () => {
  it("[P2] [X-14] does not count as put back before it shows a change since the person was asked to", async () => {
    const { w, run } = await started();
    const fresh = await writtenAndHeld(w, run);
    await minutes(w, 5);
    run.say({ choice: "rollback" });
    expect(await run.go()).toMatchObject({ status: "waiting" });
    await minutes(w, 1);
    // Nothing was written: the place shows the change of the way there.
    run.say(says("done"));
    expect(await run.go()).toMatchObject({ status: "waiting" });
    expect(isAlive(w, fresh)).toBe(true);
    await minutes(w, 1);
    write(w, OLD);
    await minutes(w, 1);
    run.say(says("done"));
    expect(await run.go()).toMatchObject({ status: "cancelled", trouble: { code: "RUN_ROLLED_BACK" } });
    expect(new Set(Object.values(held(w)))).toEqual(new Set([OLD]));
    expect(isAlive(w, fresh)).toBe(false);
  });

  it("[X-14] is never believed again once somebody else has changed it: what is left is to roll back", async () => {
    const { w, run } = await started();
    expect(await run.go()).toMatchObject({ status: "waiting" });
    const [fresh = ""] = livingOf(w, run);
    write(w, fresh);
    run.say(says("done"));
    const changed = { status: "held", trouble: { code: "COPY_HOLDS_OLD" } };
    const stand = await run.go({ recorded: (key) => key.startsWith("soak/act") && write(w, OLD) });
    expect(stand).toMatchObject(changed);
    run.say({ choice: "retry" });
    expect(await run.go()).toMatchObject(changed);
    expect(isAlive(w, OLD)).toBe(true);
  });

  it("[HK-14] [X-14] is not waited for by whoever rolls back instead", async () => {
    const { w, run } = await started();
    expect(await run.go()).toMatchObject({ status: "waiting" });
    const [fresh = ""] = livingOf(w, run);
    run.say({ choice: "rollback" });
    expect(await run.go()).toMatchObject({ status: "cancelled", trouble: { code: "RUN_ROLLED_BACK" } });
    expect(new Set(Object.values(held(w)))).toEqual(new Set([OLD]));
    expect([isAlive(w, OLD), isAlive(w, fresh)]).toEqual([true, false]);
  });

  it("[HK-14] [X-12] does not keep a leaked key alive: the glass is broken, and the task still stands", async () => {
    const { w, run } = await started();
    expect(await run.go()).toMatchObject({ status: "waiting" });
    const [fresh = ""] = livingOf(w, run);
    run.say({ choice: "break-glass" });
    expect(await run.go()).toMatchObject({ status: "waiting" });
    expect([isAlive(w, OLD), isAlive(w, fresh)]).toEqual([false, true]);
    await minutes(w, 1);
    write(w, fresh);
    run.say(says("done"));
    expect(await run.go()).toMatchObject({ status: "completed" });
    expect(new Set(Object.values(held(w)))).toEqual(new Set([fresh]));
  });
});

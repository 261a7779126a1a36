import { describe, expect, it } from "vitest";
import { safeState } from "../../src/app/run-words.ts";
import { expectSound, viewOf } from "../failures/truth.ts";
import { expectKeptPromises, expectRotated, held, isAlive, livingOf, OLD } from "./expectations.ts";
import { nowText } from "./life.ts";
import { ACTOR, type Run, SECRET, type World, world } from "./world.ts";

const IMPOSSIBLE = { status: "held", trouble: { code: "ROLLBACK_IMPOSSIBLE" } };
const COPY = {
  act: "set-vault-secret",
  key: "COPY_OF_HEROKU_API_KEY",
  environment: "prod",
  path: "/MooseQuest/heroku",
} as const;

const endOld = (w: World) => void w.sandbox.control.act({ act: "delete-authorization", id: OLD });

/** A run that somebody's copy holds right before the end of the old key; that copy is gone by then. */
async function heldAtTheEnd(w: World, run: Run): Promise<void> {
  const stand = await run.go({
    recorded: (key) => {
      if (key.startsWith("soak/act")) w.sandbox.control.act({ ...COPY, value: { authorization: OLD } });
    },
  });
  expect(stand).toMatchObject({ status: "held", trouble: { code: "COPY_UNDECLARED" } });
  w.sandbox.control.act({ ...COPY, value: null });
}

/** Rolls back, and somebody ends the old key once that entry of the way back is recorded. */
async function rolledBackUntil(w: World, run: Run, entry: RegExp) {
  await heldAtTheEnd(w, run);
  run.say({ choice: "rollback" });
  let done = false;
  return run.go({
    recorded: (key) => {
      if (done || !entry.test(key)) return;
      done = true;
      endOld(w);
    },
  });
}

describe("an old key that somebody ends while a run is on its way back", () => {
  it("[P1] [X-14] does not go to the vault; a retry turns round, and the new key goes everywhere", async () => {
    const w = await world();
    const run = w.run();
    expect(await rolledBackUntil(w, run, /^restore\/github.*\/act/)).toMatchObject(IMPOSSIBLE);
    const [fresh] = livingOf(w, run);
    expect(held(w)["vault"]).toBe(fresh);
    expectKeptPromises(w, run);
    const view = viewOf(w, run);
    expect(safeState(view.run, view.steps)).toMatch(
      /^This run has ended neither key; the run is on its way back/,
    );
    run.say({ choice: "retry" });
    expect(await run.go()).toEqual({ status: "completed" });
    expectRotated(w, run);
    expectSound(w, run);
  });

  it("[P1] [X-14] nor to a copy that still holds the new one", async () => {
    const w = await world();
    const run = w.run();
    await heldAtTheEnd(w, run);
    run.say({ choice: "rollback" });
    const first = /^restore\/heroku:raxx-console-prod.*\/act/;
    expect(
      await run.go({ recorded: (key) => first.test(key) && isAlive(w, OLD) && endOld(w) }),
    ).toMatchObject({
      status: "held",
    });
    run.say({ choice: "retry" });
    expect(await run.go()).toMatchObject(IMPOSSIBLE);
    const [fresh] = livingOf(w, run);
    expect(held(w)).toMatchObject({ vault: fresh, github: fresh, "raxx-api-staging": fresh });
    run.say({ choice: "retry" });
    expect(await run.go()).toEqual({ status: "completed" });
    expectRotated(w, run);
  });

  it.each([
    [
      "while what took the new key is waited for",
      /^drain\/back\/act/,
      ["VENDOR_REFUSED_CREDENTIAL", "ROLLBACK_IMPOSSIBLE"],
    ],
    ["right before the end of the new one", /^drain\/back\/prove/, ["NEW_NOT_VALID"]],
  ])("[P1] leads forward again, too, %s", async (_when, entry, codes) => {
    // The vault's key dies by other hands here, which is none of ours.
    const w = await world({ unguarded: true });
    const run = w.run();
    let stand = await rolledBackUntil(w, run, entry);
    for (const code of codes) {
      expect(stand).toMatchObject({ status: "held", trouble: { code } });
      expect(livingOf(w, run)).toHaveLength(1);
      run.say({ choice: "retry" });
      stand = await run.go();
    }
    expect(stand).toEqual({ status: "completed" });
    expectRotated(w, run);
  });

  it("[DR-13] a place by hand is asked for again: what a person wrote on the way there counts no more", async () => {
    const w = await world({
      change: (config) => {
        Object.assign(config.secrets[SECRET]?.destinations?.[0]?.[0] ?? {}, { byHand: true });
        return config;
      },
    });
    const run = w.run();
    const done = () => run.say({ is: "done", by: ACTOR, at: nowText() });
    const write = (id: string) =>
      w.sandbox.control.act({
        act: "set-github-secret",
        repository: "raxx-app/TradeMasterAPI",
        name: "HEROKU_API_KEY",
        value: { authorization: id },
      });
    expect(await run.go()).toMatchObject({ status: "waiting" });
    const [fresh = ""] = livingOf(w, run);
    write(fresh);
    done();
    await heldAtTheEnd(w, run);
    run.say({ choice: "rollback" });
    expect(await run.go()).toMatchObject({ status: "waiting" });
    await w.clock.pass(26 * 3_600_000);
    endOld(w);
    write(OLD);
    done();
    expect(await run.go()).toMatchObject(IMPOSSIBLE);
    expect(held(w)["vault"]).toBe(fresh);
    await w.clock.pass(60_000);
    run.say({ choice: "retry" });
    expect(await run.go()).toMatchObject({ status: "waiting" });
    // Said too early: the place shows the change of the way back.
    done();
    expect(await run.go()).toMatchObject({ status: "waiting" });
    await w.clock.pass(60_000);
    write(fresh);
    done();
    expect(await run.go()).toEqual({ status: "completed" });
    expectRotated(w, run);
    expect(
      viewOf(w, run)
        .steps.filter(({ id }) => id.startsWith("restore/heroku"))
        .map(({ state }) => state),
    ).toEqual(Array(4).fill("undone"));
  });
});

import { describe, expect, it } from "vitest";
import { strayId } from "../../src/core/record.ts";
import { END, expectRotated, isAlive, livingOf, OLD } from "./expectations.ts";
import { LOST } from "./faults.ts";
import { nowText } from "./life.ts";
import { SECRET, type World, world } from "./world.ts";

/** The record names another key as the present one: somebody has put what the vault holds there by hand. */
async function overtaken(alive: boolean): Promise<{ w: World; id: string }> {
  const w = await world();
  const { act } = w.sandbox.control;
  const id = act({ act: "create-authorization", description: "on record", scope: ["global"] }).id ?? "";
  if (!alive) act({ act: "delete-authorization", id });
  w.memory.generations.push({
    secret: SECRET,
    credential: { id, description: "on record", scopes: ["global"], createdAt: nowText(), account: "" },
    fingerprints: { token: "of a value that nobody knows" },
    state: "current",
    since: nowText(),
  });
  return { w, id };
}

describe("the end of the old key", () => {
  it("[P3] leaves no key alive unseen that the record took for the present one", async () => {
    for (const alive of [true, false]) {
      const { w, id } = await overtaken(alive);
      const run = w.run();
      expect(await run.go()).toEqual({ status: "completed" });
      expect(w.memory.rotations).toMatchObject([{ old: { id: OLD } }]);
      expect(isAlive(w, id)).toBe(alive);
      expect([...w.memory.owed.values()]).toMatchObject(
        alive
          ? [{ id: strayId(SECRET, id), next: expect.stringContaining(`revoke ${SECRET} --id ${id}`) }]
          : [],
      );
    }
  });

  it.each(Object.entries(LOST))("when %s: settled by the list", async (_name, fault) => {
    const w = await world();
    w.sandbox.control.addFault({ ...END, ...fault, count: 1 });
    const run = w.run();
    expect(await run.go()).toEqual({ status: "completed" });
    expectRotated(w, run);
  });

  it("[X-14] does not come while a copy holds the old key, and comes once the copy was set right", async () => {
    const w = await world();
    const run = w.run();
    let done = false;
    const stand = await run.go({
      recorded: (key) => {
        if (done || !key.startsWith("soak/act")) return;
        done = true;
        w.sandbox.control.act({
          act: "set-config-var",
          app: "raxx-console-prod",
          name: "HEROKU_API_KEY",
          value: { authorization: OLD },
        });
      },
    });
    expect(stand).toMatchObject({ status: "held", trouble: { code: "COPY_HOLDS_OLD" } });
    expect(isAlive(w, OLD)).toBe(true);
    const [fresh = ""] = livingOf(w, run);
    w.sandbox.control.act({
      act: "set-config-var",
      app: "raxx-console-prod",
      name: "HEROKU_API_KEY",
      value: { authorization: fresh },
    });
    run.say({ choice: "retry" });
    expect(await run.go()).toEqual({ status: "completed" });
    expectRotated(w, run);
  });

  it("[X-14] does not come when somebody wrote the GitHub secret after us, or removed it", async () => {
    for (const value of [{ authorization: OLD }, null]) {
      const w = await world();
      const run = w.run();
      let done = false;
      const stand = await run.go({
        recorded: (key) => {
          if (done || !key.startsWith("soak/act")) return;
          done = true;
          w.sandbox.control.act({
            act: "set-github-secret",
            repository: "raxx-app/TradeMasterAPI",
            name: "HEROKU_API_KEY",
            value,
          });
        },
      });
      expect(stand.status).toBe("held");
      expect(["COPY_HOLDS_OLD", "DESTINATION_UNPROVED", "SWEEP_INCOMPLETE"]).toContain(stand.trouble?.code);
      expect(isAlive(w, OLD)).toBe(true);
      // What it holds cannot be read, so that only another write tells; the overlap begins anew with it.
      const before = w.clock.now();
      run.say({ choice: "retry" });
      expect(await run.go()).toEqual({ status: "completed" });
      expect(w.clock.now() - before).toBeGreaterThanOrEqual(30 * 60_000);
      expectRotated(w, run);
    }
  });

  it("[P2] does not come while one copy cannot be seen", async () => {
    const w = await world();
    const run = w.run();
    let done = false;
    const stand = await run.go({
      recorded: (key) => {
        if (done || !key.startsWith("tidy/prove")) return;
        done = true;
        w.sandbox.control.addFault({
          vendor: "github",
          method: "GET",
          kind: "status",
          status: 500,
          count: null,
        });
      },
    });
    expect(stand).toMatchObject({ status: "held", trouble: { code: "SWEEP_INCOMPLETE" } });
    expect(isAlive(w, OLD)).toBe(true);
    w.sandbox.control.clearFaults();
    run.say({ choice: "retry" });
    expect(await run.go()).toEqual({ status: "completed" });
    expectRotated(w, run);
  });
});

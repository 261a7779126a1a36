import { describe, expect, it } from "vitest";
import { RAXX } from "../../src/sandbox/raxx.ts";
import { everywhere } from "./dying.ts";
import { expectRotated, isAlive, OLD } from "./expectations.ts";
import { Died, type Life } from "./life.ts";
import { type World, world } from "./world.ts";

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

  it.each<[name: string, request: Parameters<World["run"]>[0]]>([
    ["a rotation", {}],
    ["one with a supplied key", { request: { supplied: true } }],
    ["a revoke", { flow: "revoke", request: { ending: { id: RAXX.sessionAuthorization } } }],
  ])(
    "[P2] [HK-04] while it was checked, and the vault got another key before the next process: %s does not go on with the first",
    async (_name, ask) => {
      const w = await world();
      const run = w.run(ask);
      let life: Life | undefined;
      const born = (one: Life) => {
        life = one;
      };
      const ran = (key: string) => (key === "check/act/1" ? life?.die() : undefined);
      await expect(run.go({ born, ran })).rejects.toThrow(Died);
      const { act } = w.sandbox.control;
      const { id = "" } = act({ act: "create-authorization", description: "by hand", scope: ["global"] });
      const place = { key: "HEROKU_API_KEY", environment: "prod", path: "/MooseQuest/heroku" };
      act({ act: "set-vault-secret", ...place, value: { authorization: id } });
      expect(await run.go()).toMatchObject({ status: "failed", trouble: { code: "VAULT_DIFFERS" } });
      expect(w.writes()).toEqual([]);
      expect(w.memory.sealed).toEqual([]);
      expect([isAlive(w, id), isAlive(w, OLD)]).toEqual([true, true]);
    },
  );

  it("refuses a replay that differs from the record", async () => {
    const w = await world();
    const run = w.run();
    await run.go();
    const [first] = run.kept.slots.values();
    run.kept.slots.set(0, { key: "another", text: first?.text ?? "" });
    await expect(run.go()).rejects.toThrow("replay differs");
  });
});

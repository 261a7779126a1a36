import { describe, expect, it } from "vitest";
import { checkConfig } from "../../src/app/config.ts";
import { RAXX } from "../../src/sandbox/raxx.ts";
import { expectRotated, isAlive, OLD } from "./expectations.ts";
import { raxx } from "./raxx-config.ts";
import { type Run, SECRET, type World, world } from "./world.ts";

/** Something happens after the soak, when everything was checked more than 15 minutes ago. */
async function afterSoak(happens: (w: World) => void): Promise<{ w: World; run: Run; stand: object }> {
  const w = await world();
  const run = w.run();
  let done = false;
  const stand = await run.go({
    recorded: (key) => {
      if (done || !key.startsWith("soak/act")) return;
      done = true;
      happens(w);
    },
  });
  return { w, run, stand };
}

describe("[X-13] right before the end of the old key", () => {
  it("the configuration is read again: a destination that was added meanwhile holds the run", async () => {
    const { w, run, stand } = await afterSoak(({ current }) => {
      const changed = raxx();
      const one = changed.secrets[SECRET];
      const [first] = (one?.destinations ?? []).flat();
      if (one && first) one.destinations?.push([{ ...first, fields: { token: "HEROKU_API_KEY_2" } }]);
      current.config = checkConfig(changed);
    });
    expect(stand).toMatchObject({ status: "held", trouble: { code: "PLAN_INCOMPLETE" } });
    expect(isAlive(w, OLD)).toBe(true);
    w.current.config = w.config;
    run.say({ choice: "retry" });
    expect(await run.go()).toEqual({ status: "completed" });
    expectRotated(w, run);
  });

  it("a destination that is another app by the same name, as the configuration has it now, holds the run", async () => {
    const { w, run, stand } = await afterSoak(({ current }) => {
      const changed = raxx();
      const apps = (changed.secrets[SECRET]?.destinations ?? []).flat().filter((one) => "appId" in one);
      for (const one of apps.slice(0, 1)) Object.assign(one, { appId: RAXX.apps["raxx-console-prod"] });
      current.config = checkConfig(changed);
    });
    expect(stand).toMatchObject({
      status: "held",
      trouble: { code: "PLAN_INCOMPLETE", message: expect.stringContaining("configured otherwise") },
    });
    expect(isAlive(w, OLD)).toBe(true);
    w.current.config = w.config;
    run.say({ choice: "retry" });
    expect(await run.go()).toEqual({ status: "completed" });
  });

  it.each<[name: string, code: string, happens: (w: World) => void, mends: (w: World) => void]>([
    [
      "a secret of the same name in an environment",
      "SHADOWED",
      ({ sandbox }) => shadow(sandbox.control, { authorization: OLD }),
      ({ sandbox }) => shadow(sandbox.control, null),
    ],
    [
      "a process that crashes",
      "DESTINATION_UNREADY",
      ({ sandbox }) =>
        void sandbox.control.act({
          act: "heroku.crashing",
          app: RAXX.apps["raxx-api-prod"],
          while: "always",
          afterSeconds: 0,
        }),
      ({ sandbox }) => {
        const app = RAXX.apps["raxx-api-prod"];
        sandbox.control.act({ act: "heroku.crashing", app, while: "never" });
        sandbox.control.act({ act: "restart-dynos", app });
      },
    ],
  ])("what was checked before the mint is checked again: %s", async (_name, code, happens, mends) => {
    const { w, run, stand } = await afterSoak((at) => happens(at));
    expect(stand).toMatchObject({ status: "held", trouble: { code } });
    expect(isAlive(w, OLD)).toBe(true);
    mends(w);
    await w.clock.pass(10 * 60_000);
    run.say({ choice: "retry" });
    expect(await run.go()).toEqual({ status: "completed" });
    expectRotated(w, run);
  });
});

function shadow(control: World["sandbox"]["control"], value: { authorization: string } | null): void {
  control.act({
    act: "set-github-secret",
    repository: "raxx-app/TradeMasterAPI",
    environment: "production",
    name: "HEROKU_API_KEY",
    value,
  });
}

import { describe, expect, it } from "vitest";
import { RAXX } from "../../src/sandbox/raxx.ts";
import { held, isAlive, livingOf, OLD, storeWrites } from "../flow/expectations.ts";
import { SECRET, world } from "../flow/world.ts";

type Destination = { kind: string; app?: string; appId?: string };

/** What happened to others, done to Lockstep: it stops before anybody's key is refused. */
describe("public incidents", () => {
  it("[P2][DR-15] Cloudflare R2, March 2025: the new key went to another environment, production kept the old one", async () => {
    const w = await world({
      change: (config) => {
        const one = config.secrets[SECRET];
        const waves = (one?.destinations ?? []) as unknown as Destination[][];
        if (one)
          one.destinations = waves
            .map((wave) => wave.filter(({ app }) => app?.endsWith("-prod") !== true))
            .filter((wave) => wave.length > 0) as never;
        return config;
      },
    });
    const run = w.run();
    expect(await run.go()).toMatchObject({ status: "held", trouble: { code: "COPY_UNDECLARED" } });
    expect(isAlive(w, OLD)).toBe(true);
    expect(held(w)["raxx-api-prod"]).toBe(OLD);
  });

  it("[P6] PagerDuty, March 2023: the wrong, similarly named secret was updated", async () => {
    const w = await world({
      change: (config) => {
        const waves = (config.secrets[SECRET]?.destinations ?? []) as unknown as Destination[][];
        for (const one of waves.flat())
          if (one.app === "raxx-api-prod") one.appId = RAXX.apps["raxx-api-staging"];
        return config;
      },
    });
    const run = w.run();
    expect(await run.go()).toMatchObject({ status: "failed" });
    expect(storeWrites(w)).toEqual([]);
    expect(livingOf(w, run)).toEqual([]);
  });

  it("[P10][HK-03] Azure AD, March 2021: automation removed a key that was marked to be kept", async () => {
    const w = await world({
      change: (config) => {
        const issuer = config.secrets[SECRET]?.issuer as unknown as {
          known: { id: string; description: string }[];
        };
        issuer.known.push({ id: OLD.slice(0, 8), description: "to be kept" });
        return config;
      },
    });
    expect(await w.run().go()).toMatchObject({ status: "failed", trouble: { code: "OLD_NOT_IDENTIFIED" } });
    expect(isAlive(w, OLD)).toBe(true);
    expect(w.writes()).toEqual([]);
  });

  it("[X-05][P4] Beyond Identity, October 2021: a rotation failed and nobody saw it", async () => {
    const w = await world();
    w.sandbox.control.set({ apps: { "raxx-api-prod": { releaseCommand: "migrate", releaseFails: true } } });
    const run = w.run();
    expect(await run.go()).toMatchObject({ status: "held" });
    const told = [...w.memory.escalations.values()];
    expect(told).toMatchObject([{ kind: "held", run: run.id }]);
    expect(isAlive(w, OLD)).toBe(true);
    // Nobody answers: people are reminded, and the run is never called complete.
    expect(w.memory.rotations).toEqual([]);
  });
});

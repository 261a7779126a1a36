import { describe, expect, it } from "vitest";
import { RAXX } from "../../src/sandbox/raxx.ts";
import { END, expectKeptPromises, expectWalkedBack, OLD } from "./expectations.ts";
import { SECRET, type World, world } from "./world.ts";

describe("[HK-06] a new key that is not what was asked for", () => {
  const atMint = (w: World, act: (id: string) => void) => {
    let done = false;
    return {
      answered: () => {
        const made = w.sandbox.heroku.authorizations.find((one) => one.description.includes(" ls-"));
        if (done || !made) return;
        done = true;
        act(made.id);
      },
    };
  };
  const app = (change: { id?: string; name?: string }) => ({
    change: (config: ReturnType<typeof import("./raxx-config.ts").raxx>) => {
      config.secrets[SECRET]?.issuer.apps?.push({
        id: change.id ?? RAXX.apps["raxx-api-prod"],
        name: change.name ?? "raxx-api-prod",
      });
      return config;
    },
  });

  it("has another scope: ended by id, nothing else touched", async () => {
    const w = await world();
    const run = w.run();
    const hooks = atMint(w, (id) =>
      w.sandbox.control.act({ act: "edit-authorization", id, scope: ["read"] }),
    );
    const stand = await run.go(hooks);
    expect(stand.status).toBe("failed");
    expect(["SCOPE_DIFFERS", "NEW_NOT_VALID"]).toContain(stand.trouble?.code);
    expectWalkedBack(w, run);
    const [mint, end, ...more] = w.writes();
    expect([mint?.method, end?.method, more]).toEqual(["POST", "DELETE", []]);
    expect(end?.path).not.toContain(OLD);
  });

  it.each([
    ["a declared app is gone", app({ id: "00000000-0000-4000-8000-000000000000", name: "raxx-gone" })],
    ["a declared app is called otherwise", app({ name: "raxx-api-other" })],
  ])("%s: ended, nothing else touched", async (_name, options) => {
    const w = await world(options);
    const run = w.run();
    expect(await run.go()).toMatchObject({ status: "failed", trouble: { code: "NEW_NOT_VALID" } });
    expectWalkedBack(w, run);
  });

  it("is never accepted: ended, nothing else touched", async () => {
    const w = await world();
    w.sandbox.control.set({ heroku: { mintDelayMs: 86_400_000 } });
    const run = w.run();
    const stand = await run.go();
    expect(stand.status).toBe("failed");
    expectWalkedBack(w, run);
  });

  it("cannot be judged because Heroku answers 500: ended all the same, nothing else touched", async () => {
    const w = await world();
    const run = w.run();
    const hooks = atMint(w, () =>
      w.sandbox.control.addFault({
        vendor: "heroku",
        method: "GET",
        route: "/account",
        kind: "status",
        status: 500,
        count: null,
      }),
    );
    expect(await run.go(hooks)).toMatchObject({ status: "failed", trouble: { code: "VENDOR_ERROR" } });
    expectWalkedBack(w, run);
  });

  it("cannot be ended: held with both alive, never swallowed, and undone when a person cancels", async () => {
    const w = await world(app({ name: "raxx-api-other" }));
    w.sandbox.control.addFault({ ...END, kind: "status", status: 500, count: null });
    const run = w.run();
    expect(await run.go()).toMatchObject({ status: "held", trouble: { code: "VENDOR_ERROR" } });
    expectKeptPromises(w, run);
    w.sandbox.control.clearFaults();
    run.say({ choice: "cancel" });
    expect(await run.go()).toMatchObject({ status: "cancelled" });
    expectWalkedBack(w, run);
  });
});

import { describe, expect, it } from "vitest";
import type { Act } from "../../src/sandbox/acts.ts";
import type { Fault } from "../../src/sandbox/faults.ts";
import { RAXX } from "../../src/sandbox/raxx.ts";
import { expectRotated, isAlive, OLD } from "./expectations.ts";
import { SECRET, type World, world } from "./world.ts";

const vault = (value: object): Act =>
  ({
    act: "set-vault-secret",
    environment: "prod",
    path: "/MooseQuest/heroku",
    key: "HEROKU_API_KEY",
    value,
  }) as Act;

const nothingHappened = (w: World) => {
  expect(w.writes()).toEqual([]);
  expect(w.memory.audit.filter((one) => one.action.endsWith(".intended"))).toEqual([]);
  expect(w.memory.sealed).toEqual([]);
};

describe("[HK-04] the old authorization, before anything is minted", () => {
  const cases: Record<string, (w: World) => void> = {
    "the account's default key": (w) => {
      const id = w.sandbox.heroku.authorizations.find((one) => one.description === "API Key")?.id ?? "";
      w.sandbox.control.act(vault({ authorization: id }));
    },
    "a key that is declared as somebody else's": (w) => {
      w.sandbox.control.act(vault({ authorization: RAXX.sessionAuthorization }));
    },
    "no visible character": (w) => w.sandbox.control.set({ heroku: { redaction: { prefix: 0, suffix: 0 } } }),
    "three visible characters at the end": (w) =>
      w.sandbox.control.set({ heroku: { redaction: { prefix: 12, suffix: 3 } } }),
    "only the constant prefix": (w) =>
      w.sandbox.control.set({ heroku: { redaction: { prefix: 5, suffix: 0 } } }),
  };
  it.each(Object.entries(cases))("stops at %s", async (_name, arrange) => {
    const w = await world();
    arrange(w);
    const run = w.run();
    expect(await run.go()).toMatchObject({ status: "failed", trouble: { code: "OLD_NOT_IDENTIFIED" } });
    nothingHappened(w);
    expect(isAlive(w, OLD)).toBe(true);
  });

  it("stops when the recorded id is gone from the list, though the characters would fit another", async () => {
    const w = await world();
    await w.run().go();
    const fresh = w.memory.generations.find((one) => one.state === "current");
    expect(fresh).toBeDefined();
    const ours = w.sandbox.heroku.authorizations.find((one) => one.id === fresh?.credential.id);
    w.sandbox.control.journal.clear();
    if (fresh) w.memory.generations.splice(1, 1, { ...fresh, credential: { ...fresh.credential, id: OLD } });
    const again = w.run();
    expect(await again.go()).toMatchObject({ status: "failed", trouble: { code: "OLD_NOT_IDENTIFIED" } });
    expect(w.writes()).toEqual([]);
    expect(ours?.deletedAt).toBeNull();
  });

  it("goes by the characters when the vault was changed by hand since the last rotation", async () => {
    const w = await world();
    await w.run().go();
    await w.clock.pass(25 * 3_600_000);
    const { id = "" } = w.sandbox.control.act({
      act: "create-authorization",
      description: "made by hand",
      scope: ["global"],
    });
    w.sandbox.control.act(vault({ authorization: id }));
    const again = w.run();
    expect(await again.go()).toEqual({ status: "completed" });
    expect(isAlive(w, id)).toBe(false);
  });

  it("stops when the value is of another account", async () => {
    const w = await world({
      change: (config) => {
        const issuer = config.secrets[SECRET]?.issuer;
        if (issuer) issuer.account = "somebody@moosequest.net";
        return config;
      },
    });
    expect(await w.run().go()).toMatchObject({ status: "failed", trouble: { code: "ACCOUNT_DIFFERS" } });
    nothingHappened(w);
  });
});

describe("a start that cannot succeed", () => {
  it("[DR-10] names a dead old key, and mints nothing", async () => {
    const w = await world({ unguarded: true });
    w.sandbox.control.act({ act: "delete-authorization", id: OLD });
    expect(await w.run().go()).toMatchObject({
      status: "failed",
      trouble: { code: "OLD_TOKEN_INVALID", message: expect.stringContaining("infisical prod") },
    });
    nothingHappened(w);
  });

  it("stops at a federated account", async () => {
    const w = await world();
    w.sandbox.control.set({ heroku: { federated: true } });
    expect(await w.run().go()).toMatchObject({ status: "failed", trouble: { code: "ACCOUNT_FEDERATED" } });
    nothingHappened(w);
  });

  it("[HK-25] stops when the vault entry is written by the vault's own rotation", async () => {
    const w = await world();
    w.sandbox.control.act({
      act: "mark-rotated",
      environment: "prod",
      path: "/MooseQuest/heroku",
      key: "HEROKU_API_KEY",
      rotated: true,
    });
    expect(await w.run().go()).toMatchObject({
      status: "failed",
      trouble: { code: "VAULT_ENTRY_UNSUITABLE" },
    });
    nothingHappened(w);
  });

  it("stops when an app is gone, or the GitHub token sees no repository", async () => {
    for (const fault of [
      {
        vendor: "heroku",
        method: "GET",
        route: `/apps/${RAXX.apps["raxx-console-prod"]}*`,
        kind: "status",
        status: 404,
      },
      { vendor: "github", method: "GET", kind: "status", status: 404 },
    ] satisfies Fault[]) {
      const w = await world();
      w.sandbox.control.addFault({ ...fault, count: null });
      expect(await w.run().go()).toMatchObject({
        status: "failed",
        trouble: { code: "VENDOR_TARGET_MISSING" },
      });
      nothingHappened(w);
    }
  });
});

describe("[X-09] what is not the vendor's own", () => {
  const pages: Record<string, Fault> = {
    "a proxy's 401 for the account": {
      vendor: "heroku",
      method: "GET",
      route: "/account",
      kind: "html",
      status: 401,
    },
    "a proxy's 403 for the account": {
      vendor: "heroku",
      method: "GET",
      route: "/account",
      kind: "html",
      status: 403,
    },
    "a proxy's 404 for the list": {
      vendor: "heroku",
      method: "GET",
      route: "/oauth/authorizations",
      kind: "html",
      status: 404,
    },
    "a page instead of the vault's secret": { vendor: "infisical", method: "GET", kind: "html", status: 200 },
    "a page instead of the repository": { vendor: "github", method: "GET", kind: "html", status: 200 },
  };
  it.each(Object.entries(pages))("takes %s as unknown, and starts nothing", async (_name, fault) => {
    const w = await world();
    w.sandbox.control.addFault({ ...fault, count: null });
    const stand = await w.run().go();
    expect(stand).toMatchObject({ status: "failed" });
    expect(["VENDOR_REPLY_FOREIGN", "OLD_NOT_IDENTIFIED"]).toContain(stand.trouble?.code);
    expect(stand.trouble?.code).not.toBe("OLD_TOKEN_INVALID");
    nothingHappened(w);
  });

  it("takes a proxy's 401 after the end as no death: held, and completed once Heroku itself refuses", async () => {
    const w = await world();
    const run = w.run();
    let ended = false;
    const first = await run.go({
      answered: () => {
        if (ended || !w.writes().some((one) => one.method === "DELETE")) return;
        ended = true;
        w.sandbox.control.addFault({
          vendor: "heroku",
          method: "GET",
          route: "/account",
          kind: "html",
          status: 401,
          count: null,
        });
      },
    });
    expect(first).toMatchObject({ status: "held", trouble: { code: "OLD_NOT_DEAD" } });
    w.sandbox.control.clearFaults();
    run.say({ choice: "retry" });
    expect(await run.go()).toMatchObject({ status: "completed" });
    expectRotated(w, run);
  });

  it("takes no death from a refusal without a living control", async () => {
    const w = await world();
    const run = w.run();
    let ended = false;
    const stand = await run.go({
      answered: () => {
        if (ended || !w.writes().some((one) => one.method === "DELETE")) return;
        ended = true;
        // Heroku's own 401 for everybody: an outage of its accounts, say.
        w.sandbox.control.addFault({
          vendor: "heroku",
          method: "GET",
          route: "/account",
          kind: "status",
          status: 401,
          count: null,
        });
      },
    });
    expect(stand).toMatchObject({ status: "held", trouble: { code: "OLD_NOT_DEAD" } });
    expect(w.memory.rotations).toEqual([]);
  });
});

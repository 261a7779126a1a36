import { beforeEach, describe, expect, it } from "vitest";
import type { Vault } from "../../core/store.ts";
import { secretsOf, testFingerprint } from "../../vendors/testing.ts";
import { AT, CONFIG, KEY, vaultWorld } from "./testing.ts";

const PLACE = { ...AT, key: KEY };
let world: Awaited<ReturnType<typeof vaultWorld>>;
let vault: Vault;

const unsuitable = (...words: string[]) => ({
  is: "refused",
  trouble: { code: "VAULT_ENTRY_UNSUITABLE", message: expect.stringMatching(words.join(".*")) },
});

describe.each(["v3", "v4"] as const)("whether an entry is ready on %s", (generation) => {
  beforeEach(async () => {
    world = await vaultWorld(generation);
    vault = world.connect();
  });

  it("[HK-25] is told with the observation and the right to write, and changes nothing", async () => {
    const ready = await vault.ready();
    expect(ready).toMatchObject({
      is: "done",
      value: {
        present: true,
        version: "3",
        targetId: CONFIG.project,
        fingerprints: testFingerprint(secretsOf({ token: world.old })),
        mayWrite: "yes",
      },
    });
    // The older build has no routes that would tell of these.
    const open = ready.is === "done" ? ready.value.open : [];
    expect(open).toEqual(
      generation === "v4"
        ? []
        : [expect.stringMatching(/own rotation writes/), expect.stringMatching(/native syncs of prod/)],
    );
    expect(world.writes()).toBe(0);
  });

  it("[HK-25] refuses an absent entry", async () => {
    vault = world.connect({ fields: { token: "NOT_THERE" } });
    expect(await vault.ready()).toMatchObject({ is: "refused", trouble: { code: "VENDOR_TARGET_MISSING" } });
    vault = world.connect({ path: "/not/there" });
    expect(await vault.ready()).toMatchObject({ is: "refused", trouble: { code: "VENDOR_TARGET_MISSING" } });
  });

  it("[HK-25] names what a reference refers to, and nothing that could be a part of a value", async () => {
    const set = (text: string) => world.control.act({ act: "set-vault-secret", ...PLACE, value: { text } });
    set("$" + "{prod.shared.HEROKU_API_KEY}");
    for (const look of [vault.ready, vault.observe, vault.read])
      expect(await look()).toMatchObject(unsuitable(KEY, "a reference to prod.shared.HEROKU_API_KEY"));
    set("left$" + "{inner}right");
    const mixed = await vault.ready();
    expect(mixed).toMatchObject(unsuitable(KEY, "references to other secrets"));
    expect(JSON.stringify(mixed)).not.toMatch(/left|inner|right/);
    // Without the closing brace it is a text like any other.
    set("a$" + "{b");
    expect((await vault.ready()).is).toBe("done");
  });

  it("[HK-25] names the import that an entry comes from", async () => {
    const from = { environment: "dev", path: "/shared" };
    world.control.act({ act: "set-vault-secret", ...from, key: "NEW_KEY", value: { generated: 30 } });
    world.control.act({ act: "import-vault-folder", ...AT, from });
    vault = world.connect({ fields: { token: "NEW_KEY" } });
    const imported = unsuitable("NEW_KEY", "imported from dev", ...(generation === "v4" ? ["/shared"] : []));
    for (const look of [vault.ready, vault.observe]) expect(await look()).toMatchObject(imported);
    expect(await vault.write(secretsOf({ token: "value-of-the-test" }))).toMatchObject(imported);
    expect(world.writes()).toBe(0);
    // An entry of the folder's own goes before its imports.
    expect((await world.connect().ready()).is).toBe("done");
  });

  it("[HK-25] refuses an identity whose rights do not let it write there", async () => {
    const denied = { is: "refused", trouble: { code: "VENDOR_PERMISSION" } };
    expect(await world.connect({}, "viewer").ready()).toMatchObject(denied);
    const rule = { act: "set-vault-permission", identity: "lockstep", allow: false } as const;
    const actions = ["edit" as const];
    world.control.act({ ...rule, actions, environment: "prod", path: "/MooseQuest/**" });
    expect(await vault.ready()).toMatchObject(denied);
    world.control.act({ ...rule, actions, allow: true, path: "/*/heroku" });
    expect(await vault.ready()).toMatchObject({ is: "done", value: { mayWrite: "yes" } });
    world.control.act({ ...rule, actions, environment: "dev" });
    expect(await vault.ready()).toMatchObject({ is: "done", value: { mayWrite: "yes" } });
    expect(await world.connect({}, "stranger").ready()).toMatchObject(denied);
    expect(world.writes()).toBe(0);
  });

  it("[HK-25] says so where the identity may not see its own rights", async () => {
    const actions = ["read"] as const;
    world.control.act({
      act: "set-vault-permission",
      identity: "lockstep",
      subject: "identity",
      actions: [...actions],
      allow: false,
    });
    const ready = await vault.ready();
    expect(ready).toMatchObject({ is: "done", value: { mayWrite: "unknown" } });
    expect(ready.is === "done" && ready.value.open.join()).toMatch(
      /whether this identity may write HEROKU_API_KEY/,
    );
  });

  it("[X-09] [HK-25] takes a proxy's page for nothing, whichever call it answers", async () => {
    await vault.ready();
    const calls = world.calls().filter((one) => one.includes(" 200"));
    expect(calls.length).toBeGreaterThan(2);
    for (const status of [200, 401, 403, 404]) {
      for (const skip of calls.keys()) {
        world.control.addFault({ kind: "html", status, method: "GET", skip });
        expect(await vault.ready()).toMatchObject({
          is: "unknown",
          trouble: { code: "VENDOR_REPLY_FOREIGN" },
        });
        world.control.clearFaults();
      }
    }
  });
});

describe("what only the current build tells", () => {
  beforeEach(async () => {
    world = await vaultWorld("v4");
    vault = world.connect();
  });

  it("[HK-25] names the rotation that writes an entry", async () => {
    world.control.act({ act: "mark-rotated", ...PLACE, rotated: true });
    const rotated = unsuitable(KEY, "secret rotation \\([0-9a-f-]{36}\\)");
    for (const look of [vault.ready, vault.observe, vault.read]) expect(await look()).toMatchObject(rotated);
  });

  it("[HK-25] names the native sync that takes an entry along, and its destination", async () => {
    const destination = { kind: "heroku", app: "raxx-console-prod" } as const;
    const made = world.control.act({ act: "add-vault-sync", ...AT, destination, name: "to-console" });
    expect(await vault.ready()).toMatchObject(
      unsuitable(KEY, 'native sync "to-console"', "heroku raxx-console-prod"),
    );
    // Only its own folder is taken along, and only while it is on.
    expect(
      (await world.connect({ path: "/MooseQuest/app", fields: { token: "SECRET_KEY" } }).ready()).is,
    ).toBe("done");
    expect((await vault.observe()).is).toBe("done");
    world.control.act({ act: "change-vault-sync", id: made.id ?? "", active: false });
    expect((await vault.ready()).is).toBe("done");
    const there = {
      kind: "github",
      repository: "raxx-app/TradeMasterAPI",
      environment: "production",
    } as const;
    world.control.act({ act: "add-vault-sync", ...AT, destination: there });
    expect(await vault.ready()).toMatchObject(unsuitable("github", "raxx-app TradeMasterAPI production"));
  });

  it("[HK-25] says so where the identity may not list native syncs", async () => {
    const rule = { act: "set-vault-permission", identity: "lockstep", allow: false } as const;
    world.control.act({ ...rule, subject: "secret-syncs", actions: ["read"] });
    const ready = await vault.ready();
    expect(ready).toMatchObject({
      is: "done",
      value: { mayWrite: "yes", open: [expect.stringContaining("native syncs of prod /MooseQuest/heroku")] },
    });
  });

  it("[HK-25] calls a value that this identity may not read a missing right", async () => {
    const rule = { act: "set-vault-permission", identity: "lockstep", allow: false } as const;
    world.control.act({ ...rule, actions: ["readValue"] });
    expect(await vault.ready()).toMatchObject({ is: "refused", trouble: { code: "VENDOR_PERMISSION" } });
  });
});

import { createHash } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { withoutValues } from "../../core/secret-value.ts";
import type { Vault } from "../../core/store.ts";
import { secretsOf, testFingerprint } from "../../vendors/testing.ts";
import { AT, CONFIG, KEY, vaultWorld } from "./testing.ts";

const OURS = "11111111-2222-4333-8444-555555555555";
const OTHER = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
const CLAIMS = { environment: "prod", path: `${CONFIG.path}/lockstep` };
let world: Awaited<ReturnType<typeof vaultWorld>>;
let vault: Vault;

function keyed(text: string) {
  return testFingerprint(secretsOf({ token: text }))["token"];
}

async function holdings(of = vault) {
  const found = await of.survey();
  if (found.is !== "done") throw new Error(found.trouble.message);
  return found.value;
}

const places = async (of = vault) => (await holdings(of)).map(({ place }) => place).toSorted();

describe.each(["v3", "v4"] as const)("a survey on %s", (generation) => {
  beforeEach(async () => {
    world = await vaultWorld(generation);
    vault = world.connect();
  });

  it("[DR-15] finds a copy of any name, in any environment and path", async () => {
    const copy = {
      environment: "dev",
      path: "/somewhere/else",
      key: "OLD_NAME",
      value: { text: world.old },
    };
    world.control.act({ act: "set-vault-secret", ...copy });
    const found = await holdings();
    expect(found).toContainEqual({
      place: "infisical dev /somewhere/else OLD_NAME",
      fingerprint: keyed(world.old),
    });
    expect(found).toContainEqual({
      place: `infisical prod ${CONFIG.path} ${KEY}`,
      fingerprint: keyed(world.old),
    });
    expect(found.filter((one) => one.fingerprint === keyed(world.old))).toHaveLength(2);
    expect(found.map(({ place }) => place)).toContain("infisical prod /MooseQuest/app SECRET_KEY");
  });

  it("[DR-15] [X-10] leaves out claims, but not what only lies in a folder of that name", async () => {
    const before = await places();
    await vault.putClaim(OURS);
    expect(await places()).toEqual(before);
    world.control.act({ act: "set-vault-secret", ...CLAIMS, key: "OTHER_KEY", value: { text: OTHER } });
    world.control.act({ act: "set-vault-secret", ...CLAIMS, key: KEY, value: { text: world.old } });
    const more = [`infisical prod ${CLAIMS.path} ${KEY}`, `infisical prod ${CLAIMS.path} OTHER_KEY`];
    expect(await places()).toEqual([...before, ...more].toSorted());
  });

  it("[DR-15] skips what the identity may not read, and finds the rest below it", async () => {
    const rule = { act: "set-vault-permission", identity: "lockstep" } as const;
    const actions = ["read" as const];
    world.control.act({
      act: "set-vault-secret",
      environment: "prod",
      path: "/",
      key: "AT_ROOT",
      value: { text: "x" },
    });
    world.control.act({ act: "set-vault-role", identity: "lockstep", role: "no-access" });
    expect(await places()).toEqual([]);
    world.control.act({ ...rule, actions, allow: true, environment: "prod", path: "/MooseQuest/**" });
    expect(await places()).toEqual([
      "infisical prod /MooseQuest/app SECRET_KEY",
      `infisical prod ${CONFIG.path} ${KEY}`,
      `infisical prod ${CONFIG.path} HEROKU_BILLING_API_KEY`,
    ]);
    world.control.act({ ...rule, actions, allow: false, path: "/MooseQuest/app" });
    expect(await places()).toEqual([
      `infisical prod ${CONFIG.path} ${KEY}`,
      `infisical prod ${CONFIG.path} HEROKU_BILLING_API_KEY`,
    ]);
  });

  it("[DR-15] goes on where another environment has no such folder, or hides a value", async () => {
    const before = await places();
    const body = { statusCode: 403, message: "You are not allowed", error: "PermissionDenied" };
    // The first environment's root, and the list of its folders.
    for (const skip of [1, 1])
      world.control.addFault({ kind: "status", status: 403, body, method: "GET", skip });
    expect(await places()).toEqual(before);
    const hidden = {
      secretKey: "HIDDEN",
      secretPath: "/",
      secretValue: "<hidden>",
      secretValueHidden: true,
    };
    const secrets = { kind: "status", status: 200, body: { secrets: [hidden] } } as const;
    world.control.addFault({ ...secrets, method: "GET", skip: 1 });
    expect(await places()).toEqual(before);
  });

  it("[DR-15] keeps none of the ordinary words that it reads, which texts would lose from then on", async () => {
    const word = "an-ordinary-word-of-the-configuration";
    const digest = createHash("sha256").update(word).digest("hex").slice(0, 32);
    world.control.act({ act: "set-vault-secret", ...AT, key: "WORD", value: { text: word } });
    expect(await holdings()).toContainEqual({
      place: `infisical prod ${CONFIG.path} WORD`,
      fingerprint: digest,
    });
    expect(withoutValues(`${word} stays`)).toBe(`${word} stays`);
  });

  it("[DR-15] [X-09] is no survey where one part of it failed", async () => {
    await vault.survey();
    const calls = world.calls().filter((one) => one.includes(" 200"));
    expect(calls).toHaveLength(4);
    for (const skip of calls.keys()) {
      for (const status of [200, 401, 403, 404]) {
        world.control.addFault({ kind: "html", status, method: "GET", skip });
        expect((await vault.survey()).is).toBe("unknown");
        world.control.clearFaults();
      }
      world.control.addFault({ kind: "status", status: 503, method: "GET", skip });
      expect((await vault.survey()).is).toBe("retryable");
      world.control.clearFaults();
    }
    expect(await world.connect({ project: "0e0e0e0e-0000-4000-8000-000000000000" }).survey()).toMatchObject({
      is: "refused",
      trouble: { code: "VENDOR_TARGET_MISSING" },
    });
  });
});

import { beforeEach, describe, expect, it } from "vitest";
import type { Issuer } from "../../core/issuer.ts";
import { RAXX } from "../../sandbox/raxx.ts";
import type { HerokuAuthorizationConfig } from "./config.ts";
import { type AuthorizationWorld, authorizationWorld } from "./testing.ts";

let world: AuthorizationWorld;
let issuer: Issuer;

beforeEach(async () => {
  world = await authorizationWorld();
  issuer = world.connect();
});

describe("[HK-06] validate", () => {
  const validate = async (change: Partial<HerokuAuthorizationConfig> = {}) => {
    const { credential, values } = await world.minted(world.connect());
    // Connected after minting, so that its results are searched for the new value too.
    issuer = world.connect(change);
    return { credential, values, proof: await issuer.validate(credential, values) };
  };

  it("[HK-06] proves account, scope and every declared app", async () => {
    const { proof } = await validate();
    expect(proof).toMatchObject({ is: "proved", says: expect.stringContaining("reads 4 apps") });
  });

  it("[HK-06] refutes another account, another scope, an app unread or under another name", async () => {
    const code = async (change: Partial<HerokuAuthorizationConfig>) => {
      const { proof } = await validate(change);
      return proof.is === "proved" ? "proved" : `${proof.is} ${proof.trouble.code}`;
    };
    expect(await code({ account: "somebody@example.com" })).toBe("refuted ACCOUNT_DIFFERS");
    expect(await code({ scope: ["read"] })).toBe("refuted SCOPE_DIFFERS");
    const id = RAXX.apps["raxx-api-prod"];
    expect(await code({ apps: [{ id, name: "another" }] })).toBe("refuted NEW_NOT_VALID");
    const missing = "0e0e0e0e-0000-4000-8000-000000000000";
    expect(await code({ apps: [{ id: missing, name: "raxx-api-prod" }] })).toBe("refuted NEW_NOT_VALID");
  });

  it("[HK-06] refutes a value that is not the authorization's", async () => {
    const { credential } = await world.minted(issuer);
    expect(await issuer.validate(credential, world.old)).toMatchObject({
      is: "refuted",
      trouble: { code: "NEW_NOT_VALID" },
    });
  });

  it("[HK-06] waits for a fresh token to be accepted, and gives it up after a minute", async () => {
    world.control.set({ heroku: { mintDelayMs: 600_000 } });
    const { credential, values, proof } = await validate();
    expect(proof.is).toBe("unknown");
    await world.clock.advance(60_000);
    expect(await issuer.validate(credential, values)).toMatchObject({ is: "refuted" });
    await world.clock.advance(600_000);
    expect((await issuer.validate(credential, values)).is).toBe("proved");
  });

  it("[HK-06] waits where a fresh token is accepted by one of Heroku's machines and not yet by another", async () => {
    const route = `/apps/${RAXX.apps["raxx-api-prod"]}`;
    world.control.addFault({ kind: "status", status: 401, vendor: "heroku", route, count: null });
    const { credential, values, proof } = await validate();
    expect(proof).toMatchObject({ is: "unknown", trouble: { code: "VENDOR_REFUSED_CREDENTIAL" } });
    await world.clock.advance(60_000);
    expect(await issuer.validate(credential, values)).toMatchObject({ is: "refuted" });
    world.control.clearFaults();
    expect((await issuer.validate(credential, values)).is).toBe("proved");
  });

  it("[HK-20] serves a key of narrower scope that reads no app", async () => {
    issuer = world.connect({ scope: ["read"], apps: [] });
    const { credential, values } = await world.minted(issuer);
    expect(await issuer.validate(credential, values)).toMatchObject({ is: "proved" });
    expect(world.authorization(credential.id).scope).toEqual(["read"]);
  });
});

import { beforeEach, describe, expect, it } from "vitest";
import type { Issuer } from "../../core/issuer.ts";
import { RAXX } from "../../sandbox/raxx.ts";
import { secretsOf } from "../../vendors/testing.ts";
import { type AuthorizationWorld, authorizationWorld, OWN } from "./testing.ts";

let world: AuthorizationWorld;
let issuer: Issuer;

beforeEach(async () => {
  world = await authorizationWorld();
  issuer = world.connect();
});

describe("[HK-04] identify", () => {
  const current = RAXX.currentAuthorization;
  const doubt = (words: string) => ({
    is: "refused",
    trouble: { code: "OLD_NOT_IDENTIFIED", message: expect.stringContaining(words) },
  });
  const redact = (prefix: number, suffix: number) =>
    world.control.set({ heroku: { redaction: { prefix, suffix } } });

  it("[HK-04] names the one entry that fits, with and without a record", async () => {
    const credential = {
      id: current,
      description: "raxx-ci-rotation-2026-07",
      scopes: ["global"],
      createdAt: "2026-07-01T14:02:11.000Z",
      account: "kris@moosequest.net",
    };
    redact(8, 4);
    expect(await issuer.identify(world.old, undefined)).toEqual({ is: "done", value: credential });
    expect(await issuer.identify(world.old, { id: current })).toEqual({ is: "done", value: credential });
    // The least that is enough: six beyond the constant prefix, four of them suffix.
    redact(7, 4);
    expect(await issuer.identify(world.old, undefined)).toEqual({ is: "done", value: credential });
    redact(7, 0);
    expect(await issuer.identify(world.old, { id: current })).toEqual({ is: "done", value: credential });
  });

  it.each([
    [5, 5, "only 5 telling characters"],
    [6, 4, "only 5 telling characters"],
    [10, 3, "only 8 telling characters"],
    [65, 0, "only 60 telling characters"],
    [9, 0, "telling characters"],
    [0, 5, "only 5 telling characters"],
  ])(
    "[HK-04] refuses fewer characters without a record: %i before, %i after",
    async (prefix, suffix, words) => {
      redact(prefix, suffix);
      expect(await issuer.identify(world.old, undefined)).toMatchObject(doubt(words));
    },
  );

  it("[HK-13] stops beside an entry of the convention that is younger than 24 h and not the present key", async () => {
    redact(8, 6);
    const other = await world.minted(issuer);
    expect(await issuer.identify(world.old, undefined)).toMatchObject({
      is: "refused",
      trouble: { code: "DUPLICATE_UNCLEAR" },
    });
    world.authorization(other.credential.id).createdAt -= 86_400_000;
    expect(await issuer.identify(world.old, undefined)).toMatchObject({ is: "done", value: { id: current } });
  });

  it.each(["ci-rotation", "{YYYY-MM} ci rotation", "{YYYY-MM}"])(
    "[HK-13] does so whatever the convention begins with: %s",
    async (description) => {
      redact(8, 6);
      const one = world.connect({ description });
      expect(await one.identify(world.old, undefined)).toMatchObject({ is: "done" });
      await one.mint({ tag: "ls-aaaaaaaaaaaa", description });
      expect(await one.identify(world.old, undefined)).toMatchObject({
        is: "refused",
        trouble: { code: "DUPLICATE_UNCLEAR" },
      });
    },
  );

  it("[HK-04] refuses when two entries fit, and when none does", async () => {
    redact(8, 4);
    const other = await world.minted(issuer);
    const twin = world.authorization(other.credential.id);
    twin.createdAt -= 2 * 86_400_000;
    const { token } = world.authorization(current);
    twin.token = `${token.slice(0, 10)}${"x".repeat(token.length - 20)}${token.slice(-10)}`;
    expect(await issuer.identify(world.old, undefined)).toMatchObject(doubt("2 authorizations fit"));
    // A record decides between them.
    expect(await issuer.identify(world.old, { id: current })).toMatchObject({
      is: "done",
      value: { id: current },
    });
    expect(await issuer.identify(secretsOf({ token: "HRKU-none" }), undefined)).toMatchObject(
      doubt("none of the"),
    );
  });

  it("[HK-04] refuses when record and characters disagree, or the record's is gone, or nothing is shown", async () => {
    redact(8, 4);
    expect(await issuer.identify(world.old, { id: RAXX.sessionAuthorization })).toMatchObject(
      doubt("not those of the value"),
    );
    expect(await issuer.identify(world.old, { id: "~" })).toMatchObject(doubt("is not in Heroku's list"));
    world.control.act({ act: "delete-authorization", id: RAXX.sessionAuthorization });
    expect(await issuer.identify(world.old, { id: RAXX.sessionAuthorization })).toMatchObject(
      doubt("not in Heroku's list"),
    );
    redact(5, 0);
    expect(await issuer.identify(world.old, { id: current })).toMatchObject(doubt("shows no character"));
  });

  it("[HK-04] refuses the default key, a session's token, and a revoked token's entry", async () => {
    redact(8, 4);
    const standard = world.sandbox.heroku.authorizations.find((one) => one.isDefault)?.id ?? "";
    expect(await issuer.identify(world.tokenOf(standard), undefined)).toMatchObject(doubt("default API key"));
    expect(await issuer.identify(world.tokenOf(standard), { id: standard })).toMatchObject(
      doubt("default API key"),
    );
    world.authorization(current).sessionId = "b0a0";
    expect(await issuer.identify(world.old, { id: current })).toMatchObject(doubt("login session"));
    world.authorization(current).tokenRevokedAt = world.clock.now();
    issuer = world.connect({}, standard);
    await world.clock.advance(1);
    expect(await issuer.identify(world.old, { id: current })).toMatchObject(doubt("shows no character"));
  });

  it("[HK-03] refuses one that is known as somebody else's, by its full id or its first 8 characters", async () => {
    redact(8, 4);
    const billing = RAXX.billingAuthorization;
    expect(await issuer.identify(world.tokenOf(billing), undefined)).toMatchObject(doubt("somebody else's"));
    issuer = world.connect({ known: [{ id: current, description: "" }] });
    expect(await issuer.identify(world.old, { id: current })).toMatchObject(doubt("somebody else's"));
  });

  it("[HK-04] refuses an entry of another user than the configured account", async () => {
    redact(8, 4);
    issuer = world.connect({ account: "somebody@example.com" });
    expect(await issuer.identify(world.old, { id: current })).toMatchObject(
      doubt("belongs to kris@moosequest.net"),
    );
  });

  it("[HK-24] identifies a supplied value where no other living key is left, and validates it", async () => {
    redact(8, 4);
    const dead = world.control.act({ act: "create-authorization", description: "x", scope: ["global"] });
    issuer = world.connect({}, dead.id);
    world.control.act({ act: "delete-authorization", id: dead.id ?? "" });
    await world.clock.advance(1);
    expect(await issuer.identify(world.old, undefined)).toMatchObject({ is: "done", value: { id: current } });
    const found = await issuer.identify(world.old, { id: current });
    if (found.is !== "done") throw new Error(found.trouble.message);
    expect(await issuer.validate(found.value, world.old)).toMatchObject({ is: "proved" });
    expect(await issuer.identify(world.tokenOf(dead.id ?? ""), undefined)).toMatchObject({
      is: "refused",
      trouble: { code: "VENDOR_REFUSED_CREDENTIAL" },
    });
  });

  it("[HK-24] identifies the value of a federated account, which has no default key", async () => {
    redact(8, 4);
    world.control.set({ heroku: { federated: true } });
    const body = { id: "forbidden", message: "This account is a federated account." };
    const fault = { kind: "status", status: 403, headers: OWN, route: "/oauth/authorizations/~" } as const;
    world.control.addFault({ ...fault, body });
    expect(await issuer.identify(world.old, undefined)).toMatchObject({ is: "done", value: { id: current } });
    world.control.addFault(fault);
    expect(await issuer.identify(world.old, undefined)).toMatchObject({
      trouble: { code: "VENDOR_PERMISSION" },
    });
  });

  it("[HK-04] refuses the recorded id where what is shown of it fits at one end only", async () => {
    redact(8, 4);
    const entry = world.authorization(current);
    const value = entry.token;
    entry.token = `${value.slice(0, -4)}zzzz`;
    issuer = world.connect();
    expect(await issuer.identify(secretsOf({ token: value }), { id: current })).toMatchObject(
      doubt("not those of the value"),
    );
  });

  it("[X-09] is not told by a reply that is not Heroku's, and works without a default key", async () => {
    redact(8, 4);
    world.control.addFault({ kind: "html", status: 404, route: "/oauth/authorizations/~" });
    expect(await issuer.identify(world.old, undefined)).toMatchObject({ is: "unknown" });
    for (const one of world.sandbox.heroku.authorizations) one.isDefault = false;
    expect((await issuer.identify(world.old, undefined)).is).toBe("done");
  });
});

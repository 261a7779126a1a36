import { beforeEach, describe, expect, it } from "vitest";
import type { Issuer } from "../../core/issuer.ts";
import { Secret } from "../../core/secret-value.ts";
import { RAXX } from "../../sandbox/raxx.ts";
import { secretsOf } from "../../vendors/testing.ts";
import { herokuAuthorization } from "./issuer.ts";
import { type AuthorizationWorld, authorizationWorld, CONFIG, INTENT, OWN, TAG } from "./testing.ts";

let world: AuthorizationWorld;
let issuer: Issuer;

beforeEach(async () => {
  world = await authorizationWorld();
  issuer = world.connect();
});

describe("[HK-05] mint", () => {
  it("[HK-05] creates one authorization with scope, convention and tag", async () => {
    const { credential, values } = await world.minted(issuer);
    expect(credential).toMatchObject({ description: `raxx-ci-rotation-2026-10 ${TAG}`, scopes: ["global"] });
    expect(values["token"]).toEqual(Secret.of(world.authorization(credential.id).token));
    expect(await issuer.findByTag(TAG)).toEqual({ is: "done", value: [credential] });
  });

  it("[HK-05] sends it once: a lost reply is unknown, and found again by the tag only", async () => {
    for (const fault of [{ kind: "lost-reply" }, { kind: "truncated" }, { kind: "error-after" }] as const) {
      world.control.addFault({ ...fault, method: "POST" });
      expect((await issuer.mint(INTENT)).is).toBe("unknown");
    }
    const found = await issuer.findByTag(TAG);
    expect(found.is === "done" && found.value).toHaveLength(3);
    for (const tag of ["", "7f3a91", "lk-7f3a9", "raxx-ci-rotation-2026-10"])
      expect(await issuer.findByTag(tag)).toEqual({ is: "done", value: [] });
  });

  it("names a federated account, and waits under a rate limit", async () => {
    world.control.set({ heroku: { federated: true } });
    expect(await issuer.mint(INTENT)).toMatchObject({
      is: "refused",
      trouble: { code: "ACCOUNT_FEDERATED" },
    });
    world.control.addFault({ kind: "status", status: 403, headers: OWN });
    expect(await issuer.mint(INTENT)).toMatchObject({ trouble: { code: "VENDOR_PERMISSION" } });
    world.control.addFault({ kind: "status", status: 429, headers: OWN });
    expect(await issuer.mint(INTENT)).toMatchObject({ is: "retryable", afterMs: 4_000 });
  });
});

describe("[HK-09] end and after", () => {
  it("[HK-09] ends exactly one id, and a missing one is done", async () => {
    const { credential, values } = await world.minted(issuer);
    expect((await issuer.isListed(credential.id)).is).toBe("alive");
    expect(await issuer.end(credential.id)).toEqual({ is: "done", value: undefined });
    expect(await issuer.end(credential.id)).toEqual({ is: "done", value: undefined });
    expect(await issuer.isListed(credential.id)).toMatchObject({ is: "dead" });
    expect(await issuer.probe(values)).toMatchObject({
      is: "dead",
      says: expect.stringContaining("401 unauthorized"),
    });
    expect(await issuer.probe(world.old)).toMatchObject({ is: "alive" });
    for (const id of ["~", "", credential.id.slice(0, 8), "../account"])
      expect(await issuer.end(id)).toMatchObject({ is: "refused", trouble: { code: "OLD_NOT_IDENTIFIED" } });
  });

  it("[HK-03] never ends one that is known as somebody else's", async () => {
    for (const id of [RAXX.billingAuthorization, RAXX.billingAuthorization.toUpperCase()])
      expect(await issuer.end(id)).toMatchObject({
        is: "refused",
        trouble: { code: "OLD_NOT_IDENTIFIED" },
      });
    expect(world.control.journal.list().filter(({ method }) => method === "DELETE")).toEqual([]);
    expect(world.authorization(RAXX.billingAuthorization).deletedAt).toBe(null);
  });

  it("[HK-09] takes no other 404 for a death, and a lost reply for nothing", async () => {
    const { credential } = await world.minted(issuer);
    const route = { id: "not_found", message: "The requested API endpoint was not found." };
    world.control.addFault({ kind: "status", status: 404, headers: OWN, body: route });
    expect((await issuer.end(credential.id)).is).toBe("refused");
    world.control.addFault({ kind: "html", status: 404 });
    expect((await issuer.end(credential.id)).is).toBe("unknown");
    world.control.addFault({ kind: "lost-reply" });
    expect((await issuer.end(credential.id)).is).toBe("unknown");
  });

  it("[X-09] calls a key dead only on Heroku's own 401", async () => {
    for (const fault of [
      { kind: "html", status: 401 },
      { kind: "html", status: 403 },
      { kind: "status", status: 401, headers: { "request-id": "" } },
      { kind: "status", status: 403, headers: OWN },
      { kind: "status", status: 401, headers: OWN, body: { id: "device_trust_required", message: "x" } },
      { kind: "status", status: 429, headers: OWN },
      { kind: "lost-reply" },
    ] as const) {
      world.control.addFault({ ...fault, count: 3 });
      expect((await issuer.probe(world.old)).is).toBe("unknown");
      expect((await issuer.introspect(world.old)).is).toBe("unknown");
      expect((await issuer.isListed(RAXX.currentAuthorization)).is).toBe("unknown");
      world.control.clearFaults();
    }
    world.control.set({ heroku: { suspended: true } });
    expect((await issuer.introspect(world.old)).is).toBe("unknown");
  });

  it("lists every authorization of the account", async () => {
    const found = await issuer.list();
    expect(found.is === "done" && found.value.map(({ id }) => id).sort()).toEqual(
      world.sandbox.heroku.authorizations.map(({ id }) => id).sort(),
    );
    world.control.addFault({ kind: "html", status: 200 });
    expect((await issuer.list()).is).toBe("unknown");
  });

  it("[HK-24] says how a person makes one, and what its token looks like", () => {
    const byHand = (change: object) =>
      herokuAuthorization.describe(herokuAuthorization.config.parse({ ...CONFIG, ...change })).byHand;
    const { lines = [], fields = [] } = byHand({}) ?? {};
    expect(lines).toContain('heroku authorizations:create -s global -d "{description}"');
    expect(lines.join()).toContain("https://dashboard.heroku.com/");
    const narrow = byHand({ scope: ["read", "write"] })?.lines ?? [];
    expect(narrow).toContain('heroku authorizations:create -s read,write -d "{description}"');
    expect(narrow.join()).not.toContain("dashboard");
    expect(fields).toEqual([{ name: "token", label: "Token", shape: expect.any(String) }]);
    const shape = new RegExp(`^(?:${fields[0]?.shape})$`);
    const { id, token } = world.authorization(RAXX.currentAuthorization);
    for (const text of [token, `HRKU-${id}`, id]) expect(shape.test(text)).toBe(true);
    for (const text of [`${token} `, token.slice(5), `HRKU-${"*".repeat(60)}`, "HRKU-", id.slice(1), ""])
      expect(shape.test(text)).toBe(false);
  });

  it("says who a value is, and whether the account can mint", async () => {
    world.control.set({ heroku: { federated: true } });
    expect(await issuer.introspect(world.old)).toMatchObject({
      is: "alive",
      account: "kris@moosequest.net",
      federated: true,
    });
    expect(await issuer.introspect(secretsOf({ token: "HRKU-wrong" }))).toMatchObject({
      is: "dead",
      trouble: { code: "VENDOR_REFUSED_CREDENTIAL" },
    });
  });

  it("costs what it declares", async () => {
    const { costs } = herokuAuthorization;
    const calls = async (body: () => Promise<unknown>) => {
      const before = world.control.journal.list().length;
      await body();
      return world.control.journal.list().length - before;
    };
    const config = herokuAuthorization.config.parse(CONFIG);
    expect(await calls(() => issuer.introspect(world.old))).toBe(costs.introspect);
    expect(await calls(() => issuer.identify(world.old, undefined))).toBe(costs.identify);
    const { credential, values } = await world.minted(issuer);
    expect(await calls(() => issuer.findByTag(TAG))).toBe(costs.findByTag);
    expect(await calls(() => issuer.validate(credential, values))).toBe(costs.validate(config));
    expect(await calls(() => issuer.isListed(credential.id))).toBe(costs.isListed);
    expect(await calls(() => issuer.end(credential.id))).toBe(costs.end);
    expect(await calls(() => issuer.probe(world.old))).toBe(costs.probe);
    expect(herokuAuthorization.describe(config)).toMatchObject({ scope: "global", account: CONFIG.account });
  });
});

import { beforeEach, describe, expect, it } from "vitest";
import type { Issuer } from "../../core/issuer.ts";
import { Secret, type Values } from "../../core/secret-value.ts";
import { RAXX } from "../../sandbox/raxx.ts";
import { testSandbox } from "../../sandbox/testing.ts";
import { heroku } from "../../vendors/heroku/client.ts";
import { clockOf, secretsOf, testConnection, testFingerprint, watched } from "../../vendors/testing.ts";
import type { HerokuAuthorizationConfig } from "./config.ts";
import { herokuAuthorization } from "./issuer.ts";

const TAG = "lk-7f3a91";
const OWN = { "request-id": "x" };
const INTENT = { tag: TAG, description: "raxx-ci-rotation-{YYYY-MM}" };
let world: Awaited<ReturnType<typeof testSandbox>>;
let issuer: Issuer;
let old: Values;

const CONFIG = {
  account: "kris@moosequest.net",
  description: "raxx-ci-rotation-{YYYY-MM}",
  known: [{ id: "0ef029d2", description: "billing collector" }],
  apps: Object.entries(RAXX.apps).map(([name, id]) => ({ name, id })),
};

function connect(
  change: Partial<HerokuAuthorizationConfig> = {},
  access = RAXX.currentAuthorization as string,
) {
  const { tokens } = world.sandbox.control.estate().heroku;
  const send = (request: Request) => world.sandbox.fetch("heroku", request);
  const connection = testConnection(send, world.clock, { token: tokens[access] ?? "" });
  const deps = {
    client: heroku.connect(connection),
    fingerprint: testFingerprint,
    clock: clockOf(world.clock),
  };
  const config = herokuAuthorization.config.parse({ ...CONFIG, ...change });
  issuer = watched(herokuAuthorization.connect(config, deps), Object.values(tokens));
  old = secretsOf({ token: tokens[RAXX.currentAuthorization] ?? "" });
}

beforeEach(async () => {
  world = await testSandbox();
  connect();
});

function tokenOf(id: string): Values {
  return secretsOf({ token: world.sandbox.control.estate().heroku.tokens[id] ?? "" });
}

async function minted() {
  const outcome = await issuer.mint(INTENT);
  if (outcome.is !== "done") throw new Error(outcome.trouble.message);
  return outcome.value;
}

function authorization(id: string) {
  const found = world.sandbox.heroku.authorizations.find((one) => one.id === id);
  if (!found) throw new Error("no such authorization");
  return found;
}

describe("[HK-04] identify", () => {
  const current = RAXX.currentAuthorization;
  const doubt = (words: string) => ({
    is: "refused",
    trouble: { code: "OLD_NOT_IDENTIFIED", message: expect.stringContaining(words) },
  });
  const redact = (prefix: number, suffix: number) =>
    world.sandbox.control.set({ heroku: { redaction: { prefix, suffix } } });

  it("[HK-04] names the one entry that fits, with and without a record", async () => {
    const credential = {
      id: current,
      description: "raxx-ci-rotation-2026-07",
      scopes: ["global"],
      createdAt: "2026-07-01T14:02:11.000Z",
      account: "kris@moosequest.net",
    };
    redact(8, 4);
    expect(await issuer.identify(old, undefined)).toEqual({ is: "done", value: credential });
    expect(await issuer.identify(old, { id: current })).toEqual({ is: "done", value: credential });
    // The least that is enough: six beyond the constant prefix, four of them suffix.
    redact(7, 4);
    expect(await issuer.identify(old, undefined)).toEqual({ is: "done", value: credential });
    redact(7, 0);
    expect(await issuer.identify(old, { id: current })).toEqual({ is: "done", value: credential });
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
      expect(await issuer.identify(old, undefined)).toMatchObject(doubt(words));
    },
  );

  it("[HK-13] stops beside an entry of the convention that is younger than 24 h and not the present key", async () => {
    redact(8, 6);
    const other = await minted();
    expect(await issuer.identify(old, undefined)).toMatchObject({
      is: "refused",
      trouble: { code: "DUPLICATE_UNCLEAR" },
    });
    authorization(other.credential.id).createdAt -= 86_400_000;
    expect(await issuer.identify(old, undefined)).toMatchObject({ is: "done", value: { id: current } });
  });

  it("[HK-04] refuses when two entries fit, and when none does", async () => {
    redact(8, 4);
    const other = await minted();
    const twin = authorization(other.credential.id);
    twin.createdAt -= 2 * 86_400_000;
    const { token } = authorization(current);
    twin.token = `${token.slice(0, 10)}${"x".repeat(token.length - 20)}${token.slice(-10)}`;
    expect(await issuer.identify(old, undefined)).toMatchObject(doubt("2 authorizations fit"));
    // A record decides between them.
    expect(await issuer.identify(old, { id: current })).toMatchObject({ is: "done", value: { id: current } });
    expect(await issuer.identify(secretsOf({ token: "HRKU-none" }), undefined)).toMatchObject(
      doubt("none of the"),
    );
  });

  it("[HK-04] refuses when record and characters disagree, or the record's is gone, or nothing is shown", async () => {
    redact(8, 4);
    expect(await issuer.identify(old, { id: RAXX.sessionAuthorization })).toMatchObject(
      doubt("not those of the value"),
    );
    expect(await issuer.identify(old, { id: "~" })).toMatchObject(doubt("is not in Heroku's list"));
    world.sandbox.control.act({ act: "delete-authorization", id: RAXX.sessionAuthorization });
    expect(await issuer.identify(old, { id: RAXX.sessionAuthorization })).toMatchObject(
      doubt("not in Heroku's list"),
    );
    redact(5, 0);
    expect(await issuer.identify(old, { id: current })).toMatchObject(doubt("shows no character"));
  });

  it("[HK-04] refuses the default key, a session's token, and a revoked token's entry", async () => {
    redact(8, 4);
    const standard = world.sandbox.heroku.authorizations.find((one) => one.isDefault)?.id ?? "";
    expect(await issuer.identify(tokenOf(standard), undefined)).toMatchObject(doubt("default API key"));
    expect(await issuer.identify(tokenOf(standard), { id: standard })).toMatchObject(
      doubt("default API key"),
    );
    authorization(current).sessionId = "b0a0";
    expect(await issuer.identify(old, { id: current })).toMatchObject(doubt("login session"));
    authorization(current).tokenRevokedAt = world.clock.now();
    connect({}, standard);
    await world.clock.advance(1);
    expect(await issuer.identify(old, { id: current })).toMatchObject(doubt("not those of the value"));
  });

  it("[HK-03] refuses one that is known as somebody else's, by its full id or its first 8 characters", async () => {
    redact(8, 4);
    const billing = RAXX.billingAuthorization;
    expect(await issuer.identify(tokenOf(billing), undefined)).toMatchObject(doubt("somebody else's"));
    connect({ known: [{ id: current, description: "" }] });
    expect(await issuer.identify(old, { id: current })).toMatchObject(doubt("somebody else's"));
  });

  it("[HK-04] refuses an entry of another user than the configured account", async () => {
    redact(8, 4);
    connect({ account: "somebody@example.com" });
    expect(await issuer.identify(old, { id: current })).toMatchObject(
      doubt("belongs to kris@moosequest.net"),
    );
  });

  it("[HK-24] identifies a supplied value where no other living key is left, and validates it", async () => {
    redact(8, 4);
    const dead = world.sandbox.control.act({
      act: "create-authorization",
      description: "x",
      scope: ["global"],
    });
    connect({}, dead.id);
    world.sandbox.control.act({ act: "delete-authorization", id: dead.id ?? "" });
    await world.clock.advance(1);
    expect(await issuer.identify(old, undefined)).toMatchObject({ is: "done", value: { id: current } });
    const found = await issuer.identify(old, { id: current });
    if (found.is !== "done") throw new Error(found.trouble.message);
    expect(await issuer.validate(found.value, old)).toMatchObject({ is: "proved" });
    expect(await issuer.identify(tokenOf(dead.id ?? ""), undefined)).toMatchObject({
      is: "refused",
      trouble: { code: "VENDOR_REFUSED_CREDENTIAL" },
    });
  });

  it("[HK-24] identifies the value of a federated account, which has no default key", async () => {
    redact(8, 4);
    world.sandbox.control.set({ heroku: { federated: true } });
    const body = { id: "forbidden", message: "This account is a federated account." };
    const fault = { kind: "status", status: 403, headers: OWN, route: "/oauth/authorizations/~" } as const;
    world.sandbox.control.addFault({ ...fault, body });
    expect(await issuer.identify(old, undefined)).toMatchObject({ is: "done", value: { id: current } });
    world.sandbox.control.addFault(fault);
    expect(await issuer.identify(old, undefined)).toMatchObject({ trouble: { code: "VENDOR_PERMISSION" } });
  });

  it("[HK-04] refuses the recorded id where what is shown of it fits at one end only", async () => {
    redact(8, 4);
    const entry = authorization(current);
    const value = entry.token;
    entry.token = `${value.slice(0, -4)}zzzz`;
    connect();
    expect(await issuer.identify(secretsOf({ token: value }), { id: current })).toMatchObject(
      doubt("not those of the value"),
    );
  });

  it("[X-09] is not told by a reply that is not Heroku's, and works without a default key", async () => {
    redact(8, 4);
    world.sandbox.control.addFault({ kind: "html", status: 404, route: "/oauth/authorizations/~" });
    expect(await issuer.identify(old, undefined)).toMatchObject({ is: "unknown" });
    for (const one of world.sandbox.heroku.authorizations) one.isDefault = false;
    expect((await issuer.identify(old, undefined)).is).toBe("done");
  });
});

describe("[HK-05] mint", () => {
  it("[HK-05] creates one authorization with scope, convention and tag", async () => {
    const { credential, values } = await minted();
    expect(credential).toMatchObject({ description: `raxx-ci-rotation-2026-10 ${TAG}`, scopes: ["global"] });
    expect(values["token"]).toEqual(Secret.of(authorization(credential.id).token));
    expect(await issuer.findByTag(TAG)).toEqual({ is: "done", value: [credential] });
  });

  it("[HK-05] sends it once: a lost reply is unknown, and found again by the tag only", async () => {
    for (const fault of [{ kind: "lost-reply" }, { kind: "truncated" }, { kind: "error-after" }] as const) {
      world.sandbox.control.addFault({ ...fault, method: "POST" });
      expect((await issuer.mint(INTENT)).is).toBe("unknown");
    }
    const found = await issuer.findByTag(TAG);
    expect(found.is === "done" && found.value).toHaveLength(3);
    for (const tag of ["", "7f3a91", "lk-7f3a9", "raxx-ci-rotation-2026-10"])
      expect(await issuer.findByTag(tag)).toEqual({ is: "done", value: [] });
  });

  it("names a federated account, and waits under a rate limit", async () => {
    world.sandbox.control.set({ heroku: { federated: true } });
    expect(await issuer.mint(INTENT)).toMatchObject({
      is: "refused",
      trouble: { code: "ACCOUNT_FEDERATED" },
    });
    world.sandbox.control.addFault({ kind: "status", status: 403, headers: OWN });
    expect(await issuer.mint(INTENT)).toMatchObject({ trouble: { code: "VENDOR_PERMISSION" } });
    world.sandbox.control.addFault({ kind: "status", status: 429, headers: OWN });
    expect(await issuer.mint(INTENT)).toMatchObject({ is: "retryable", afterMs: 4_000 });
  });
});

describe("[HK-06] validate", () => {
  const validate = async (change: Partial<HerokuAuthorizationConfig> = {}) => {
    connect();
    const { credential, values } = await minted();
    connect(change);
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
    const { credential } = await minted();
    expect(await issuer.validate(credential, old)).toMatchObject({
      is: "refuted",
      trouble: { code: "NEW_NOT_VALID" },
    });
  });

  it("[HK-06] waits for a fresh token to be accepted, and gives it up after a minute", async () => {
    world.sandbox.control.set({ heroku: { mintDelayMs: 600_000 } });
    const { credential, values, proof } = await validate();
    expect(proof.is).toBe("unknown");
    await world.clock.advance(60_000);
    expect(await issuer.validate(credential, values)).toMatchObject({ is: "refuted" });
    await world.clock.advance(600_000);
    expect((await issuer.validate(credential, values)).is).toBe("proved");
  });

  it("[HK-20] serves a key of narrower scope that reads no app", async () => {
    connect({ scope: ["read"], apps: [] });
    const { credential, values } = await minted();
    expect(await issuer.validate(credential, values)).toMatchObject({ is: "proved" });
    expect(authorization(credential.id).scope).toEqual(["read"]);
  });
});

describe("[HK-09] end and after", () => {
  it("[HK-09] ends exactly one id, and a missing one is done", async () => {
    const { credential, values } = await minted();
    expect((await issuer.isListed(credential.id)).is).toBe("alive");
    expect(await issuer.end(credential.id)).toEqual({ is: "done", value: undefined });
    expect(await issuer.end(credential.id)).toEqual({ is: "done", value: undefined });
    expect(await issuer.isListed(credential.id)).toMatchObject({ is: "dead" });
    expect(await issuer.probe(values)).toMatchObject({
      is: "dead",
      says: expect.stringContaining("401 unauthorized"),
    });
    expect(await issuer.probe(old)).toMatchObject({ is: "alive" });
    for (const id of ["~", "", credential.id.slice(0, 8), "../account"])
      expect(await issuer.end(id)).toMatchObject({ is: "refused", trouble: { code: "OLD_NOT_IDENTIFIED" } });
  });

  it("[HK-03] never ends one that is known as somebody else's", async () => {
    expect(await issuer.end(RAXX.billingAuthorization)).toMatchObject({ is: "refused" });
    expect(authorization(RAXX.billingAuthorization).deletedAt).toBe(null);
  });

  it("[HK-09] takes no other 404 for a death, and a lost reply for nothing", async () => {
    const { credential } = await minted();
    const route = { id: "not_found", message: "The requested API endpoint was not found." };
    world.sandbox.control.addFault({ kind: "status", status: 404, headers: OWN, body: route });
    expect((await issuer.end(credential.id)).is).toBe("refused");
    world.sandbox.control.addFault({ kind: "html", status: 404 });
    expect((await issuer.end(credential.id)).is).toBe("unknown");
    world.sandbox.control.addFault({ kind: "lost-reply" });
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
      world.sandbox.control.addFault({ ...fault, count: 3 });
      expect((await issuer.probe(old)).is).toBe("unknown");
      expect((await issuer.introspect(old)).is).toBe("unknown");
      expect((await issuer.isListed(RAXX.currentAuthorization)).is).toBe("unknown");
      world.sandbox.control.clearFaults();
    }
    world.sandbox.control.set({ heroku: { suspended: true } });
    expect((await issuer.introspect(old)).is).toBe("unknown");
  });

  it("[HK-16] lists every authorization of the account", async () => {
    const found = await issuer.list();
    expect(found.is === "done" && found.value.map(({ id }) => id).sort()).toEqual(
      world.sandbox.heroku.authorizations.map(({ id }) => id).sort(),
    );
    world.sandbox.control.addFault({ kind: "html", status: 200 });
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
    const { id, token } = authorization(RAXX.currentAuthorization);
    for (const text of [token, `HRKU-${id}`, id]) expect(shape.test(text)).toBe(true);
    for (const text of [`${token} `, token.slice(5), `HRKU-${"*".repeat(60)}`, "HRKU-", id.slice(1), ""])
      expect(shape.test(text)).toBe(false);
  });

  it("says who a value is, and whether the account can mint", async () => {
    world.sandbox.control.set({ heroku: { federated: true } });
    expect(await issuer.introspect(old)).toMatchObject({
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
      const before = world.sandbox.control.journal.list().length;
      await body();
      return world.sandbox.control.journal.list().length - before;
    };
    const config = herokuAuthorization.config.parse(CONFIG);
    expect(await calls(() => issuer.introspect(old))).toBe(costs.introspect);
    expect(await calls(() => issuer.identify(old, undefined))).toBe(costs.identify);
    const { credential, values } = await minted();
    expect(await calls(() => issuer.findByTag(TAG))).toBe(costs.findByTag);
    expect(await calls(() => issuer.validate(credential, values))).toBe(costs.validate(config));
    expect(await calls(() => issuer.isListed(credential.id))).toBe(costs.isListed);
    expect(await calls(() => issuer.end(credential.id))).toBe(costs.end);
    expect(await calls(() => issuer.probe(old))).toBe(costs.probe);
    expect(herokuAuthorization.describe(config)).toMatchObject({ scope: "global", account: CONFIG.account });
  });
});

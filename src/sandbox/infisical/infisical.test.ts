import { beforeEach, describe, expect, it } from "vitest";
import { RAXX } from "../raxx.ts";
import { at, type Send, testSandbox } from "../testing.ts";
import { currentValue } from "./state.ts";

let world: Awaited<ReturnType<typeof testSandbox>>;
let send: Send;
const PLACE = { environment: "prod", secretPath: "/MooseQuest/heroku" };
const V4 = { projectId: RAXX.projectId, ...PLACE };
const V3 = { workspaceId: RAXX.projectId, ...PLACE };
const query = (fields: Record<string, string>) => `?${new URLSearchParams(fields)}`;
const KEY = "/api/v4/secrets/HEROKU_API_KEY";

beforeEach(async () => {
  world = await testSandbox();
  send = await world.login("lockstep");
});

function stored(key = "HEROKU_API_KEY") {
  const secret = world.sandbox.infisical.projects[0]?.secrets.find((one) => one.key === key);
  return secret ? currentValue(secret) : undefined;
}

describe("universal auth", () => {
  const login = "/api/v1/auth/universal-auth/login";

  it("locks an identity out after three wrong secrets, for a while", async () => {
    const { clientId, clientSecret } = world.sandbox.control.estate().infisical.identities["lockstep"] ?? {};
    const plain = world.plain("infisical");
    for (let tries = 0; tries < 3; tries += 1)
      await plain("POST", login, { clientId, clientSecret: "wrong" });
    const locked = await plain("POST", login, { clientId, clientSecret });
    expect([locked.status, at(locked.body, "message")]).toEqual([
      401,
      "This identity auth method is temporarily locked, please try again later",
    ]);
    await world.clock.advance(300_000);
    expect((await plain("POST", login, { clientId, clientSecret })).status).toBe(200);
  });

  it("refuses expired, revoked and foreign tokens in different words", async () => {
    const url = KEY + query(V4);
    await world.clock.advance(7_200_000);
    expect(at((await send("GET", url)).body, "error")).toBe("TokenError");
    const fresh = await world.login("lockstep");
    world.sandbox.control.act({ act: "revoke-vault-tokens", identity: "lockstep" });
    expect(at((await fresh("GET", url)).body, "message")).toBe("No identity access token found");
    expect((await (await world.login("stranger"))("GET", url)).status).toBe(403);
    expect((await world.plain("infisical")("GET", url)).status).toBe(401);
  });

  it("asks for a missing field with 422", async () => {
    const reply = await world.plain("infisical")("POST", login, { clientId: "x" });
    expect([reply.status, at(reply.body, "error"), at(reply.body, "message", 0, "path")]).toEqual([
      422,
      "ValidationFailure",
      ["clientSecret"],
    ]);
    expect(at(reply.body, "reqId")).toBeDefined();
  });
});

describe("secrets of the current build", () => {
  it("reads by v4 and v3 routes, hides on request, and knows old versions", async () => {
    const now = await send("GET", KEY + query(V4));
    expect([at(now.body, "secret", "version"), at(now.body, "secret", "secretValueHidden")]).toEqual([
      3,
      false,
    ]);
    const old = await send("GET", KEY + query({ ...V4, version: "1" }));
    expect(at(old.body, "secret", "version")).toBe(1);
    expect(at(old.body, "secret", "secretValue")).not.toBe(at(now.body, "secret", "secretValue"));
    expect((await send("GET", KEY + query({ ...V4, version: "99" }))).status).toBe(404);
    const hidden = await send("GET", KEY + query({ ...V4, viewSecretValue: "false" }));
    expect([at(hidden.body, "secret", "secretValueHidden"), hidden.text.includes("HRKU-")]).toEqual([
      true,
      false,
    ]);
    const legacy = await send("GET", `/api/v3/secrets/raw/HEROKU_API_KEY${query(V3)}`);
    expect(at(legacy.body, "secret", "secretValue")).toBe(stored());
  });

  it("normalises values, raises the version on every write, and echoes rather than reads", async () => {
    await send("PATCH", KEY, { ...V4, secretValue: "one", secretComment: "kept" });
    const reply = await send("PATCH", KEY, { ...V4, secretValue: "  two \n\n" });
    expect([at(reply.body, "secret", "version"), at(reply.body, "secret", "secretComment")]).toEqual([5, ""]);
    expect(stored()).toBe("two\n");
    expect(at((await send("GET", KEY + query(V4))).body, "secret", "secretComment")).toBe("kept");
  });

  it("creates folders with their parents, and secrets only in folders that exist", async () => {
    const elsewhere = { ...V4, environment: "dev", secretPath: "/a/b" };
    expect(
      at((await send("POST", "/api/v4/secrets/X", { ...elsewhere, secretValue: "x" })).body, "error"),
    ).toBe("CreateSecret");
    const folder = { projectId: RAXX.projectId, environment: "dev", name: "b", path: "/a" };
    const made = await send("POST", "/api/v2/folders", folder);
    expect(at((await send("POST", "/api/v2/folders", folder)).body, "folder", "id")).toBe(
      at(made.body, "folder", "id"),
    );
    expect((await send("POST", "/api/v4/secrets/X", { ...elsewhere, secretValue: "x" })).status).toBe(200);
    expect((await send("POST", "/api/v4/secrets/X", { ...elsewhere, secretValue: "x" })).status).toBe(400);
  });

  it("writes a batch as a whole or not at all", async () => {
    const secrets = [
      { secretKey: "HEROKU_API_KEY", secretValue: "b" },
      { secretKey: "ABSENT", secretValue: "c" },
    ];
    const before = stored();
    expect((await send("PATCH", "/api/v4/secrets/batch", { ...V4, secrets })).status).toBe(404);
    expect(stored()).toBe(before);
    expect((await send("PATCH", "/api/v4/secrets/batch", { ...V4, secrets, mode: "upsert" })).status).toBe(
      200,
    );
    expect([stored(), stored("ABSENT")]).toEqual(["b", "c"]);
  });

  it("lets a viewer read but not write, and refuses to delete a rotated secret", async () => {
    const viewer = await world.login("viewer");
    expect((await viewer("GET", KEY + query(V4))).status).toBe(200);
    const refused = await viewer("PATCH", KEY, { ...V4, secretValue: "x" });
    expect([refused.status, at(refused.body, "message")]).toEqual([
      403,
      "You are not allowed to edit on secrets",
    ]);
    world.sandbox.control.act({
      act: "mark-rotated",
      environment: "prod",
      path: PLACE.secretPath,
      key: "HEROKU_API_KEY",
      rotated: true,
    });
    expect((await send("DELETE", KEY, V4)).status).toBe(400);
  });

  it("answers an approval instead of a secret under a policy that covers identities", async () => {
    world.sandbox.control.set({ infisical: { approvalsCoverIdentities: true } });
    world.sandbox.control.act({
      act: "set-approval-policy",
      environment: "prod",
      path: PLACE.secretPath,
      on: true,
    });
    const before = stored();
    const reply = await send("PATCH", KEY, { ...V4, secretValue: "wanted" });
    expect([reply.status, at(reply.body, "secret"), at(reply.body, "approval", "status")]).toEqual([
      200,
      undefined,
      "open",
    ]);
    expect(stored()).toBe(before);
    world.sandbox.control.act({
      act: "decide-approval",
      id: String(at(reply.body, "approval", "id")),
      decision: "merge",
    });
    expect(stored()).toBe("wanted");
  });

  it("hides behind an access proxy that answers in HTML", async () => {
    world.sandbox.control.set({ infisical: { proxy: { clientId: "id", clientSecret: "s" } } });
    const refused = await send("GET", KEY + query(V4));
    expect([refused.status, refused.headers.get("content-type")]).toEqual([403, "text/html; charset=utf-8"]);
    const { headers } = world.sandbox.control.estate().infisical;
    expect((await send("GET", KEY + query(V4), undefined, headers)).status).toBe(200);
  });
});

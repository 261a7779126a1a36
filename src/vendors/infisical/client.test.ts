import { beforeEach, describe, expect, it } from "vitest";
import { Secret } from "../../core/secret-value.ts";
import { raxxEstate } from "../../sandbox/estate.ts";
import { RAXX } from "../../sandbox/raxx.ts";
import { testSandbox } from "../../sandbox/testing.ts";
import { type TestConnection, testConnection, watched } from "../testing.ts";
import { type InfisicalClient, infisicalClient, missingIn } from "./client.ts";
import type { Place } from "./shapes.ts";

const PLACE: Place = { project: RAXX.projectId, environment: "prod", path: "/MooseQuest/heroku" };
const KEY = "HEROKU_API_KEY";
const VALUE = "new-value-of-the-test";
let world: Awaited<ReturnType<typeof testSandbox>>;
let connection: TestConnection;
let client: InfisicalClient;

async function start(generation: "v3" | "v4") {
  world = await testSandbox({ estate: raxxEstate({ generation }) });
  const { clientId = "", clientSecret = "" } =
    world.sandbox.control.estate().infisical.identities["lockstep"] ?? {};
  const send = (request: Request) => world.sandbox.fetch("infisical", request);
  connection = testConnection(send, world.clock, { clientId, clientSecret });
  const tokens = world.sandbox.control.estate().heroku.tokens;
  client = watched(infisicalClient(connection), [
    clientSecret,
    VALUE,
    tokens[RAXX.currentAuthorization] ?? "",
  ]);
}

function paths() {
  return world.sandbox.control.journal
    .list()
    .map(({ method, path, status }) => `${method} ${path} ${status}`);
}

const logins = () => paths().filter((one) => one.includes("/login")).length;

beforeEach(() => start("v4"));

describe.each(["v3", "v4"] as const)("the Infisical client on %s", (generation) => {
  beforeEach(() => start(generation));

  it("reads and writes, and logs in once", async () => {
    expect(await client.secret(PLACE, KEY)).toMatchObject({
      is: "done",
      value: { version: 3, hidden: false },
    });
    expect(await client.updateSecret(PLACE, KEY, Secret.of(VALUE))).toEqual({
      is: "done",
      value: { is: "written", version: 4 },
    });
    const there = { ...PLACE, path: "/new/folder" };
    const missing = await client.secret(there, KEY);
    expect(missing.is !== "done" && missingIn(missing)).toBe("folder");
    expect((await client.createFolder(there)).is).toBe("done");
    expect((await client.createSecret(there, KEY, Secret.of(VALUE))).is).toBe("done");
    const read = await client.secret(there, KEY);
    expect(read.is === "done" && read.value.value.equals(Secret.of(VALUE))).toBe(true);
    expect((await client.createFolder({ ...PLACE, path: "/" })).is).toBe("done");
    expect(logins()).toBe(1);
    const older = paths().filter((one) => one.includes("/api/v3/") || one.includes("/api/v1/folders"));
    expect(older.length > 0).toBe(generation === "v3");
    // The current routes are tried once for each family and never again.
    expect(paths().filter((one) => /\/api\/(v4|v2\/folders).* 404/.test(one))).toHaveLength(
      generation === "v3" ? 2 : 1,
    );
  });

  it("tells what a 404 says is missing", async () => {
    const whats = [
      await client.secret(PLACE, "NOPE"),
      await client.secret({ ...PLACE, environment: "nope" }, KEY),
      await client.secret({ ...PLACE, project: "0e0e0e0e-0000-4000-8000-000000000000" }, KEY),
    ].map((answer) => answer.is !== "done" && missingIn(answer));
    expect(whats).toEqual(["secret", "folder", "something else"]);
    expect((await client.createFolder({ ...PLACE, environment: "nope", path: "/x" })).is).toBe("refused");
  });

  it("logs in again exactly once, for a refused token and for an expired one", async () => {
    await client.secret(PLACE, KEY);
    world.sandbox.control.act({ act: "revoke-vault-tokens" });
    expect((await client.updateSecret(PLACE, KEY, Secret.of(VALUE))).is).toBe("done");
    expect(logins()).toBe(2);
    await world.clock.advance(2_592_000_000);
    expect((await client.secret(PLACE, KEY)).is).toBe("done");
    expect(logins()).toBe(3);
    const refused = { statusCode: 401, message: "Token missing", error: "UnauthorizedError" };
    world.sandbox.control.addFault({
      kind: "status",
      status: 401,
      body: refused,
      method: "GET",
      count: null,
    });
    expect(await client.secret(PLACE, KEY)).toMatchObject({ trouble: { code: "VENDOR_REFUSED_CREDENTIAL" } });
    expect(logins()).toBe(4);
  });

  it("does not log in again for a missing right or a field that is not valid", async () => {
    await client.secret(PLACE, KEY);
    const denied = {
      statusCode: 403,
      message: "You are not allowed to edit on secrets",
      error: "PermissionDenied",
    };
    world.sandbox.control.addFault({ kind: "status", status: 403, body: denied });
    expect(await client.secret(PLACE, KEY)).toMatchObject({ trouble: { code: "VENDOR_PERMISSION" } });
    const message = [{ code: "invalid_type", path: ["secretValue"], message: "Required" }];
    const invalid = { statusCode: 401, message, error: "ValidationFailure" };
    world.sandbox.control.addFault({ kind: "status", status: 401, body: invalid });
    expect(await client.secret(PLACE, KEY)).toMatchObject({
      trouble: { code: "VENDOR_REFUSED", message: expect.stringContaining("not valid: secretValue") },
    });
    expect(logins()).toBe(1);
  });

  it("never repeats a failed login", async () => {
    const { clientId = "" } = world.sandbox.control.estate().infisical.identities["lockstep"] ?? {};
    connection.use({ clientId, clientSecret: "wrong" });
    for (let time = 0; time < 4; time += 1)
      expect(await client.secret(PLACE, KEY)).toMatchObject({
        trouble: { code: "VENDOR_REFUSED_CREDENTIAL" },
      });
    expect(logins()).toBe(1);
    connection.use({ clientId: "unknown", clientSecret: "wrong" });
    expect(await client.secret(PLACE, KEY)).toMatchObject({ trouble: { code: "VENDOR_REFUSED_CREDENTIAL" } });
  });

  it("logs in once for calls side by side", async () => {
    await Promise.all([client.secret(PLACE, KEY), client.secret(PLACE, KEY), client.secret(PLACE, KEY)]);
    expect(logins()).toBe(1);
  });
});

describe("the Infisical client", () => {
  it("names a change request for what it is", async () => {
    world.sandbox.control.set({ infisical: { approvalsCoverIdentities: true } });
    world.sandbox.control.act({ act: "set-approval-policy", ...PLACE, on: true, project: RAXX.projectId });
    expect(await client.updateSecret(PLACE, KEY, Secret.of(VALUE))).toMatchObject({
      is: "done",
      value: { is: "awaits-approval" },
    });
  });

  it("takes an identity that others have locked out for no wrong credential, and lets it rest", async () => {
    const right = world.sandbox.control.estate().infisical.identities["lockstep"];
    const wrong = { clientId: right?.clientId ?? "", clientSecret: "wrong" };
    const send = (request: Request) => world.sandbox.fetch("infisical", request);
    for (let time = 0; time < 3; time += 1)
      await infisicalClient(testConnection(send, world.clock, wrong)).secret(PLACE, KEY);
    const before = logins();
    for (let time = 0; time < 3; time += 1)
      expect(await client.secret(PLACE, KEY)).toMatchObject({
        is: "retryable",
        trouble: { code: "VENDOR_RATE_LIMITED", message: expect.stringContaining("temporarily locked") },
        afterMs: 300_000,
      });
    expect(logins() - before).toBe(1);
    await world.clock.advance(300_000);
    expect((await client.secret(PLACE, KEY)).is).toBe("done");
  });

  it("[X-14] tells the change requests of a folder where the vendor shows them", async () => {
    const at = { environment: "prod", path: PLACE.path };
    world.sandbox.control.act({ act: "set-approval-policy", ...at, on: true, coversIdentities: true });
    expect(await client.openRequests(PLACE)).toEqual({ is: "done", value: "not shown" });
    await client.updateSecret(PLACE, KEY, Secret.of(VALUE));
    expect(await client.openRequests(PLACE)).toEqual({ is: "done", value: "not shown" });
    world.sandbox.control.set({ infisical: { approvalsShownToIdentities: true } });
    expect(await client.openRequests(PLACE)).toMatchObject({ value: [{ open: true }] });
    const elsewhere = { ...PLACE, path: "/MooseQuest/app" };
    expect(await client.openRequests(elsewhere)).toEqual({ is: "done", value: [] });
  });

  it("[X-14] reads change requests to their end, whether or not the build counts them", async () => {
    const keys = Array.from({ length: 130 }, (_, at) => `K${at}`);
    for (const counts of [true, false]) {
      let ignores = false;
      const send = async (request: Request) => {
        const { pathname, searchParams } = new URL(request.url);
        if (!pathname.includes("approval")) return world.sandbox.fetch("infisical", request);
        const from = ignores ? 0 : Number(searchParams.get("offset"));
        const row = (key: string) => ({
          id: key,
          status: "open",
          secretPath: PLACE.path,
          commits: [{ secretKey: key }],
        });
        const approvals = keys.slice(from, from + Number(searchParams.get("limit"))).map(row);
        return Response.json({ approvals, ...(counts && { totalCount: keys.length }) });
      };
      const right = world.sandbox.control.estate().infisical.identities["lockstep"];
      const credential = { clientId: right?.clientId ?? "", clientSecret: right?.clientSecret ?? "" };
      const reader = infisicalClient(testConnection(send, world.clock, credential));
      const found = await reader.openRequests(PLACE);
      expect(found.is === "done" && found.value.length).toBe(130);
      ignores = !counts;
      // A list that begins again for ever shows nothing.
      if (ignores) expect((await reader.openRequests(PLACE)).is).toBe("unknown");
    }
  });

  it("[X-09] believes no access proxy", async () => {
    world.sandbox.control.set({ infisical: { proxy: { clientId: "a", clientSecret: "b" } } });
    expect(await client.secret(PLACE, KEY)).toMatchObject({ trouble: { code: "VENDOR_REPLY_FOREIGN" } });
    const headers = world.sandbox.control.estate().infisical.headers;
    expect((await infisicalClient({ ...connection, headers }).secret(PLACE, KEY)).is).toBe("done");
    const other = { statusCode: 403, message: "x", error: "Forbidden" };
    world.sandbox.control.addFault({ kind: "status", status: 401, body: other });
    expect((await infisicalClient({ ...connection, headers }).secret(PLACE, KEY)).is).toBe("unknown");
  });

  it("does not take a lost reply for a server without the current routes", async () => {
    world.sandbox.control.addFault({ kind: "lost-reply", route: "/api/v4/*" });
    expect((await client.secret(PLACE, KEY)).is).toBe("retryable");
    expect(paths().some((one) => one.includes("/api/v3/"))).toBe(false);
  });

  it("waits as long as the limiter says", async () => {
    await client.secret(PLACE, KEY);
    world.sandbox.control.addFault({ kind: "status", status: 429, retryAfter: 11 });
    expect(await client.secret(PLACE, KEY)).toMatchObject({ is: "retryable", afterMs: 11_000 });
    world.sandbox.control.addFault({ kind: "status", status: 429 });
    expect(await client.secret(PLACE, KEY)).toMatchObject({ is: "retryable", afterMs: 60_000 });
    expect(connection.seen.some(({ blockedUntil }) => blockedUntil !== undefined)).toBe(true);
  });
});

import { once } from "node:events";
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { beforeEach, describe, expect, it } from "vitest";
import { collectCalls } from "../core/calls.ts";
import { LockstepError } from "../core/errors.ts";
import type { Fault } from "../sandbox/faults.ts";
import { RAXX } from "../sandbox/raxx.ts";
import { testSandbox } from "../sandbox/testing.ts";
import { herokuClient } from "./heroku/client.ts";
import { refuseLeaks, secretsOf, type TestConnection, testConnection, watched } from "./testing.ts";

const OWN = { "request-id": "5d1f0c4e-0000-4000-8000-000000000000" };
const APP = RAXX.apps["raxx-api-prod"];
let world: Awaited<ReturnType<typeof testSandbox>>;
let token: string;
let connection: TestConnection;

beforeEach(async () => {
  world = await testSandbox();
  token = world.sandbox.control.estate().heroku.tokens[RAXX.currentAuthorization] ?? "";
  connection = testConnection((request) => world.sandbox.fetch("heroku", request), world.clock, { token });
});

function client(over: Partial<TestConnection> = {}) {
  return watched(herokuClient({ ...connection, ...over }), [token, "new-value-of-the-test"]);
}

const read = (over?: Partial<TestConnection>) => client(over).account();
const write = (over?: Partial<TestConnection>) =>
  client(over).patchConfigVars(APP, secretsOf({ HEROKU_API_KEY: "new-value-of-the-test" }));

function summary(outcome: { is: string; trouble?: { code: string }; afterMs?: number }) {
  return outcome.is === "done" ? "done" : `${outcome.is} ${outcome.trouble?.code}`;
}

async function under(fault: Fault, over?: Partial<TestConnection>) {
  world.sandbox.control.addFault({ ...fault, count: 2 });
  const both = [summary(await read(over)), summary(await write(over))];
  world.sandbox.control.clearFaults();
  return both;
}

/** Where nobody listens: below the ports that a system hands out, also to the tests beside this one. */
const NOBODY = "http://127.0.0.1:2";

describe("how a call ends", () => {
  it("reads may be repeated and writes are unknown when the reply is lost", async () => {
    const lost = ["retryable VENDOR_UNREACHABLE", "unknown VENDOR_UNREACHABLE"];
    expect(await under({ kind: "lost-reply" })).toEqual(lost);
    expect(await under({ kind: "lost-request" })).toEqual(lost);
    expect(await under({ kind: "truncated", abort: true })).toEqual(lost);
    expect(await under({ kind: "timeout", ms: 60_000 }, { deadlineMs: 20 })).toEqual(lost);
  });

  it("5xx is retryable for reads and unknown for writes, whoever says it", async () => {
    const error = ["retryable VENDOR_ERROR", "unknown VENDOR_ERROR"];
    expect(await under({ kind: "error-after" })).toEqual(error);
    expect(await under({ kind: "html", status: 502 })).toEqual(error);
  });

  it("[X-09] believes no page of a proxy, whatever its status", async () => {
    const foreign = ["unknown VENDOR_REPLY_FOREIGN", "unknown VENDOR_REPLY_FOREIGN"];
    for (const status of [200, 302, 401, 403, 404, 429]) {
      expect(await under({ kind: "html", status })).toEqual(foreign);
      // The right words without the vendor's own header are no evidence either.
      expect(
        await under({
          kind: "status",
          status,
          headers: { "request-id": "" },
          body: { id: "unauthorized", message: "no" },
        }),
      ).toEqual(foreign);
    }
    expect(await under({ kind: "status", status: 200, headers: OWN, body: { hello: 1 } })).toEqual(foreign);
    expect(await under({ kind: "status", status: 404, headers: OWN, body: ["x"] })).toEqual(foreign);
    expect(await under({ kind: "truncated" })).toEqual(foreign);
  });

  it("tells the vendor's own refusals apart", async () => {
    const cases: [number, string][] = [
      [401, "VENDOR_REFUSED_CREDENTIAL"],
      [403, "VENDOR_PERMISSION"],
      [404, "VENDOR_TARGET_MISSING"],
      [409, "VENDOR_REFUSED"],
      [422, "VENDOR_REFUSED"],
    ];
    for (const [status, code] of cases) {
      const ends = await under({ kind: "status", status, headers: OWN });
      expect(ends).toEqual([`refused ${code}`, `refused ${code}`]);
    }
    const device = { id: "device_trust_required", message: "no" };
    expect(await under({ kind: "status", status: 401, headers: OWN, body: device })).toEqual([
      "refused VENDOR_REFUSED",
      "refused VENDOR_REFUSED",
    ]);
  });

  it("a rate limit means that nothing happened, for as long as it says", async () => {
    const limit = { kind: "status", status: 429, headers: OWN } as const;
    world.sandbox.control.addFault({ ...limit, retryAfter: 17 });
    expect(await write()).toMatchObject({ is: "retryable", afterMs: 17_000 });
    expect(connection.seen.at(-1)?.blockedUntil).toBe(new Date(world.clock.now() + 17_000).toISOString());
    world.sandbox.control.addFault(limit);
    expect(await write()).toMatchObject({ is: "retryable", afterMs: 4_000 });
    world.sandbox.control.act({ act: "set-pool", remaining: 0 });
    expect(summary(await read())).toBe("retryable VENDOR_RATE_LIMITED");
  });

  it("a rate limit shuts an account for an hour at most, whatever it says", async () => {
    for (const retryAfter of [3 * 86_400, 999_999_999, 1e18]) {
      world.sandbox.control.addFault({ kind: "status", status: 429, headers: OWN, retryAfter });
      expect(await write()).toMatchObject({
        is: "retryable",
        trouble: { code: "VENDOR_RATE_LIMITED", next: expect.stringContaining("in 60 min") },
        afterMs: 3_600_000,
      });
      expect(connection.seen.at(-1)?.blockedUntil).toBe(
        new Date(world.clock.now() + 3_600_000).toISOString(),
      );
    }
  });

  it("[X-09] a limit that is not the vendor's own holds the shared account up for moments only", async () => {
    const told = async (status: number, body: string, headers: Record<string, string>) => {
      const left = { "ratelimit-remaining": "0", ...headers };
      const ended = await write({ fetch: async () => new Response(body, { status, headers: left }) });
      expect(summary(ended)).toBe("unknown VENDOR_REPLY_FOREIGN");
      const { blockedUntil, ...rest } = connection.seen.at(-1) ?? {};
      return { ...rest, ...(blockedUntil && { ms: Date.parse(blockedUntil) - world.clock.now() }) };
    };
    for (const body of ["<html>", '{"id":"rate_limit","message":"Slow down."}']) {
      expect(await told(429, body, { "retry-after": "3600" })).toEqual({ ms: 10_000 });
      expect(await told(429, body, { "retry-after": "2" })).toEqual({ ms: 2_000 });
      expect(await told(200, body, {})).toEqual({});
    }
  });

  it("what was never sent did not happen", async () => {
    const refusedPort = { baseUrl: NOBODY, fetch: globalThis.fetch };
    expect(summary(await write(refusedPort))).toBe("retryable VENDOR_UNREACHABLE");
    const noName = { baseUrl: "http://vendor.invalid", fetch: globalThis.fetch };
    expect(summary(await write(noName))).toBe("retryable VENDOR_UNREACHABLE");
    connection.use({ token: `${token}\nx` });
    expect(summary(await write())).toBe("refused CONFIG_INVALID");
    expect(summary(await client().app(".."))).toBe("refused CONFIG_INVALID");
    for (const [code, is] of [
      ["CREDENTIAL_MISSING", "refused"],
      ["VENDOR_REFUSED_CREDENTIAL", "refused"],
      // The vault that holds the credential may answer when it is asked again.
      ["VENDOR_ERROR", "retryable"],
      ["VENDOR_RATE_LIMITED", "retryable"],
    ] as const) {
      const credential = () =>
        Promise.reject(new LockstepError({ code, message: "m", because: "b", next: "n" }));
      expect(summary(await write({ credential }))).toBe(`${is} ${code}`);
    }
    connection.use({});
    expect(summary(await write())).toBe("refused CREDENTIAL_MISSING");
    expect(world.sandbox.control.journal.list()).toHaveLength(0);
  });

  it("follows no redirect", async () => {
    const asked: string[] = [];
    const fetch = async (input: string | URL | Request) => {
      asked.push(String(input));
      return new Response(null, { status: 302, headers: { location: "https://login.example/" } });
    };
    expect(summary(await read({ fetch }))).toBe("unknown VENDOR_REPLY_FOREIGN");
    expect(asked).toHaveLength(1);
  });
});

describe("what a call leaves", () => {
  it("[P7] drops a vendor's message that repeats what was sent", async () => {
    const echo = { id: "invalid_params", message: `Bad value: ${token.slice(7, 30)}` };
    world.sandbox.control.addFault({ kind: "status", status: 422, headers: OWN, body: echo });
    const outcome = await read();
    expect(outcome).toMatchObject({ is: "refused", said: { text: "", id: "invalid_params" } });
    expect(JSON.stringify(outcome)).not.toContain(token.slice(7, 30));
  });

  it("[P7] the search that every test here goes through finds a value in any encoding", () => {
    const forms = [
      token,
      Buffer.from(token).toString("base64"),
      Buffer.from(token).toString("hex"),
      "a%20b%2Fc",
    ];
    for (const form of forms)
      expect(() => refuseLeaks(`x${form}x`, [token, "a b/c"])).toThrow("holds a value");
    expect(() => refuseLeaks(token.slice(0, 5), [token])).not.toThrow();
  });

  it("cleans and cuts a vendor's message", async () => {
    const body = { id: "bad", message: `\u001b[31mred\u202e\n${"x".repeat(500)}` };
    world.sandbox.control.addFault({ kind: "status", status: 422, headers: OWN, body });
    const outcome = await read();
    expect(outcome.is === "refused" && outcome.said?.text).toMatch(/^\[31mred x{180,}…$/);
  });

  it("notes every call by its route, with the vendor's id and no URL", async () => {
    const { calls } = await collectCalls(() => herokuClient(connection).configVars(APP));
    expect(calls).toMatchObject([
      { vendor: "heroku", method: "GET", route: "/apps/{app}/config-vars", status: 200 },
    ]);
    expect(calls[0]?.requestId).toMatch(/^[0-9a-f-]{36}$/);
    world.sandbox.control.addFault({ kind: "lost-reply" });
    const lost = await collectCalls(() => herokuClient(connection).configVars(APP));
    expect(lost.calls).toMatchObject([{ status: "no-reply" }]);
  });

  it("takes its turn in the account's budget and tells it what the vendor said", async () => {
    await read();
    expect(connection.taken).toEqual(["heroku:vendor.sandbox:test"]);
    expect(connection.seen).toEqual([{ remaining: 4499 }]);
    const take = async () => {
      throw new LockstepError({ code: "VENDOR_RATE_LIMITED", message: "m", because: "b", next: "n" });
    };
    const budget = { ...connection.budget, take };
    expect(summary(await write({ budget }))).toBe("retryable VENDOR_RATE_LIMITED");
  });

  it("[P3] keeps a reply even when the budget's record cannot be written", async () => {
    const saw = async () => {
      throw new Error("disk full");
    };
    const minted = await client({ budget: { ...connection.budget, saw } }).createAuthorization({
      scope: ["global"],
      description: "x",
    });
    expect(minted.is).toBe("done");
  });

  it("sends the connection's own headers along", async () => {
    let seen: string | null = null;
    const fetch: typeof globalThis.fetch = async (input, init) => {
      seen = new Request(input, init).headers.get("cf-access-client-id");
      return world.sandbox.fetch("heroku", new Request(input, init));
    };
    await read({ fetch, headers: { "CF-Access-Client-Id": "proxy" } });
    expect(seen).toBe("proxy");
  });
});

describe("over real connections", () => {
  const fetch = globalThis.fetch;

  async function served(
    handler: (request: IncomingMessage, response: ServerResponse) => void,
    deadlineMs = 60_000,
  ) {
    const paths: string[] = [];
    const server = createHttpServer((request, response) => {
      paths.push(request.url ?? "");
      handler(request, response);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const over = { baseUrl: `http://127.0.0.1:${port}/`, fetch, deadlineMs };
    const ends = [summary(await read(over)), summary(await write(over))];
    server.closeAllConnections();
    server.close();
    return { ends, paths };
  }

  it("tells a broken, a cut, a silent and a redirecting server apart from an answer", async () => {
    const lost = ["retryable VENDOR_UNREACHABLE", "unknown VENDOR_UNREACHABLE"];
    const broken = await served((request) => request.resume().on("end", () => request.socket.destroy()));
    // Sent once: neither we nor the runtime try again.
    expect(broken).toMatchObject({ ends: lost, paths: ["/account", `/apps/${APP}/config-vars`] });
    const cut = await served((_, response) => {
      response.writeHead(200, { ...OWN, "content-length": 1_000 });
      response.write("{", () => response.destroy());
    });
    expect(cut.ends).toEqual(lost);
    expect((await served(() => {}, 20)).ends).toEqual(lost);
    const moved = await served((_, response) => response.writeHead(302, { location: "/login" }).end());
    expect(moved.ends).toEqual(["unknown VENDOR_REPLY_FOREIGN", "unknown VENDOR_REPLY_FOREIGN"]);
    expect(moved.paths).not.toContain("/login");
  });
});

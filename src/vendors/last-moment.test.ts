import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { collectCalls } from "../core/calls.ts";
import { PERMIT_MS, withPermits } from "../core/permit.ts";
import { createHttp } from "./http.ts";
import { testConnection } from "./testing.ts";

const DIALECT = {
  vendor: "heroku",
  label: "the vendor",
  isOwn: () => true,
  error: () => undefined,
  refusal: () => ({ as: "vendor" }),
  limits: () => ({}),
  requestId: () => undefined,
} as unknown as Parameters<typeof createHttp>[0];

let server: Server;
let base: string;
const arrived: string[] = [];

beforeEach(async () => {
  arrived.length = 0;
  server = createServer((request, reply) => {
    let body = "";
    request.on("data", (chunk) => {
      body += String(chunk);
    });
    request.on("end", () => {
      arrived.push(`${request.method} ${body}`);
      reply.setHeader("content-type", "application/json");
      reply.end("{}");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  base = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
});
afterEach(() => {
  vi.restoreAllMocks();
  server.closeAllConnections();
  server.close();
});

/** What the clocks have jumped ahead. */
const ahead = { monotonic: 0, wall: 0 };

beforeEach(() => {
  Object.assign(ahead, { monotonic: 0, wall: 0 });
  // Both stand still but for that: a machine that halts for as long as a permit lasts would be asked once more.
  const [monotonic, wall] = [performance.now(), Date.now()];
  vi.spyOn(performance, "now").mockImplementation(() => monotonic + ahead.monotonic);
  vi.spyOn(Date, "now").mockImplementation(() => wall + ahead.wall);
});

/** Both clocks, or one of them, jump ahead, as for a process that was frozen or on a machine that slept. */
function freeze(...clocks: readonly ("monotonic" | "wall")[]): void {
  for (const clock of clocks.length === 0 ? (["monotonic", "wall"] as const) : clocks)
    ahead[clock] += PERMIT_MS * 5;
}

/** A call by real connections; `between` is called after `fetch` was, before a connection is there. */
function caller(between: (call: number) => void = () => {}, keepAlive = false) {
  let calls = 0;
  const http = createHttp(DIALECT, {
    ...testConnection(async () => new Response(), { now: () => Date.now() }, {}),
    baseUrl: base,
    fetch: (input, init) => {
      calls += 1;
      const headers = new Headers(init?.headers);
      if (!keepAlive) headers.set("connection", "close");
      const reply = fetch(input, { ...init, headers });
      between(calls);
      return reply;
    },
  });
  return (method: "GET" | "POST" | "DELETE") =>
    http({
      method,
      route: "/thing",
      effect: method === "GET" ? "read" : "write",
      hidden: [],
      ...(method === "POST" ? { body: { a: 1 } } : {}),
    });
}

describe("[P1] a write leaves only while the run is ours", () => {
  it("is asked for right before each write, and not for a read", async () => {
    const order: string[] = [];
    const call = caller(() => order.push("sent"));
    const owned = async () => void order.push("asked");
    await withPermits(owned, async () => {
      await call("POST");
      await call("GET");
      await call("DELETE");
    });
    expect(order).toEqual(["asked", "sent", "sent", "asked", "sent"]);
  });

  it("nothing is sent for a run that is somebody else's, and the call never ends", async () => {
    const call = caller();
    const ended = vi.fn();
    let asked = 0;
    const gone = () => {
      asked += 1;
      return new Promise<never>(() => {});
    };
    void withPermits(gone, () => call("POST")).then(ended, ended);
    await call("GET");
    expect(asked).toBe(1);
    expect(arrived).toEqual(["GET "]);
    expect(ended).not.toHaveBeenCalled();
  });

  it.each([
    ["both clocks", ["monotonic", "wall"], false],
    ["the wall clock", ["wall"], false],
    ["the monotonic clock", ["monotonic"], false],
    ["a connection that is there already", ["monotonic"], true],
  ] as const)(
    "frozen between the answer and the first byte (%s), it asks again before it writes",
    async (_, clocks, keepAlive) => {
      for (const method of ["POST", "DELETE"] as const) {
        let asked = 0;
        const owned = async () => {
          asked += 1;
          expect(arrived).toEqual(keepAlive ? ["GET "] : []);
        };
        const call = caller((n) => n === 2 && freeze(...clocks), keepAlive);
        await call("GET");
        if (!keepAlive) arrived.length = 0;
        const { value, calls } = await collectCalls(() => withPermits(owned, () => call(method)));
        expect(value.is).toBe("done");
        expect(asked).toBe(2);
        expect(arrived.splice(0).at(-1)).toBe(method === "POST" ? 'POST {"a":1}' : "DELETE ");
        expect(calls.map(({ status }) => status)).toEqual([200]);
      }
    },
  );

  it("frozen while the answer was on its way, it asks again", async () => {
    let asked = 0;
    const owned = async () => {
      asked += 1;
      if (asked === 1) freeze();
    };
    const call = caller();
    expect((await withPermits(owned, () => call("POST"))).is).toBe("done");
    expect(asked).toBe(2);
    expect(arrived).toEqual(['POST {"a":1}']);
  });

  it("woken with another owner, not one byte is sent", async () => {
    const lost = Promise.withResolvers<void>();
    let asked = 0;
    const owned = () => {
      asked += 1;
      if (asked === 1) return Promise.resolve();
      lost.resolve();
      return new Promise<never>(() => {});
    };
    const bytes = vi.fn();
    server.on("connection", (socket) => socket.on("data", bytes));
    const call = caller(() => freeze());
    void withPermits(owned, () => call("POST"));
    await lost.promise;
    expect(arrived).toEqual([]);
    expect(bytes).not.toHaveBeenCalled();
  });

  it("a connection that is never made in time is a call that may be repeated", async () => {
    const call = caller(() => freeze());
    const { value, calls } = await collectCalls(() =>
      withPermits(
        async () => {},
        () => call("POST"),
      ),
    );
    expect(value.is).toBe("retryable");
    expect(arrived).toEqual([]);
    expect(calls).toEqual([]);
  });
});

import type { Fault, Faults } from "./faults.ts";
import { createHistory, type History } from "./history.ts";
import type { JournalEntry, RequestJournal } from "./journal.ts";
import { type Call, ConnectionLost, type Trace, type Vendor, type VendorName, type World } from "./world.ts";

/** What stands between the network and the vendors. */
export interface Surroundings {
  world: World;
  faults: Faults;
  journal: RequestJournal;
  latencyMs(vendor: VendorName): number;
  /** Called after each request that may have changed something. */
  changed(): void;
  /** Whether earlier states are kept, for replies that lag behind. */
  readonly remembers: boolean;
  /** Keeps track of effects that happen after their request has ended, however they end. */
  background(work: Promise<unknown>): void;
}

const PAGE = `<!DOCTYPE html><html><head><title>Error</title></head><body><center><h1>Bad gateway</h1></center><hr></body></html>`;

/** Replies that break off, with what is sent of them; a server has to break the connection itself. */
export const brokenOff = new WeakMap<Response, string>();

/** Takes one vendor's requests: latency, faults, the handler, the journal. */
export function pipeline<S extends object>(
  vendor: Vendor<S>,
  around: Surroundings,
): (request: Request) => Promise<Response> {
  const history = createHistory<S>();
  return async (request) => {
    // Read before anything waits: a client that hangs up must not take the body along.
    const reads = request.method === "GET" || request.method === "HEAD";
    const body = reads ? "" : await request.text();
    const work = answer({ vendor, around, history, request: reads ? request : withoutBody(request), body });
    const { signal } = request;
    if (signal.aborted) throw signal.reason;
    // A client that gives up does not stop the vendor: the effect still comes.
    around.background(work);
    return new Promise((resolve, reject) => {
      const abort = () => reject(signal.reason);
      const settled = () => signal.removeEventListener("abort", abort);
      signal.addEventListener("abort", abort, { once: true });
      work.then(resolve, reject);
      work.then(settled, settled);
    });
  };
}

async function answer<S extends object>(arrived: Arrived<S>): Promise<Response> {
  const { vendor, around, request } = arrived;
  const latency = around.latencyMs(vendor.name);
  if (latency > 0) await around.world.sleep(latency);
  // Already as the platform writes it, so that it need not be parsed again.
  const [, pathname = "/", search = ""] = /^\w+:\/\/[^/]*([^?#]*)\??(.*)/.exec(request.url) ?? [];
  const path = vendor.route(pathname);
  const now = around.world.now();
  const fault = around.faults.take({ vendor: vendor.name, method: request.method, path }, now);
  const entry = around.journal.add({
    at: now,
    vendor: vendor.name,
    method: request.method,
    path,
    query: shownQuery(search),
    status: null,
    requestId: null,
    credential: null,
    fields: [],
    effect: "none",
    fault: fault?.kind ?? null,
    userAgent: request.headers.get("user-agent"),
  });
  const response = await underFault({ ...arrived, path, entry }, fault);
  entry.status = response.status;
  return response;
}

interface Arrived<S extends object> {
  vendor: Vendor<S>;
  around: Surroundings;
  history: History<S>;
  request: Request;
  body: string;
}

interface Exchange<S extends object> extends Arrived<S> {
  path: string;
  entry: JournalEntry;
}

async function underFault<S extends object>(exchange: Exchange<S>, fault: Fault | null): Promise<Response> {
  const { vendor, around, history, path } = exchange;
  const { world } = around;
  switch (fault?.kind) {
    case undefined:
      return run(exchange, vendor.live);
    case "status":
      return refused(vendor, fault, world);
    case "html":
      return new Response(PAGE, {
        status: fault.status,
        headers: { "content-type": "text/html; charset=utf-8" },
      });
    case "lost-request":
      throw new ConnectionLost();
    case "timeout":
      await world.sleep(fault.ms);
      throw new ConnectionLost("ETIMEDOUT");
    case "late":
      around.background(world.sleep(fault.ms).then(() => run(exchange, vendor.live)));
      throw new ConnectionLost();
    case "error-after":
      await run(exchange, vendor.live);
      return refused(vendor, { kind: "status", status: fault.status ?? 500 }, world);
    case "lost-reply":
      await run(exchange, vendor.live);
      throw new ConnectionLost();
    case "truncated":
      return truncated(await run(exchange, vendor.live), fault.abort === true);
    case "no-effect": {
      const reply = await run(exchange, structuredClone(vendor.live));
      exchange.entry.effect = "none";
      return reply;
    }
    case "stale": {
      const old = fault.lagMs === undefined ? history.before(path) : history.asOf(world.now() - fault.lagMs);
      return run(exchange, old ?? vendor.live);
    }
  }
}

async function run<S extends object>(exchange: Exchange<S>, state: S): Promise<Response> {
  const { vendor, around, history, request, body, path, entry } = exchange;
  const { world } = around;
  const live = vendor.live;
  vendor.settle(live, world);
  const reads = request.method === "GET" || request.method === "HEAD";
  const before = reads || state !== live || !around.remembers ? null : JSON.stringify(live);
  const trace: Trace = { credential: null, effect: "none", fields: [], requestId: null };
  const call: Call<S> = { state, live, body, world, trace };
  const response = await vendor.handle(request, call);
  entry.credential = trace.credential;
  entry.requestId = trace.requestId;
  entry.fields = trace.fields;
  entry.effect = trace.effect === "none" && reads && response.ok ? "read" : trace.effect;
  if (before !== null && trace.effect === "write") history.remember(path, world.now(), before);
  if (!reads) around.changed();
  return response;
}

function refused<S>(vendor: Vendor<S>, fault: Extract<Fault, { kind: "status" }>, world: World): Response {
  // A vendor names its own refusals too; without that header they would pass for a proxy's.
  const own = vendor.refusal(fault.status, fault.message, world);
  const headers = new Headers({
    "content-type": "application/json; charset=utf-8",
    ...own.headers,
    ...fault.headers,
  });
  // An empty text takes a header away: the vendor's words from somebody who is not the vendor.
  for (const [name, text] of Object.entries(fault.headers ?? {})) if (text === "") headers.delete(name);
  if (fault.retryAfter !== undefined) headers.set("retry-after", String(fault.retryAfter));
  return new Response(JSON.stringify(fault.body ?? own.body), { status: fault.status, headers });
}

async function truncated(response: Response, abort: boolean): Promise<Response> {
  const text = await response.text();
  const half = text.slice(0, Math.floor(text.length / 2));
  const { status } = response;
  const headers = new Headers(response.headers);
  headers.delete("etag");
  if (status === 204 || status === 304) return new Response(null, { status, headers });
  if (!abort) return new Response(half, { status, headers });
  const broken = new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(new TextEncoder().encode(half)),
    pull: (controller) => controller.error(new ConnectionLost()),
  });
  const cut = new Response(broken, { status, headers });
  brokenOff.set(cut, half);
  return cut;
}

function withoutBody(request: Request): Request {
  return new Request(request.url, {
    method: request.method,
    headers: request.headers,
    signal: request.signal,
  });
}

// A log stream's URL is a credential.
function shownQuery(search: string): string {
  if (!search.includes("srv=")) return search;
  const shown = new URLSearchParams(search);
  if (shown.has("srv")) shown.set("srv", "…");
  return shown.toString();
}

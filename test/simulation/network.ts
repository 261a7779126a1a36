import { channel } from "node:diagnostics_channel";
import type { FaultKind } from "../../src/sandbox/faults.ts";
import type { Sandbox } from "../../src/sandbox/sandbox.ts";
import { ConnectionLost, type HttpVendor } from "../../src/sandbox/world.ts";
import { vendorOf } from "../flow/memory-deps.ts";
import type { Fault } from "./case.ts";
import type { Chance } from "./chance.ts";
import type { Timeline } from "./timeline.ts";
import type { Worker } from "./worker.ts";

/** One request on its way. */
export interface Sending {
  readonly worker: Worker;
  readonly vendor: HttpVendor;
  readonly method: string;
  readonly path: string;
}

/** What a network tells and asks while it carries requests. */
interface Traffic {
  /** A request is about to leave; answers with what goes wrong with it. */
  asks(sending: Sending): Fault | undefined;
  /** Its first byte has left. */
  left(sending: Sending): void;
  /** A vendor has carried a request out, of a process or a late one. */
  landed(sending: Sending): void;
  /** The same, in the moment before the answer comes back. */
  answered(sending: Sending): void;
}

/** What is needed to carry requests. */
export interface Wires {
  readonly sandbox: Sandbox;
  readonly timeline: Timeline;
  readonly chance: Chance;
  readonly traffic: Traffic;
  /** The vendors' time in milliseconds, which they say in every reply, as their web servers do; none of them does where absent. */
  readonly vendorNow?: () => number;
}

const CONNECT_TIMEOUT = 10_000;
const created = channel("undici:request:create");
const leaves = channel("undici:client:sendHeaders");

/** The `fetch` of one process: every request takes a while, so that those side by side overtake each other. */
export function networkOf(wires: Wires, worker: Worker): typeof fetch {
  const { timeline, chance, traffic } = wires;
  return async (input, init) => {
    await worker.gate();
    // Without its signal: a process that waits in vain gives up by its own deadline.
    const { method = "GET", headers, body } = init ?? {};
    const request = new Request(input, { method, ...(headers && { headers }), ...(body && { body }) });
    const [, host = "", path = ""] = /^\w+:\/\/([^/]+)([^?#]*)/.exec(request.url) ?? [];
    const sending: Sending = { worker, vendor: vendorOf(host), method: request.method, path };
    const fault = traffic.asks(sending);
    // Told as undici tells them, so that the permit of a write is looked at where it is in earnest.
    const told = {};
    created.publish({ request: told });
    await timeline.sleep(chance.between(1, 40));
    await worker.gate();
    if (fault?.kind === "refused") throw broken("ECONNREFUSED");
    if (fault?.kind === "connect-timeout") {
      await timeline.sleep(CONNECT_TIMEOUT);
      throw broken("UND_ERR_CONNECT_TIMEOUT");
    }
    let cut = false;
    const destroy = () => {
      cut = true;
    };
    leaves.publish({ request: told, socket: { destroy } });
    if (cut) throw broken("UND_ERR_SOCKET");
    traffic.left(sending);
    await timeline.sleep(chance.between(1, 40));
    const reply = await carry(wires, sending, request, fault);
    await worker.gate();
    return reply;
  };
}

async function carry(
  wires: Wires,
  sending: Sending,
  request: Request,
  fault: Fault | undefined,
): Promise<Response> {
  const { timeline, traffic } = wires;
  const body = request.method === "GET" ? undefined : await request.text();
  const copy = () =>
    new Request(request.url, {
      method: request.method,
      headers: request.headers,
      ...(body !== undefined && { body }),
    });
  const again = (ms: number) =>
    void timeline.at(timeline.now() + ms, () => void deliver(wires, sending, copy()).catch(() => {}));
  try {
    switch (fault?.kind) {
      case "silent":
        return await new Promise<never>(() => {});
      case "silent-after":
        await deliver(wires, sending, copy());
        return await new Promise<never>(() => {});
      case "late":
        again(fault.ms);
        throw new ConnectionLost();
      case "twice":
        again(fault.ms);
        return await deliver(wires, sending, copy());
      default:
        return await deliver(wires, sending, body === undefined ? request : copy(), inSandbox(fault));
    }
  } finally {
    traffic.answered(sending);
  }
}

async function deliver(
  { sandbox, traffic, vendorNow }: Wires,
  sending: Sending,
  request: Request,
  fault?: FaultKind,
): Promise<Response> {
  const { vendor, method, path: route } = sending;
  const standing = fault && sandbox.control.addFault({ ...fault, vendor, method, route });
  try {
    const reply = await sandbox.fetch(vendor, request);
    if (vendorNow) reply.headers.set("date", dateText(vendorNow()));
    return reply;
  } finally {
    if (standing) sandbox.control.removeFault(standing.id);
    traffic.landed(sending);
  }
}

let dated = { second: Number.NaN, text: "" };

/** Many replies are of one second. */
function dateText(ms: number): string {
  const second = Math.floor(ms / 1_000);
  if (second !== dated.second) dated = { second, text: new Date(second * 1_000).toUTCString() };
  return dated.text;
}

/** The faults that the sandbox knows itself. */
function inSandbox(fault: Fault | undefined): FaultKind | undefined {
  switch (fault?.kind) {
    case "status":
    case "lost-reply":
    case "error-after":
    case "truncated":
    case "html":
    case "no-effect":
    case "stale":
      return fault;
    default:
      return undefined;
  }
}

function broken(code: string): TypeError {
  return new TypeError("fetch failed", { cause: Object.assign(new Error(code), { code }) });
}

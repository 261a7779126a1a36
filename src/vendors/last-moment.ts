import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe } from "node:diagnostics_channel";
import type { Permit } from "../core/permit.ts";

/** A write that did not leave: not one byte of it was sent, so it may be sent again. */
export class NotSent extends Error {
  /** What it means for the call, if it happens again and again: making the connection takes too long. */
  readonly code = "UND_ERR_CONNECT_TIMEOUT";

  constructor() {
    super("the permit to write has lapsed");
    this.name = "NotSent";
  }
}

interface Sending {
  readonly permit: Permit;
  stopped: boolean;
}

const current = new AsyncLocalStorage<Sending>();
const sendings = new WeakMap<object, Sending>();

/**
 * Sends under a permit, and throws {@link NotSent} where it lapsed before the first byte. Looked at twice: as late as we can
 * before `fetch`, and in undici right before it writes to the connection, because making one takes a tenth of a second or
 * more, and a process that was frozen meanwhile would write in the first moment of its new life.
 */
export async function sendUnder<T>(permit: Permit, send: () => Promise<T>): Promise<T> {
  if (permit.lapsed()) throw new NotSent();
  const sending: Sending = { permit, stopped: false };
  try {
    return await current.run(sending, send);
  } catch (thrown) {
    throw sending.stopped ? new NotSent() : thrown;
  }
}

// Documented by undici; the context of the caller is known when a request is made, and no longer when it is sent.
subscribe("undici:request:create", (message) => {
  const sending = current.getStore();
  const request = fieldOf(message, "request");
  if (sending !== undefined && request !== undefined) sendings.set(request, sending);
});

subscribe("undici:client:sendHeaders", (message) => {
  const request = fieldOf(message, "request");
  const sending = request && sendings.get(request);
  if (sending?.permit.lapsed() !== true) return;
  const socket = fieldOf(message, "socket");
  if (socket === undefined || !("destroy" in socket) || typeof socket.destroy !== "function") return;
  sending.stopped = true;
  socket.destroy(new NotSent());
});

function fieldOf(message: unknown, name: "request" | "socket"): object | undefined {
  const field = (message as Readonly<Record<string, unknown>>)[name];
  return typeof field === "object" && field !== null ? field : undefined;
}

import type { ConnectionOptions } from "../core/adapter.ts";
import { noteCall } from "../core/calls.ts";
import { LockstepError, troubleOf } from "../core/errors.ts";
import { type Permit, permitToWrite } from "../core/permit.ts";
import type { Instant, Milliseconds } from "../core/time.ts";
import { after, instantOf, msOf } from "../core/time.ts";
import { failureIn, isVendors, withoutReply } from "./classify.ts";
import { repeats } from "./clean.ts";
import { NotSent, sendUnder } from "./last-moment.ts";
import { type Answer, type Ask, type Dialect, type RawReply, type Reply, trouble } from "./reply.ts";

const DEADLINE_MS = 30_000;
const PATIENCE_MS = 30_000;
/** How often a write is begun whose permit lapses before its connection is made. */
const SENDINGS = 3;

/** Sends a call once and says how it ended; never throws, never repeats, never follows a redirect. */
export type Http = (ask: Ask) => Promise<Answer<Reply>>;

/** The way to one vendor by one connection. */
export function createHttp(dialect: Dialect, options: Omit<ConnectionOptions, "credential">): Http {
  const account = `${dialect.vendor}:${new URL(options.baseUrl).host}:${options.account}`;
  return async (ask) => {
    const request = requestFor(options, ask);
    if (request === undefined) return unsendable(dialect, ask);
    try {
      await options.budget.take(account, options.patienceMs ?? PATIENCE_MS);
    } catch (thrown) {
      // Nothing was sent, whatever ailed the budget.
      return { is: "retryable", trouble: troubleOf(thrown), ...waitOf(thrown) };
    }
    const ended = await exchangeOwned(dialect, options, ask, request);
    if (!("reply" in ended)) return withoutReply(dialect, ask, ended.thrown);
    const { reply } = ended;
    // Kept beside the work. A reply must not be lost because the budget's record cannot be kept: it may hold a credential just minted.
    options.budget.saw(account, limitsIn(dialect, reply)).catch(() => {});
    return failureIn(dialect, ask, reply) ?? { is: "done", value: reply };
  };
}

/**
 * What a reply says of the account's limits. One that is not the vendor's own says nothing of what is left; that something before
 * the vendor wants fewer calls is heeded for moments, because it would hold up every run of the account.
 */
function limitsIn(dialect: Dialect, reply: RawReply): ReturnType<Dialect["limits"]> {
  const limits = dialect.limits(reply);
  if (isVendors(dialect, reply)) return limits;
  const { blockedUntil } = limits;
  const longest = after(reply.now, LONGEST_UNPROVED);
  return blockedUntil === undefined ? {} : { blockedUntil: blockedUntil < longest ? blockedUntil : longest };
}

type Ended = { readonly reply: RawReply } | { readonly thrown: unknown };

/** A write is sent only while the run is ours; asked outside of the deadline, because what is no longer ours never ends. */
async function exchangeOwned(
  dialect: Dialect,
  options: Omit<ConnectionOptions, "credential">,
  ask: Ask,
  request: { url: string; init: RequestInit },
): Promise<Ended> {
  const writes = ask.method !== "GET";
  for (let tries = 1; ; tries += 1) {
    const permit = writes ? await permitToWrite() : undefined;
    const ended = await exchange(dialect, options, ask, request, permit);
    if (permit === undefined || "reply" in ended) return ended;
    if (ended.thrown instanceof NotSent && tries < SENDINGS) continue;
    // A process that was frozen for longer than the deadline goes no further than here.
    await permitToWrite();
    return ended;
  }
}

async function exchange(
  dialect: Dialect,
  options: Omit<ConnectionOptions, "credential">,
  ask: Ask,
  request: { url: string; init: RequestInit },
  permit: Permit | undefined,
): Promise<Ended> {
  const { vendor } = dialect;
  const { method, route } = ask;
  const started = performance.now();
  const elapsed = () => Math.round(performance.now() - started);
  let seen: RawReply | undefined;
  let left = true;
  try {
    const { response, text } = await withDeadline(options.deadlineMs ?? DEADLINE_MS, async (signal) => {
      const send = options.fetch ?? globalThis.fetch;
      // "manual" and not "error": neither follows, but only this one tells a vendor's own 301 from a broken connection.
      const call = () => send(request.url, { ...request.init, redirect: "manual", signal });
      const arrived = await (permit === undefined ? call() : sendUnder(permit, call));
      return { response: arrived, text: await arrived.text() };
    });
    seen = {
      status: response.status,
      headers: response.headers,
      body: parsed(text),
      now: options.clock.now(),
    };
    return { reply: seen };
  } catch (thrown) {
    left = !(thrown instanceof NotSent);
    return { thrown };
  } finally {
    const requestId = seen && dialect.requestId(seen);
    // An id is the vendor's text like any other: only what looks like one, and repeats nothing, is kept.
    const safe =
      requestId !== undefined && /^[\w:.,-]{1,128}$/.test(requestId) && !repeats(requestId, ask.hidden);
    const status = seen?.status ?? "no-reply";
    if (left) noteCall({ vendor, method, route, status, ...(safe ? { requestId } : {}), ms: elapsed() });
  }
}

/**
 * Ends the work when its time is over, and also when nobody heeds the signal. `AbortSignal.timeout` alone was rejected:
 * a `Request` refers to its signal weakly, so that a collected one never fires and the call would hang.
 */
async function withDeadline<T>(ms: Milliseconds, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const deadline = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    const late = new DOMException("the deadline has passed", "TimeoutError");
    deadline.reject(late);
    controller.abort(late);
  }, ms);
  try {
    return await Promise.race([work(controller.signal), deadline.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function requestFor(
  options: Omit<ConnectionOptions, "credential">,
  ask: Ask,
): { url: string; init: RequestInit } | undefined {
  const values = Object.entries(ask.params ?? {});
  // URL parsing would resolve these to another place, escaped or not.
  if (values.some(([, value]) => value === "" || value === "." || value === "..")) return undefined;
  const path = values.reduce(
    (so, [name, value]) => so.replace(`{${name}}`, encodeURIComponent(value)),
    ask.route,
  );
  const asked = typeof ask.query === "object" ? String(new URLSearchParams(ask.query)) : ask.query;
  const query = asked ? `?${asked}` : "";
  try {
    const headers = new Headers(options.headers);
    for (const [name, value] of Object.entries(ask.headers ?? {})) headers.set(name, value);
    const init: RequestInit = { method: ask.method, headers };
    if (ask.body !== undefined) {
      headers.set("content-type", "application/json");
      init.body = JSON.stringify(ask.body);
    }
    return { url: `${options.baseUrl.replace(/\/+$/, "")}${path}${query}`, init };
  } catch {
    // `Headers` repeats the offending value in its message; nothing of that may get out.
    return undefined;
  }
}

function unsendable(dialect: Dialect, ask: Ask): Answer<never> {
  return {
    is: "refused",
    trouble: trouble(
      "CONFIG_INVALID",
      `${ask.method} ${ask.route} cannot be sent to ${dialect.label}`,
      "a header (mostly the credential) or an id holds characters that no request can carry, so nothing was sent",
      "lockstep doctor    after you have checked the credential for stray characters, and the ids in the configuration",
    ),
  };
}

// A body that is no JSON stays text, which fits no vendor's shape and is never shown.
function parsed(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function waitOf(thrown: unknown): { afterMs?: Milliseconds } {
  return thrown instanceof LockstepError && thrown.code === "VENDOR_RATE_LIMITED"
    ? { afterMs: PATIENCE_MS }
    : {};
}

/**
 * The longest time that a vendor is left alone at its word, in milliseconds: the longest of their limits is an hour. Whatever asks
 * for more is a mistake, or asks again when it is asked again; it must not shut an account for good.
 */
export const LONGEST_ASKED: Milliseconds = 3_600_000;

/** The longest that a limit counts for all of an account's calls which is not shown to be the vendor's, in milliseconds. */
const LONGEST_UNPROVED: Milliseconds = 10_000;

/** How long `Retry-After` asks to wait, in ms, an hour at most; undefined without one. Seconds, a date, and Heroku's old epoch form. */
export function retryAfterMs(headers: Headers, now: Instant): Milliseconds | undefined {
  const text = headers.get("retry-after")?.trim();
  if (!text) return undefined;
  const number = /^\d+$/.test(text) ? Number(text) : undefined;
  const at = number === undefined ? Date.parse(text) : number > 1_000_000_000 ? number * 1000 : undefined;
  const wait = at === undefined ? (number ?? 0) * 1000 : at - msOf(dateOf(headers) ?? now);
  return Number.isNaN(wait) ? undefined : Math.min(Math.max(0, wait), LONGEST_ASKED);
}

/** A header's whole number; undefined where there is none. */
export function numberIn(headers: Headers, name: string): number | undefined {
  const text = headers.get(name);
  return text !== null && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** The reply's own `Date`, which shares the vendor's clock with the times in its bodies. */
export function dateOf(headers: Headers): Instant | undefined {
  const ms = Date.parse(headers.get("date") ?? "");
  return Number.isNaN(ms) ? undefined : instantOf(ms);
}

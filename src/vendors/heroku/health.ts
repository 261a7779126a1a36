import type { Milliseconds } from "../../core/time.ts";

/** How an app answers at its health URL: with 2xx, with anything else, or not at all. */
export interface Health {
  readonly is: "well" | "ill" | "silent";
  /** `https://app.example.com/health answered 200`; without the URL's query, which may hold anything. */
  readonly says: string;
}

/** Longer than Heroku's router waits for an app (30 s) would tell nothing more. */
const DEADLINE_MS: Milliseconds = 30_000;

/** Asks once. The app is no vendor: no credential goes along, no redirect is followed, and the body is not read. */
export async function askHealth(
  url: string,
  send: typeof globalThis.fetch,
  deadlineMs: Milliseconds = DEADLINE_MS,
): Promise<Health> {
  const { origin, pathname } = new URL(url);
  const place = `${origin}${pathname}`;
  const controller = new AbortController();
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.reject(new DOMException("the deadline has passed", "TimeoutError"));
    controller.abort();
  }, deadlineMs);
  try {
    const headers = { "user-agent": "lockstep" };
    const { signal } = controller;
    const asked = send(url, { method: "GET", headers, redirect: "manual", signal });
    const { status, body } = await Promise.race([asked, late.promise]);
    body?.cancel().catch(() => undefined);
    return { is: status >= 200 && status < 300 ? "well" : "ill", says: `${place} answered ${status}` };
  } catch {
    // What fetch throws may hold anything, and a reason is not needed to ask again.
    return { is: "silent", says: `${place} did not answer` };
  } finally {
    clearTimeout(timer);
  }
}

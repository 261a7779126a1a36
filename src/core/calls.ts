import { AsyncLocalStorage } from "node:async_hooks";

/** One call to a vendor, as it is kept in the record; no header, body or query ever is. */
export interface CallRecord {
  readonly vendor: string;
  readonly method: string;
  /** The route with placeholders, never the URL: `/apps/{app}/config-vars`. */
  readonly route: string;
  /** HTTP status, or how the connection ended. */
  readonly status: number | "no-reply";
  /** The vendor's own request id, for their support. */
  readonly requestId?: string;
  readonly ms: number;
}

const current = new AsyncLocalStorage<CallRecord[]>();

/**
 * Runs the body and collects the vendor calls made inside it. Context-bound rather than a parameter of every adapter
 * method: an adapter that forgets to pass a collector on would lose calls silently.
 */
export async function collectCalls<T>(
  body: () => Promise<T>,
): Promise<{ value: T; calls: readonly CallRecord[] }> {
  const calls: CallRecord[] = [];
  const value = await current.run(calls, body);
  return { value, calls };
}

/** Adds a call to the step that is being carried out, if any. */
export function noteCall(call: CallRecord): void {
  current.getStore()?.push(call);
}

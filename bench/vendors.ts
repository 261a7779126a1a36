// The simulated vendors in a process of their own, and what they saw.
import type { JournalEntry } from "../src/sandbox/journal.ts";
import { type Child, lockstep, says } from "./common.ts";

/** The vendors of one folder, until their process ends. */
export interface Vendors {
  readonly child: Child;
  /** Where each is reached. */
  readonly urls: Readonly<Record<string, string>>;
  latency(ms: number): Promise<void>;
  /** All requests after that one, oldest first. */
  requests(since?: number): Promise<readonly JournalEntry[]>;
}

/** Starts `lockstep sandbox` in the folder. */
export async function openVendors(dir: string): Promise<Vendors> {
  const child = lockstep(dir, "sandbox");
  const [, control = ""] = await says(child, /control\s+(http:\S+)[\s\S]*until \^C/);
  const urls = Object.fromEntries(
    [...child.err.matchAll(/^(\w+)\s+(http:\S+)/gm)].map(([, name = "", url = ""]) => [name, url]),
  );
  return {
    child,
    urls,
    latency: async (ms) => {
      const headers = { "content-type": "application/json" };
      const body = JSON.stringify({ latencyMs: ms });
      const reply = await fetch(`${control}/settings`, { method: "PATCH", body, headers });
      if (!reply.ok) throw new Error(`the sandbox refused a latency: ${reply.status}`);
    },
    requests: async (since = 0) =>
      (await (await fetch(`${control}/journal?since=${since}`)).json()) as JournalEntry[],
  };
}

/** Milliseconds in which at least one request was in flight; the journal's time is that at the end of the latency. */
export function busyMs(requests: readonly JournalEntry[], latencyMs: number): number {
  let busy = 0;
  let until = 0;
  for (const at of requests.map((one) => one.at).sort((a, b) => a - b)) {
    busy += at - Math.max(at - latencyMs, until);
    until = at;
  }
  return busy;
}

/** Requests by vendor. */
export function byVendor(requests: readonly JournalEntry[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { vendor } of requests) counts[vendor] = (counts[vendor] ?? 0) + 1;
  return counts;
}

import type { VendorName } from "./world.ts";

/** What goes wrong with a request that a fault applies to. */
export type FaultKind =
  /** The vendor answers this status, without effect; the body is the vendor's own unless one is given. */
  | {
      kind: "status";
      status: number;
      body?: unknown;
      message?: string;
      headers?: Record<string, string>;
      retryAfter?: number;
    }
  /** The effect happens, then the vendor answers 500, or the given status. */
  | { kind: "error-after"; status?: number }
  /** The effect happens, then the connection breaks without a reply. */
  | { kind: "lost-reply" }
  /** The connection breaks before anything happens. */
  | { kind: "lost-request" }
  /** Nothing happens for so many milliseconds, then the connection breaks. */
  | { kind: "timeout"; ms: number }
  /** The connection breaks at once; the effect happens so many milliseconds later. */
  | { kind: "late"; ms: number }
  /** A proxy answers with a page of its own, without effect. */
  | { kind: "html"; status: number }
  /** The effect happens; the reply breaks off in the middle, cleanly or with a broken connection. */
  | { kind: "truncated"; abort?: boolean }
  /** The vendor answers as if it had done it, and has not. */
  | { kind: "no-effect" }
  /** A read is answered from an earlier state: before the last write there, or as it was `lagMs` ago. */
  | { kind: "stale"; lagMs?: number };

/** A fault and the requests that it applies to. */
export type Fault = FaultKind & {
  /** All vendors where absent. */
  vendor?: VendorName;
  /** Any method where absent. */
  method?: string;
  /** Path such as `/apps/:app/config-vars`, `:name` standing for one segment and `*` for any rest; all where absent. */
  route?: string;
  /** How often it happens; 1 where absent, null for always. */
  count?: number | null;
  /** How many matching requests pass before the first fault. */
  skip?: number;
  /** It stops so many milliseconds after it was set. */
  forMs?: number;
};

/** A fault that is set, as the control API lists it. */
export interface StandingFault {
  readonly id: number;
  readonly fault: Fault;
  readonly setAt: number;
  /** Null: without end. */
  left: number | null;
  skip: number;
  hits: number;
}

/** The faults that are set. */
export interface Faults {
  add(fault: Fault, now: number): StandingFault;
  remove(id: number): boolean;
  clear(): void;
  list(): StandingFault[];
  /** The fault for this request, if any; counts it. */
  take(request: FaultyRequest, now: number): Fault | null;
}

/** A request as faults see it. */
interface FaultyRequest {
  vendor: VendorName;
  method: string;
  path: string;
  /** Only faults that name this method apply: a step on the way to what the others mean. */
  named?: boolean;
}

/** An empty set of faults. */
export function createFaults(): Faults {
  let standing: StandingFault[] = [];
  let lastId = 0;
  return {
    add(fault, now) {
      lastId += 1;
      const left = fault.count === undefined ? 1 : fault.count;
      const entry = { id: lastId, fault, setAt: now, left, skip: fault.skip ?? 0, hits: 0 };
      standing.push(entry);
      return entry;
    },
    remove(id) {
      const before = standing.length;
      standing = standing.filter((one) => one.id !== id);
      return standing.length < before;
    },
    clear() {
      standing = [];
    },
    list: () => [...standing],
    take(request, now) {
      standing = standing.filter((one) => one.fault.forMs === undefined || now < one.setAt + one.fault.forMs);
      for (const one of standing) {
        if (!applies(one.fault, request)) continue;
        if (one.skip > 0) {
          one.skip -= 1;
          continue;
        }
        one.hits += 1;
        if (one.left !== null) one.left -= 1;
        standing = standing.filter((other) => other.left === null || other.left > 0);
        return one.fault;
      }
      return null;
    },
  };
}

function applies(fault: Fault, request: FaultyRequest): boolean {
  if (request.named === true && fault.method === undefined) return false;
  if (fault.vendor !== undefined && fault.vendor !== request.vendor) return false;
  if (fault.method !== undefined && fault.method.toUpperCase() !== request.method) return false;
  if (fault.kind === "stale" && request.method !== "GET") return false;
  return fault.route === undefined || routeMatches(fault.route, request.path);
}

/** Whether a path fits a route pattern. */
export function routeMatches(route: string, path: string): boolean {
  const pattern = route
    .replace(/[.+?^${}()|[\]\\]/g, "\\$&")
    .replace(/\*/g, ".*")
    .replace(/:\w+/g, "[^/]+");
  return new RegExp(`^${pattern}$`).test(path);
}

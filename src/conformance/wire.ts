import type { ConnectionOptions } from "../core/adapter.ts";
import { LockstepError } from "../core/errors.ts";
import type { Instant, Milliseconds } from "../core/time.ts";
import type { Door, Fault } from "./faults.ts";
import { holdsAny, valuesOf } from "./plain.ts";
import type { VendorWorld } from "./supplied.ts";

/** One request that left the adapter. */
interface Exchange {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** Whether the vendor's truth was another one after it. */
  changed: boolean;
}

/** What goes wrong on a connection: that fault with the request of that number, counted from 0. */
export interface Placed {
  readonly at: number;
  readonly fault: Fault;
  /** And with all that follow. */
  readonly lasting?: true;
}

/** How a connection is watched. */
interface Watch {
  /** The vendor's truth as a text that differs when it does. */
  truth(): string;
  /** Every secret text of this world. */
  plains(): readonly string[];
  readonly deadlineMs?: Milliseconds;
  /** Another way for a request, e.g. to a twin of the vendor. */
  detour?(position: number, request: Request): Promise<Response | undefined>;
  /** No call is let through by the budget. */
  readonly exhausted?: boolean;
}

/** A connection that counts. */
export interface Wire {
  readonly options: ConnectionOptions;
  readonly exchanges: readonly Exchange[];
  /** How often a turn in the budget was taken. */
  turns(): number;
  /** What the budget was told about when calls are taken again. */
  readonly blocked: readonly Instant[];
}

/** A connection to the world's vendor, with at most one fault on it. */
export function wireTo(world: VendorWorld, watch: Watch, placed?: Placed): Wire {
  const exchanges: Exchange[] = [];
  const blocked: Instant[] = [];
  let turns = 0;
  const fetch = async (input: Request | URL | string, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init);
    const position = exchanges.length;
    const { pathname, search } = new URL(request.url);
    const entry = { method: request.method, path: `${pathname}${search}`, changed: false };
    exchanges.push(entry);
    const signal = init?.signal ?? (input instanceof Request ? input.signal : undefined);
    const door: Door = {
      send: (one) => world.send(one),
      refusal: (status, text) => world.refusal(status, text),
      carried: await carriedBy(request, watch.plains()),
      signal,
    };
    const before = watch.truth();
    try {
      const detour = await watch.detour?.(position, request);
      if (detour !== undefined) return detour;
      if (placed?.at === position || (placed?.lasting && position > placed.at))
        return await placed.fault.meet(request, door);
      return await world.send(request);
    } finally {
      entry.changed = watch.truth() !== before;
    }
  };
  const options: ConnectionOptions = {
    baseUrl: world.baseUrl,
    account: "conformance",
    clock: world.clock,
    budget: {
      take: async () => {
        turns += 1;
        if (watch.exhausted) throw noTurn();
      },
      saw: async (_account, { blockedUntil }) => void (blockedUntil && blocked.push(blockedUntil)),
    },
    credential: async () => valuesOf(world.credential),
    fetch,
    ...(world.headers && { headers: world.headers }),
    ...(watch.deadlineMs !== undefined && { deadlineMs: watch.deadlineMs }),
  };
  return { options, exchanges, turns: () => turns, blocked };
}

async function carriedBy(request: Request, plains: readonly string[]): Promise<string> {
  const body = await request.clone().text();
  const text = [request.url, ...[...request.headers].flat(), body].join("\n");
  return plains.filter((plain) => holdsAny(text, [plain])).join(" and ");
}

function noTurn(): LockstepError {
  return new LockstepError({
    code: "VENDOR_RATE_LIMITED",
    message: "The budget of this account is spent",
    because: "the vendor would refuse the call",
    next: "lockstep test <secret>    in a while",
  });
}

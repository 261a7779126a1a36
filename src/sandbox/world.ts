/** The vendors that the sandbox simulates. */
export type VendorName = HttpVendor | "mail";
/** Those of them that are reached by HTTP; mail is reached by SMTP. */
export type HttpVendor = "heroku" | "github" | "infisical" | "slack";

/** What a simulated vendor takes from outside, so that a seed and a virtual clock reproduce every run. */
export interface World {
  /** Milliseconds since the epoch. */
  now(): number;
  random(bytes: number): Buffer;
  sleep(ms: number): Promise<void>;
  /** Whether Heroku would have accepted this token at that time; GitHub workflows that deploy ask it. */
  herokuAccepts(token: string, at: number): boolean;
}

/** Whether a request changed a vendor's state: `none` also covers logins and every refusal. */
export type Effect = "none" | "read" | "write";

/** What a vendor's handler tells the journal about the request; never a value. */
export interface Trace {
  /** Authorization id, token name or identity name that the request was made with. */
  credential: string | null;
  effect: Effect;
  /** Names of the fields that were written. */
  fields: string[];
  /** The vendor's request id in the reply. */
  requestId: string | null;
}

/** One request as a vendor's handler sees it; Hono carries it as `c.env`. */
export interface Call<S> {
  /** What handlers read and change: the live state, or a copy of it under a stale or no-effect fault. */
  readonly state: S;
  /** Always the live state: credentials and rate limits are checked here. */
  readonly live: S;
  /** The body, read before the handler starts, so that no handler awaits in the middle of a change. */
  readonly body: string;
  readonly world: World;
  readonly trace: Trace;
}

/** Hono environment of a vendor's app. */
export interface VendorEnv<S> {
  Bindings: Call<S>;
}

/** A simulated vendor: its live state, how time acts on it, and its request handler. */
export interface Vendor<S> {
  readonly name: HttpVendor;
  readonly live: S;
  /** Lets what is due by now happen (release phases, dyno starts, workflow runs). */
  settle(state: S, world: World): void;
  handle(request: Request, call: Call<S>): Response | Promise<Response>;
  /** The reply with which this vendor reports a status, for injected faults. */
  refusal(
    status: number,
    message: string | undefined,
    world: World,
  ): { body: unknown; headers: Record<string, string> };
  /** Path without a base prefix, for route patterns. */
  route(path: string): string;
}

/** Marks a call as having written the named fields. */
export function wrote(call: Call<unknown>, ...fields: string[]): void {
  call.trace.effect = "write";
  call.trace.fields.push(...fields);
}

/** Error that a client's `fetch` sees when the connection breaks without a reply. */
export class ConnectionLost extends TypeError {
  constructor(code: "ECONNRESET" | "ETIMEDOUT" = "ECONNRESET") {
    super("fetch failed", { cause: Object.assign(new Error(`socket hang up (${code})`), { code }) });
    this.name = "TypeError";
  }
}

/** The JSON object in a body, or null where it is none. */
export function jsonObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = text === "" ? {} : JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}

/** Whether a value is an object, not an array and not null. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

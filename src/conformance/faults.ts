/** What can stand in a request's way. */
export interface Door {
  send(request: Request): Promise<Response>;
  refusal(status: number, text: string): Response | Promise<Response>;
  /** The secret texts that this request carries: whoever answers badly repeats them. */
  readonly carried: string;
  /** What the caller gave to `fetch`. Not the request's own, which refers to it weakly. */
  readonly signal: AbortSignal | undefined;
}

/** Families of faults; what may be concluded is the same within each. */
export type Family = "lost" | "silent" | "server" | "foreign" | "refused" | "limited";

/** One way in which one request goes wrong. */
export interface Fault {
  readonly name: string;
  readonly family: Family;
  /** The status that the vendor itself refuses with. */
  readonly status?: number;
  /** Set where the request was never sent, and the client can tell. */
  readonly unsent?: true;
  /** Set where nothing but the structure of its body tells it from a right answer. */
  readonly plausible?: true;
  /** What Retry-After asks for. */
  readonly retryAfterMs?: number;
  meet(request: Request, door: Door): Promise<Response>;
}

const RETRY_AFTER_S = 7;

/** The vendor is away: nothing is received, and the connection breaks. */
export const GONE: Fault = {
  name: "lost request",
  family: "lost",
  meet: (_, { carried }) => broken("ECONNRESET", carried),
};

/** Everything that each single call of each operation is put through. */
export const FAULTS: readonly Fault[] = [
  {
    name: "connection refused",
    family: "lost",
    unsent: true,
    meet: (_, { carried }) => broken("ECONNREFUSED", carried),
  },
  GONE,
  {
    name: "lost reply",
    family: "lost",
    async meet(request, door) {
      await door.send(request);
      return broken("ECONNRESET", door.carried);
    },
  },
  { name: "silence", family: "silent", meet: (_, door) => silence(door) },
  {
    name: "silence after the effect",
    family: "silent",
    async meet(request, door) {
      await door.send(request);
      return silence(door);
    },
  },
  { name: "500", family: "server", meet: async (_, door) => door.refusal(500, door.carried) },
  {
    name: "500 after the effect",
    family: "server",
    async meet(request, door) {
      await door.send(request);
      return door.refusal(500, door.carried);
    },
  },
  html(200),
  html(502),
  { ...foreign(200), plausible: true },
  redirect(302),
  foreign(401),
  foreign(403),
  foreign(404),
  { name: "a reply that is cut in the middle", family: "foreign", meet: cut },
  ...[401, 403, 404, 409, 422].map(ownRefusal),
  {
    name: "429",
    family: "limited",
    meet: async (_, door) => door.refusal(429, door.carried),
  },
  {
    name: "429 with Retry-After",
    family: "limited",
    retryAfterMs: RETRY_AFTER_S * 1000,
    async meet(_, door) {
      const refusal = await door.refusal(429, door.carried);
      const headers = new Headers(refusal.headers);
      headers.set("retry-after", String(RETRY_AFTER_S));
      return new Response(await refusal.text(), { status: 429, headers });
    },
  },
];

function ownRefusal(status: number): Fault {
  return {
    name: `the vendor's own ${status}`,
    family: "refused",
    status,
    meet: async (_, door) => door.refusal(status, door.carried),
  };
}

function html(status: number): Fault {
  return {
    name: `HTML with ${status}`,
    family: "foreign",
    async meet(_, door) {
      const page = `<!DOCTYPE html><html><body><h1>Sign in</h1><p>${door.carried}</p></body></html>`;
      return new Response(page, { status, headers: { "content-type": "text/html; charset=utf-8" } });
    },
  };
}

function foreign(status: number): Fault {
  return {
    name: `somebody else's JSON with ${status}`,
    family: "foreign",
    async meet(_, door) {
      const body = { gateway: "edge-7", verdict: "not handled here", request: door.carried };
      return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });
    },
  };
}

/** To a page that would answer well, whoever went there. */
function redirect(status: number): Fault {
  return {
    name: `a redirect with ${status}`,
    family: "foreign",
    async meet(request) {
      const headers = { location: new URL("/sign-in", request.url).href };
      return new Response(null, { status, headers });
    },
  };
}

async function cut(request: Request, door: Door): Promise<Response> {
  const whole = await door.send(request);
  const { status, headers } = whole;
  const text = await whole.text();
  // What has no body cannot be cut, and arrives.
  if (text === "") return new Response(null, { status, headers });
  return new Response(text.slice(0, Math.floor(text.length / 2)), { status, headers });
}

/** Throws as `fetch` does, with the request's secrets in its text as a careless runtime might. */
function broken(code: string, carried: string): Promise<never> {
  const cause = Object.assign(new Error(`${carried} (${code})`), { code });
  return Promise.reject(new TypeError(`fetch failed: ${carried}`, { cause }));
}

/** Nothing comes; as with `fetch`, only the caller's own signal ends it. */
function silence({ signal }: Door): Promise<never> {
  return new Promise((_, reject) => {
    if (signal?.aborted) reject(signal.reason);
    signal?.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

// The classes of `fetch` for bodies that are plain text: those of the platform spend most of their time on streams and on
// checks that nothing here can fail, and were half of a simulated rotation.

const platform = {
  Headers: globalThis.Headers,
  Request: globalThis.Request,
  Response: globalThis.Response,
};

type HeadersLike = Iterable<readonly [string, string]> | Readonly<Record<string, string>>;

class LightHeaders {
  #values = new Map<string, string>();

  constructor(init: HeadersLike | null = null) {
    if (init === null) return;
    if (init instanceof LightHeaders) {
      this.#values = new Map(init.#values);
      return;
    }
    const pairs =
      Symbol.iterator in init ? (init as Iterable<readonly [string, string]>) : Object.entries(init);
    for (const [name, value] of pairs) this.set(name, value);
  }

  get(name: string): string | null {
    return this.#values.get(name.toLowerCase()) ?? null;
  }

  has(name: string): boolean {
    return this.#values.has(name.toLowerCase());
  }

  set(name: string, value: string): void {
    const text = String(value);
    // As the platform does: what no request can carry is never sent.
    if (/[\0\r\n]|[^\0-\xff]/.test(text)) throw new TypeError("a header cannot carry this");
    this.#values.set(name.toLowerCase(), text.trim());
  }

  append(name: string, value: string): void {
    const before = this.get(name);
    this.set(name, before === null ? value : `${before}, ${value}`);
  }

  delete(name: string): void {
    this.#values.delete(name.toLowerCase());
  }

  forEach(see: (value: string, name: string) => void): void {
    for (const [name, value] of this.#values) see(value, name);
  }

  entries() {
    return this.#values.entries();
  }

  keys() {
    return this.#values.keys();
  }

  getSetCookie(): string[] {
    return [];
  }

  [Symbol.iterator]() {
    return this.#values[Symbol.iterator]();
  }
}

type Body = string | ReadableStream | null | undefined;

class LightBody {
  readonly headers: LightHeaders;
  readonly body: Body;

  constructor(body: Body, headers: HeadersLike | null | undefined) {
    this.headers = new LightHeaders(headers);
    this.body = body ?? null;
  }

  async text(): Promise<string> {
    const { body } = this;
    if (typeof body === "string") return body;
    return body ? new platform.Response(body).text() : "";
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text());
  }
}

interface RequestParts {
  method?: string;
  headers?: HeadersLike;
  body?: Body;
  signal?: AbortSignal;
}

// No signal of the platform's: it would keep the listeners of every request that is never answered.
const NEVER = { aborted: false, addEventListener: () => {}, removeEventListener: () => {} };

class LightRequest extends LightBody {
  readonly url: string;
  readonly method: string;
  readonly signal: Pick<AbortSignal, "aborted" | "addEventListener" | "removeEventListener">;

  constructor(input: string | URL | LightRequest, init: RequestParts = {}) {
    const from = input instanceof LightRequest ? input : undefined;
    super(init.body ?? from?.body, init.headers ?? from?.headers);
    this.url = from?.url ?? hrefOf(String(input));
    this.method = (init.method ?? from?.method ?? "GET").toUpperCase();
    this.signal = init.signal ?? from?.signal ?? NEVER;
  }
}

/** Addresses as the platform writes them; the same few hundred are asked for again and again. */
const hrefs = new Map<string, string>();
const MOST_HREFS = 2_000;

function hrefOf(address: string): string {
  const known = hrefs.get(address);
  if (known !== undefined) return known;
  if (hrefs.size >= MOST_HREFS) hrefs.clear();
  const { href } = new URL(address);
  hrefs.set(address, href);
  return href;
}

class LightResponse extends LightBody {
  readonly status: number;

  constructor(body?: Body, init: { status?: number; headers?: HeadersLike } = {}) {
    super(body, init.headers);
    this.status = init.status ?? 200;
    if (typeof body === "string" && !this.headers.has("content-type"))
      this.headers.set("content-type", "text/plain;charset=UTF-8");
  }

  get ok(): boolean {
    return this.status >= 200 && this.status < 300;
  }
}

/** Puts the light classes in place of the platform's. */
export function useLightFetch(): void {
  Object.assign(globalThis, { Headers: LightHeaders, Request: LightRequest, Response: LightResponse });
}

/** Puts the platform's back. */
export function usePlatformFetch(): void {
  Object.assign(globalThis, platform);
}

import { LockstepError } from "../core/errors.ts";
import type { Budget } from "../core/record.ts";
import { Secret, type Values } from "../core/secret-value.ts";
import { type Milliseconds, systemClock } from "../core/time.ts";
import { hasCode } from "../engine/embedded/trouble.ts";
import { VENDORS } from "./adapters.ts";
import type { Config, ConnectionConfig } from "./config.ts";

/** Gives the present value of another secret under management, for a connection that works with it. */
export type SecretAccess = (secret: string) => Promise<Values>;

/** Where a connection leads and with what, when it is not as configured: the sandbox's address and generated credentials. */
export interface Redirection {
  readonly urls: Readonly<Record<string, string>>;
  readonly credentials: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Where pages are by their origin: `https://api.raxx.app` at the sandbox's own app. */
  readonly pages: Readonly<Record<string, string>>;
  /** Sees to it that somebody listens there again. */
  readonly reopen?: () => Promise<void>;
}

/** The connections of a configuration as clients, made when first used. */
export interface Connections {
  /** The client of a connection. One whose credential is a managed secret works with what `access` gives at that moment. */
  client(connection: string, access: SecretAccess): unknown;
}

/** Connects lazily: a command that needs one vendor must not fail because another's credential is absent. */
export function connectionsOf(
  config: Config,
  options: {
    readonly env: NodeJS.ProcessEnv;
    readonly budget: Budget;
    readonly redirection?: Redirection;
    /** For tests and simulation: vendors in process. */
    readonly fetch?: typeof globalThis.fetch;
    /** The longest that a call waits for its turn. */
    readonly patienceMs?: Milliseconds;
  },
): Connections {
  const lasting = new Map<string, unknown>();
  const fetch = options.fetch ?? (options.redirection && insideOnly(options.redirection));
  const connect = (id: string, one: ConnectionConfig, credential: () => Promise<Values>): unknown => {
    const vendor = VENDORS[one.vendor];
    if (!vendor)
      throw new Error(`vendor ${one.vendor} passed the configuration check but is not in the list`);
    return vendor.connect({
      baseUrl: (options.redirection?.urls[one.vendor] ?? one.url ?? vendor.defaultUrl).replace(/\/+$/, ""),
      account: id,
      budget: options.budget,
      clock: systemClock,
      credential,
      headers: headersOf(id, one, options.env),
      ...(fetch && { fetch }),
      ...(options.patienceMs !== undefined && { patienceMs: options.patienceMs }),
    });
  };
  return {
    client: (id, access) => {
      const one = config.connections[id];
      if (!one) throw configuredOtherwise(`connection ${id}`);
      const managed = one.credential["secret"];
      if (typeof managed === "string") return connect(id, one, () => access(managed));
      // Kept for the life of the process: a login session of the vault is worth reusing.
      const kept = lasting.get(id) ?? connect(id, one, async () => fromEnvironment(id, one, options));
      lasting.set(id, kept);
      return kept;
    },
  };
}

function fromEnvironment(
  id: string,
  one: ConnectionConfig,
  options: { readonly env: NodeJS.ProcessEnv; readonly redirection?: Redirection },
): Values {
  const given = options.redirection?.credentials[one.vendor];
  if (given)
    return Object.fromEntries(Object.entries(given).map(([field, text]) => [field, Secret.of(text)]));
  const fields = Object.entries(one.credential).map(([field, source]) => {
    const name = typeof source === "object" ? source.env : "";
    const text = options.env[name];
    if (!text) throw credentialMissing(id, one.vendor, name);
    return [field, Secret.of(text)] as const;
  });
  return Object.fromEntries(fields);
}

/** Sends nothing out of the sandbox: pages that it has are asked there, and whatever else is not its own cannot be reached. */
function insideOnly({ urls, pages, reopen }: Redirection): typeof globalThis.fetch {
  const inside = new Set(Object.values(urls).map((url) => new URL(url).origin));
  const send: typeof globalThis.fetch = async (input, init) => {
    try {
      return await fetch(input, init);
    } catch (thrown) {
      if (!reopen || !wasRefused(thrown)) throw thrown;
      await reopen();
      return fetch(input, init);
    }
  };
  return (input, init) => {
    const { origin, pathname, search } = new URL(input instanceof Request ? input.url : input);
    const page = pages[origin];
    if (page !== undefined) return send(`${page}${pathname}${search}`, init);
    if (inside.has(origin)) return send(input, init);
    const cause = Object.assign(new Error("it lies outside of the sandbox"), { code: "ENOTFOUND" });
    return Promise.reject(new TypeError("fetch failed", { cause }));
  };
}

/** Nobody listens: nothing was sent. */
function wasRefused(thrown: unknown): boolean {
  return thrown instanceof Error && hasCode(thrown.cause, "ECONNREFUSED");
}

function headersOf(id: string, one: ConnectionConfig, env: NodeJS.ProcessEnv): Record<string, string> {
  const pairs = Object.entries(one.headers ?? {}).map(([name, source]) => {
    if (typeof source === "string") return [name, source] as const;
    const text = env[source.env];
    if (!text) throw credentialMissing(id, one.vendor, source.env);
    return [name, text] as const;
  });
  return Object.fromEntries(pairs);
}

/** A run brings the configuration that it was planned with; the process that carries it out may have read another one. */
export function configuredOtherwise(what: string): LockstepError {
  return new LockstepError({
    code: "CONFIG_INVALID",
    message: `The ${what} is not in the configuration of the process that carries this out`,
    because: "it was planned with another configuration, and a worker reads its own only when it starts",
    next: "lockstep test <secret>    after you have started the workers again, with the configuration that has it",
  });
}

function credentialMissing(connection: string, vendor: string, name: string): LockstepError {
  return new LockstepError({
    code: "CREDENTIAL_MISSING",
    message: `The environment variable ${name} is not set`,
    because: `the connection ${connection} to ${vendor} takes its credential from it`,
    next: `lockstep doctor    after you have set ${name}`,
  });
}

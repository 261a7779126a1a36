import { createHash } from "node:crypto";
import type { ConnectionOptions } from "../core/adapter.ts";
import { type CallRecord, collectCalls } from "../core/calls.ts";
import type { Fingerprinter } from "../core/sealed.ts";
import { Secret, type Values } from "../core/secret-value.ts";
import { type Clock, type Instant, instantOf } from "../core/time.ts";

/** A connection for tests, with what its budget was asked and told. */
export interface TestConnection extends ConnectionOptions {
  readonly taken: string[];
  readonly seen: { readonly remaining?: number; readonly blockedUntil?: Instant }[];
  /** What the credential consists of from the next call on. */
  use(credential: Record<string, string>): void;
}

/** A connection whose requests go to a function, mostly a sandbox's. */
export function testConnection(
  send: (request: Request) => Promise<Response>,
  clock: { now(): number },
  credential: Record<string, string>,
  more: Partial<ConnectionOptions> = {},
): TestConnection {
  const taken: string[] = [];
  const seen: TestConnection["seen"] = [];
  let current = secretsOf(credential);
  return {
    baseUrl: "http://vendor.sandbox",
    account: "test",
    clock: clockOf(clock),
    budget: {
      take: async (account) => void taken.push(account),
      saw: async (_account, what) => void seen.push(what),
    },
    credential: async () => current,
    fetch: (input, init) => send(new Request(input, init)),
    taken,
    seen,
    use(next) {
      current = secretsOf(next);
    },
    ...more,
  };
}

/** A clock of the core by one that tells milliseconds. */
export function clockOf(clock: { now(): number }): Clock {
  return { now: () => instantOf(clock.now()) };
}

/** Fields as values. */
export function secretsOf(fields: Record<string, string>): Values {
  return Object.fromEntries(Object.entries(fields).map(([name, text]) => [name, Secret.of(text)]));
}

/** Fingerprints good enough for tests. */
export const testFingerprint: Fingerprinter = (values) =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      createHash("sha256").update(value.reveal()).digest("hex").slice(0, 32),
    ]),
  );

/** The same adapter or client; every result, every error and every recorded call is searched for these texts. */
export function watched<T extends object>(target: T, hidden: readonly string[], calls: CallRecord[] = []): T {
  return new Proxy(target, {
    get(object, name) {
      const method: unknown = Reflect.get(object, name);
      if (typeof method !== "function") return method;
      return async (...args: unknown[]) => {
        const ended = await collectCalls<unknown>(async () => Reflect.apply(method, object, args));
        calls.push(...ended.calls);
        refuseLeaks(JSON.stringify(ended), hidden);
        return ended.value;
      };
    },
  });
}

/** Throws where the text contains a hidden one, plain, in base64, in hex or as in a URL. */
export function refuseLeaks(text: string, hidden: readonly string[]): void {
  for (const value of hidden) {
    const bytes = Buffer.from(value);
    const forms = [
      value,
      bytes.toString("base64").slice(0, -4),
      bytes.toString("hex"),
      encodeURIComponent(value),
    ];
    for (const form of forms) if (text.includes(form)) throw new Error("a result holds a value");
  }
}

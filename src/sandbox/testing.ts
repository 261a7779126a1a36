import { hash } from "node:crypto";
import { createSandbox, type Sandbox, type SandboxOptions } from "./sandbox.ts";
import type { HttpVendor } from "./world.ts";

/** A clock that stands still until it is moved; sleepers wake in order as it passes them. */
export interface VirtualClock {
  now(): number;
  sleep(ms: number): Promise<void>;
  /** Moves the clock and lets what waited for that time run. */
  advance(ms: number): Promise<void>;
}

/** A clock that starts at this time. */
function virtualClock(start = Date.UTC(2026, 9, 1, 8)): VirtualClock {
  let time = start;
  let sleepers: { at: number; wake: () => void }[] = [];
  return {
    now: () => time,
    sleep: (ms) => new Promise((wake) => sleepers.push({ at: time + ms, wake })),
    async advance(ms) {
      const end = time + ms;
      for (;;) {
        const next = sleepers.filter((one) => one.at <= end).toSorted((a, b) => a.at - b.at)[0];
        if (!next) break;
        sleepers = sleepers.filter((one) => one !== next);
        time = Math.max(time, next.at);
        next.wake();
        await new Promise((resolve) => setImmediate(resolve));
      }
      time = end;
    },
  };
}

/** Bytes that only the seed decides. */
export function seededRandom(seed: string): (bytes: number) => Buffer {
  let counter = 0;
  return (bytes) => {
    const blocks: Buffer[] = [];
    for (let have = 0; have < bytes; have += 32) {
      counter += 1;
      blocks.push(hash("sha256", `${seed}:${counter}`, "buffer"));
    }
    return Buffer.concat(blocks).subarray(0, bytes);
  };
}

/** A reply with its body parsed, for assertions. */
interface Reply {
  status: number;
  headers: Headers;
  body: unknown;
  text: string;
}

/** Sends one request to a vendor of a sandbox. */
export type Send = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<Reply>;

/** A sandbox under a virtual clock and a fixed seed, with an authenticated client for each vendor. */
export async function testSandbox(options: SandboxOptions = {}) {
  const clock = virtualClock();
  const random = seededRandom("sandbox");
  const sandbox = await createSandbox({ now: clock.now, sleep: clock.sleep, random, ...options });
  return { sandbox, clock, ...clients(sandbox) };
}

/** Clients of a sandbox that send what the official ones send. */
export function clients(sandbox: Sandbox) {
  const herokuWith = (token: string): Send =>
    sender(sandbox, "heroku", {
      authorization: `Bearer ${token}`,
      accept: "application/vnd.heroku+json; version=3",
    });
  const githubWith = (name: string): Send => {
    const token = sandbox.control.estate().github.tokens[name] ?? "";
    return sender(sandbox, "github", { authorization: `token ${token}`, "user-agent": "test" });
  };
  const login = async (name: string): Promise<Send> => {
    const { clientId, clientSecret } = sandbox.control.estate().infisical.identities[name] ?? {};
    const plain = sender(sandbox, "infisical", {});
    const { body } = await plain("POST", "/api/v1/auth/universal-auth/login", { clientId, clientSecret });
    return sender(sandbox, "infisical", { authorization: `Bearer ${at(body, "accessToken")}` });
  };
  const slackAs = (bot: string): Send => {
    const token = sandbox.control.estate().slack.bots[bot]?.token ?? "";
    return sender(sandbox, "slack", { authorization: `Bearer ${token}` });
  };
  const plain = (vendor: HttpVendor): Send => sender(sandbox, vendor, {});
  return { herokuWith, githubWith, login, slackAs, plain };
}

function sender(sandbox: Sandbox, vendor: HttpVendor, standing: Record<string, string>): Send {
  return async (method, path, body, headers = {}) => {
    const all = {
      ...standing,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    };
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const init = body === undefined ? { method, headers: all } : { method, headers: all, body: text };
    const response = await sandbox.fetch(vendor, new Request(`http://${vendor}.sandbox${path}`, init));
    const reply = await response.text();
    return { status: response.status, headers: response.headers, body: parsed(reply), text: reply };
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** What stands at a path inside a parsed body, e.g. `at(body, "secret", "version")`; undefined where nothing does. */
export function at(value: unknown, ...path: (string | number)[]): unknown {
  let found = value;
  for (const key of path) {
    if (typeof found !== "object" || found === null) return undefined;
    found = Reflect.get(found, key);
  }
  return found;
}

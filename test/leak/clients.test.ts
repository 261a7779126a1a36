import { inspect } from "node:util";
import { beforeEach, describe, expect, it } from "vitest";
import { collectCalls } from "../../src/core/calls.ts";
import { LockstepError } from "../../src/core/errors.ts";
import { Secret } from "../../src/core/secret-value.ts";
import type { Fault } from "../../src/sandbox/faults.ts";
import { RAXX } from "../../src/sandbox/raxx.ts";
import { testSandbox } from "../../src/sandbox/testing.ts";
import { github } from "../../src/vendors/github/client.ts";
import { heroku } from "../../src/vendors/heroku/client.ts";
import { infisical } from "../../src/vendors/infisical/client.ts";
import { testConnection } from "../../src/vendors/testing.ts";
import { ECHOES, echoFault, STATUSES, type VendorName } from "./hostile.ts";
import { searcherFor } from "./search.ts";
import { freshToken, known } from "./values.ts";

type Calls = Readonly<Record<string, () => Promise<unknown>>>;
let world: Awaited<ReturnType<typeof testSandbox>>;
let access: Readonly<Record<VendorName, string>>;
const value = freshToken();
const APP = RAXX.apps["raxx-api-prod"];
const REPOSITORY = "raxx-app/TradeMasterAPI";
const PLACE = { project: RAXX.projectId, environment: "prod", path: "/MooseQuest/heroku" };

beforeEach(async () => {
  world = await testSandbox();
  const { heroku: one, github: two, infisical: three } = world.sandbox.control.estate();
  access = {
    heroku: one.tokens[RAXX.currentAuthorization] ?? "",
    github: two.tokens["rotation"] ?? "",
    infisical: three.identities["lockstep"]?.clientSecret ?? "",
  };
});

function connection(vendor: VendorName, token = access[vendor]) {
  const clientId = world.sandbox.control.estate().infisical.identities["lockstep"]?.clientId ?? "";
  const credential = vendor === "infisical" ? { clientId, clientSecret: token } : { token };
  return testConnection((request) => world.sandbox.fetch(vendor, request), world.clock, credential);
}

/** Every call of every client, each with a client of its own: a refused token rests for minutes. */
function callsOf(vendor: VendorName, token?: string): Calls {
  const secret = Secret.of(value);
  const one = () => heroku.connect(connection("heroku", token));
  const two = () => github.connect(connection("github", token));
  const three = () => infisical.connect(connection("infisical", token));
  const key = { keyId: "1", key: Buffer.alloc(32, 9).toString("base64") };
  const all: Readonly<Record<VendorName, Calls>> = {
    heroku: {
      account: () => one().account(),
      "account as": () => one().account(secret),
      authorizations: () => one().authorizations(),
      authorization: () => one().authorization("~"),
      createAuthorization: () => one().createAuthorization({ scope: ["global"], description: "x" }),
      deleteAuthorization: () => one().deleteAuthorization(RAXX.sessionAuthorization),
      app: () => one().app(APP, secret),
      configVars: () => one().configVars(APP),
      patchConfigVars: () => one().patchConfigVars(APP, { HEROKU_API_KEY: secret }),
      setPlainConfigVar: () => one().setPlainConfigVar(APP, "TRADING_LIVE_DISABLED", "1"),
      latestRelease: () => one().latestRelease(APP),
      release: () => one().release(APP, 4),
      releaseConfigVars: () => one().releaseConfigVars(APP, 4, ["HEROKU_API_KEY"]),
    },
    github: {
      repository: () => two().repository(REPOSITORY),
      secret: () => two().secret(REPOSITORY, "HEROKU_API_KEY"),
      publicKey: () => two().publicKey(REPOSITORY),
      putSecret: () => two().putSecret(REPOSITORY, "HEROKU_API_KEY", key, secret),
    },
    infisical: {
      secret: () => three().secret(PLACE, "HEROKU_API_KEY"),
      createSecret: () => three().createSecret(PLACE, "ANOTHER", secret),
      updateSecret: () => three().updateSecret(PLACE, "HEROKU_API_KEY", secret),
      createFolder: () => three().createFolder(PLACE),
    },
  };
  return all[vendor];
}

const LOGIN = "/api/v1/auth/universal-auth/login";
const WITH_VALUE = /^(account as|app|patchConfigVars|putSecret|createSecret|updateSecret)$/;

/** What a call leaves, in the ways in which it could be recorded or printed, its error included; of a success only the record of calls. */
async function traceOf(call: () => Promise<unknown>): Promise<{ ended: unknown; trace: string }> {
  const collected = await collectCalls(() => call().catch((thrown: unknown) => ({ thrown })));
  const { calls } = collected;
  const succeeded = JSON.stringify(collected.value).startsWith('{"is":"done"');
  const ended = succeeded ? "done" : collected.value;
  const trouble =
    ended !== null && typeof ended === "object" && "trouble" in ended ? ended.trouble : undefined;
  const error = new LockstepError(
    (trouble ?? { code: "INTERNAL", message: "", because: "", next: "" }) as LockstepError,
  );
  const all = { ended, calls, error, plain: error.toTrouble() };
  const inspected = inspect(all, {
    depth: 20,
    showHidden: true,
    maxStringLength: null,
    maxArrayLength: null,
  });
  return { ended, trace: [JSON.stringify(all), inspected, error.stack, String(ended)].join("\n") };
}

/** Makes each call once under each fault, and says which of them showed the value. */
async function leakyCalls(
  vendor: VendorName,
  faultFor: (sent: string) => readonly Fault[],
): Promise<{ leaks: readonly string[]; made: number }> {
  const search = searcherFor([known("access", access[vendor]), known("value", value)]);
  const leaks: string[] = [];
  let made = 0;
  const attempt = async (name: string, call: () => Promise<unknown>, fault: Fault) => {
    world.sandbox.control.clearFaults();
    const set = world.sandbox.control.addFault({ ...fault, count: null });
    const { trace } = await traceOf(call);
    for (const hit of search(Buffer.from(trace))) leaks.push(`${name}: ${hit.known} as ${hit.form}`);
    made += set.hits > 0 ? 1 : 0;
  };
  for (const [name, call] of Object.entries(callsOf(vendor))) {
    // In these two the value goes out instead of the access.
    const sent = /^(account as|app)$/.test(name)
      ? [value]
      : WITH_VALUE.test(name)
        ? [access[vendor], value]
        : [access[vendor]];
    for (const text of sent) {
      // Infisical's access goes out in the login before the call.
      const route = vendor !== "infisical" ? {} : { route: text === value ? "/api/v*/secrets/*" : LOGIN };
      for (const fault of faultFor(text)) await attempt(name, call, { ...fault, ...route });
    }
  }
  return { leaks: [...new Set(leaks)], made };
}

describe("[HK-12] a vendor that repeats what it was sent", () => {
  describe.each<VendorName>(["heroku", "github", "infisical"])("%s", (vendor) => {
    it.each(ECHOES)("[HK-12] %s, with any status, is not repeated by us", async (_how, echo) => {
      const { leaks, made } = await leakyCalls(vendor, (sent) =>
        STATUSES.map((status) => echoFault(vendor, status, echo(sent))),
      );
      expect(leaks).toEqual([]);
      // A fault that hits nothing would prove nothing.
      expect(made).toBeGreaterThanOrEqual(STATUSES.length * 4);
    });

    it("[HK-12] in a page, a broken reply or a success of another shape, is not repeated by us", async () => {
      const { leaks, made } = await leakyCalls(vendor, (sent) => [
        { kind: "html", status: 502 },
        { kind: "truncated" },
        { kind: "truncated", abort: true },
        { kind: "lost-reply" },
        { kind: "status", status: 200, body: sent },
        { kind: "status", status: 200, body: { [sent]: sent } },
        { kind: "status", status: 201, body: [sent, { id: sent, token: sent }] },
        { kind: "status", status: 302, body: { message: sent }, headers: { location: `/${sent}` } },
      ]);
      expect(leaks).toEqual([]);
      expect(made).toBeGreaterThanOrEqual(8 * 4);
    });

    it("[HK-12] a value that no header can carry is not quoted", async () => {
      const broken = `${freshToken()}\nx: ${freshToken()}`;
      const search = searcherFor([known("broken", broken)]);
      for (const call of Object.values(callsOf(vendor, broken)))
        expect(search(Buffer.from((await traceOf(call)).trace))).toEqual([]);
    });
  });
});

describe("[P7] a fetch that throws what it was given", () => {
  it("[P7] does not get it into a result, however its error is made", async () => {
    const search = searcherFor([known("access", access.heroku), known("value", value)]);
    const shapes = [
      (text: string) => new TypeError(text),
      (text: string) => new TypeError("fetch failed", { cause: new Error(text) }),
      (text: string) => Object.assign(new Error("x"), { code: text, name: text, stack: text }),
      (text: string) => new AggregateError([new Error(text)], text),
      (text: string) => text,
      (text: string) => ({ message: text, toString: () => text }),
    ];
    for (const shape of shapes) {
      const options = {
        ...connection("heroku"),
        fetch: (_url: unknown, init?: RequestInit) =>
          Promise.reject(shape(`${new Headers(init?.headers).get("authorization")} ${init?.body}`)),
      };
      const client = heroku.connect(options);
      for (const call of [
        () => client.account(),
        () => client.patchConfigVars(APP, { X: Secret.of(value) }),
      ]) {
        const { trace, ended } = await traceOf(call);
        expect(ended).not.toHaveProperty("thrown");
        expect(search(Buffer.from(trace))).toEqual([]);
      }
    }
  });
});

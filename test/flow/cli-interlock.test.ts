import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Called, call, errorOf, json, openSite, type Site, start, type } from "./cli-harness.ts";

const NAME = "live-trading";
const APP = "raxx-api-prod";
const FLAG = "TRADING_LIVE_DISABLED";

let site: Site;
let home: Called;
beforeAll(async () => {
  site = await openSite();
  home = await site.project((config) => ({
    ...config,
    interlocks: { [NAME]: { ...config.interlocks?.[NAME], within: "20s" } },
  }));
});
afterAll(() => site?.close());

interface Status {
  readonly interlocks: readonly {
    readonly is: string;
    readonly since: string | null;
    readonly proof: { readonly is: string; readonly says: string };
    readonly last: { readonly to: string; readonly stage: string } | null;
  }[];
}

const app = () => site.sandbox.heroku.apps.find(({ name }) => name === APP);
const flag = () => app()?.releases.at(-1)?.config[FLAG];
const patches = () => site.sandbox.control.journal.list().filter(({ method }) => method === "PATCH").length;
const set = (text: string) =>
  site.sandbox.control.act({ act: "set-config-var", app: APP, name: FLAG, value: { text } });
const status = async () => {
  const left = await call(home, "interlock", "status", "--json");
  return { code: left.code, one: json<Status>(left).interlocks[0] };
};
const close = (...more: string[]) => call(home, "interlock", "close", NAME, "--because", "rotation", ...more);
const open = (...more: string[]) => call(home, "interlock", "open", NAME, "--because", "done", ...more);

describe("[X-15] interlock status, close and open, with proof", () => {
  it("shows how it stands; closes it, once, and it is so for all that consults it", async () => {
    expect(await status()).toMatchObject({
      code: 0,
      one: { is: "open", since: null, last: null, proof: { is: "proved" } },
    });
    const needed = await close();
    expect([needed.code, needed.err]).toEqual([2, expect.stringContaining("CONFIRMATION_NEEDED")]);
    expect(patches()).toBe(0);
    // What is printed can be typed.
    const printed = /│ next {5}(lockstep .+)/.exec(needed.err)?.[1] ?? "";
    const left = await type(home, printed);
    expect([left.code, left.out]).toEqual([0, expect.stringContaining(`${NAME} is closed; it was open.`)]);
    expect(left.out).toContain("answered 200 with live_enabled false");
    expect([flag(), patches()]).toEqual(["1", 1]);
    const again = await close("--json");
    expect([again.code, patches()]).toEqual([0, 1]);
    expect(json(again)).toMatchObject({ is: "closed", wrote: false, proof: { says: expect.any(String) } });
    const { one } = await status();
    expect(one).toMatchObject({ is: "closed", last: { to: "closed", stage: "proved" } });
    expect(one?.since).toBe(
      `${new Date(app()?.releases.at(-1)?.createdAt ?? 0).toISOString().slice(0, 19)}.000Z`,
    );
    // It is open to everybody that trading is shut.
    const { out } = await call(home, "status");
    expect(out).toMatch(/interlock\s+live-trading: closed \S+ by \S+, rotation/);
    expect(out).toContain(`lockstep interlock status ${NAME}`);
  });

  it("[P9] keeps what was announced before what was done, with the vendor's request ids", async () => {
    const { entries } = json<{
      entries: { action: string; context: { requests?: { method: string; requestId?: string }[] } }[];
    }>(await call(home, "audit", "--json"));
    expect(entries.map(({ action }) => action)).toEqual([
      "interlock.close.intended",
      "interlock.close.done",
      "interlock.close.proved",
    ]);
    const write = entries[1]?.context.requests?.find(({ method }) => method === "PATCH");
    expect(write?.requestId).toBeTruthy();
  });

  it("[P5] opens what it closed, and what others closed only by its name; nothing while frozen", async () => {
    expect((await open("--yes")).code).toBe(0);
    expect(flag()).toBe("0");
    set("1");
    const refused = await open("--yes", "--json");
    expect([refused.code, errorOf(refused).code]).toEqual([2, "CONFIRMATION_NEEDED"]);
    expect(errorOf(refused).next).toMatch(/--confirm live-trading$/);
    await call(home, "freeze", "--all", "--because", "incident");
    const frozen = await open("--confirm", NAME, "--json");
    expect([frozen.code, errorOf(frozen).code, flag()]).toEqual([1, "FROZEN", "1"]);
    // The safe direction is always open.
    expect((await close("--yes")).code).toBe(0);
    await call(home, "freeze", "--lift");
    expect([(await open("--confirm", NAME)).code, flag()]).toEqual([0, "0"]);
  });

  it("says what is not proved, with another exit code; ^C leaves it safe, and it is gone on with", async () => {
    site.sandbox.control.set({ apps: { [APP]: { dynoStartMs: 600_000 } } });
    const before = patches();
    const running = start(home, "interlock", "close", NAME, "--because", "rotation", "--yes");
    await running.until(/▶ /);
    running.signal("SIGINT");
    const left = await running.left;
    expect([left.code, left.out]).toEqual([130, expect.stringContaining("Not proved closed yet")]);
    const { code, one } = await status();
    expect([code, one?.is, one?.proof.is, one?.last?.stage]).toEqual([3, "closed", "unknown", "done"]);
    site.sandbox.control.set({ apps: { [APP]: { dynoStartMs: 0 } } });
    site.sandbox.control.act({ act: "restart-dynos", app: APP });
    expect((await close("--yes")).code).toBe(0);
    expect(patches() - before).toBe(1);
    expect((await status()).one).toMatchObject({ proof: { is: "proved" }, last: { stage: "proved" } });
  });

  it("is a person's with the right role, and of one that is declared", async () => {
    const viewer = await site.project((config) => ({ ...config, operators: { nobody: { role: "ops" } } }));
    const refused = await call(viewer, "interlock", "close", NAME, "--because", "x", "--yes", "--json");
    expect([refused.code, errorOf(refused).code]).toEqual([1, "ROLE_MISSING"]);
    const none = await call(home, "interlock", "close", "no-such", "--because", "x", "--yes", "--json");
    expect([none.code, errorOf(none).code]).toEqual([2, "INTERLOCK_UNKNOWN"]);
    for (const action of ["close", "open"])
      expect(errorOf(await call(home, "interlock", action, "no-such", "--json")).code).toBe(
        "INTERLOCK_UNKNOWN",
      );
    for (const args of [["close", NAME], ["open"], ["nonsense"], ["close", NAME, "more"]]) {
      const { code, out } = await call(home, "interlock", ...args, "--json");
      expect([code, JSON.parse(out).error.code]).toEqual([2, "USAGE"]);
    }
  });
});

describe("the section of the configuration", () => {
  it("says every mistake at once", async () => {
    const wrong = await site.project((config) => ({
      ...config,
      connections: { ...config.connections, bare: { vendor: "web" } },
      interlocks: {
        one: { kind: "no-such", connection: "heroku" },
        two: {
          ...config.interlocks?.[NAME],
          connection: "raxx-api",
          closedValue: "0",
          probes: { closed: { kind: "http", connection: "heroku", path: "x" } },
        },
      },
    }));
    const { code, err } = await call(wrong, "interlock", "status");
    expect(code).toBe(2);
    for (const found of [
      'interlocks.one.kind: found "no-such", allowed heroku-flag',
      "interlocks.two.connection: found raxx-api, of web, allowed a connection of heroku",
      "interlocks.two: found an object, allowed closedValue and openValue that differ",
      "interlocks.two.probes.closed.connection: found heroku, of heroku, allowed a connection of web",
      'interlocks.two.probes.closed.path: found "x", allowed a path that begins with one /',
      "connections.bare.url: found nothing, allowed an address: web has none of its own",
    ])
      expect(err).toContain(found);
  });
});

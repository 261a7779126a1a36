import { beforeEach, describe, expect, it } from "vitest";
import type { Trouble } from "../core/errors.ts";
import type { AuditEntry } from "../core/record.ts";
import type { AuditRecord } from "../db/audit-log.ts";
import { APP, FLAG, type FlagWorld, flagWorld } from "../interlocks/heroku-flag/testing.ts";
import { httpProbe } from "../probes/http/probe.ts";
import { clockOf, testConnection, testFingerprint } from "../vendors/testing.ts";
import { web } from "../vendors/web/client.ts";
import { turnsIn } from "./interlock-record.ts";
import { type TurnFound, type TurnPorts, type TurnRequest, turn } from "./turning.ts";

const NAME = "live-trading";
const ACTOR = { name: "kris", assurance: "local user", role: "superadmin" } as const;

let world: FlagWorld;
/** The audit log. */
let entries: AuditRecord[];
let confirmed: TurnFound[];
/** What happens at each write of the audit log; throws where it cannot be written. */
let appending: (entry: AuditEntry) => void;
let stop: AbortController;
let frozen: Trouble | undefined;

beforeEach(async () => {
  world = await flagWorld();
  entries = [];
  confirmed = [];
  appending = () => {};
  stop = new AbortController();
  frozen = undefined;
});

function probeOf(live: boolean) {
  const send = (request: Request) => world.sandbox.fetch("heroku", request);
  const baseUrl = `http://heroku.sandbox/_apps/${APP}`;
  const client = web.connect(testConnection(send, world.clock, {}, { baseUrl }));
  const config = httpProbe.config.parse({ path: "/health/trading", json: { live_enabled: live } });
  return httpProbe.connect(config, { client, fingerprint: testFingerprint, clock: clockOf(world.clock) });
}

function ports(change: Partial<TurnPorts["bound"]> = {}): TurnPorts {
  const clock = clockOf(world.clock);
  return {
    clock,
    pause: (ms) => world.clock.advance(ms),
    append: async (entry) => {
      appending(entry);
      entries.push({ ...entry, seq: entries.length, at: clock.now() });
    },
    last: async () => turnsIn(entries).get(NAME),
    frozen: async () => frozen,
    bound: {
      name: NAME,
      target: `heroku ${APP} ${FLAG}`,
      remarks: [],
      read: true,
      interlock: world.connect({}, true),
      probes: { closed: probeOf(false), open: probeOf(true) },
      role: "superadmin",
      within: 600_000,
      ...change,
    },
  };
}

function asked(to: "closed" | "open"): TurnRequest {
  return {
    interlock: NAME,
    to,
    because: "key rotation",
    confirm: async (found) => void confirmed.push(found),
    saw: () => {},
    signal: stop.signal,
  };
}

const doTurn = (to: "closed" | "open", with_ = ports()) => turn(with_, ACTOR, asked(to));
const actions = () => entries.map(({ action }) => action);
const flagOf = () => world.app().releases.at(-1)?.config[FLAG];

describe("turning an interlock", () => {
  it("[X-15][P9] announces it, sends it once, and is done only with the proof of all that consults it", async () => {
    world.app().dynoStartMs = 60_000;
    const started = world.clock.now();
    const done = await doTurn("closed");
    expect(done).toMatchObject({ is: "closed", found: "open", wrote: true });
    expect(done.proof?.says).toMatch(/were started with it; .* answered 200 with live_enabled false$/);
    // The page is the router's until a process is up.
    expect(world.clock.now() - started).toBeGreaterThanOrEqual(60_000);
    expect(actions()).toEqual(["interlock.close.intended", "interlock.close.done", "interlock.close.proved"]);
    expect(entries[0]?.context).toMatchObject({ interlock: NAME, found: "open", because: "key rotation" });
    expect(entries[1]?.context).toMatchObject({
      requests: expect.arrayContaining([
        expect.objectContaining({ method: "PATCH", requestId: expect.any(String) }),
      ]),
    });
    expect(world.patches()).toBe(1);
  });

  it("[P9] sends nothing that cannot be announced", async () => {
    appending = () => {
      throw new Error("the log is full");
    };
    await expect(doTurn("closed")).rejects.toThrow();
    expect(world.patches()).toBe(0);
  });

  it("sends nothing where it is declined", async () => {
    const request = { ...asked("closed"), confirm: () => Promise.reject(new Error("no")) };
    await expect(turn(ports(), ACTOR, request)).rejects.toThrow("no");
    expect([world.patches(), entries]).toEqual([0, []]);
  });

  it("sends nothing where it is interrupted before, whatever was confirmed", async () => {
    const request = { ...asked("closed"), confirm: async () => stop.abort() };
    await expect(turn(ports(), ACTOR, request)).rejects.toMatchObject({ code: "DECLINED" });
    expect([world.patches(), entries]).toEqual([0, []]);
  });

  it("[X-15] opens nothing once it is frozen, also while the person was asked; closing goes on", async () => {
    await doTurn("closed");
    const trouble = { code: "FROZEN", message: "m", because: "b", next: "n" } as const;
    const freezes = async () => {
      frozen = trouble;
    };
    const request = { ...asked("open"), confirm: freezes };
    await expect(turn(ports(), ACTOR, request)).rejects.toMatchObject(trouble);
    await expect(doTurn("open")).rejects.toMatchObject(trouble);
    expect([world.patches(), flagOf()]).toEqual([1, "1"]);
    await doTurn("closed");
  });

  it("asks nobody and records nothing where it stands so already, and proves it all the same", async () => {
    expect(await doTurn("open")).toMatchObject({
      wrote: false,
      found: "open",
      proof: { says: expect.stringContaining("is open") },
    });
    expect([confirmed, entries, world.patches()]).toEqual([[], [], 0]);
  });

  it("[P5] tells what it closed itself from what somebody else had closed", async () => {
    await doTurn("closed");
    await doTurn("open");
    expect(confirmed.map(({ found, ours }) => ({ found, ours }))).toEqual([
      { found: "open", ours: false },
      { found: "closed", ours: true },
    ]);
    // It is found closed, and "closing" it makes it nobody's but whoever closed it.
    world.set("1");
    await world.clock.advance(60_000);
    await doTurn("closed");
    await doTurn("open");
    expect(confirmed.at(-1)).toMatchObject({ found: "closed", ours: false });
  });

  it("[P5] is not ours where somebody else has opened it since, and closed it again", async () => {
    await doTurn("closed");
    world.set("0");
    world.set("1");
    await world.clock.advance(60_000);
    await doTurn("open");
    expect(confirmed.at(-1)).toMatchObject({ found: "closed", ours: false });
  });

  it("[P5] is not ours where it was announced and somebody else closed it", async () => {
    world.control.addFault({ kind: "lost-request", method: "PATCH" });
    appending = ({ action }) => {
      if (action.endsWith("unsettled")) throw new Error("killed");
    };
    await expect(doTurn("closed")).rejects.toThrow("killed");
    appending = () => {};
    world.set("1");
    await world.clock.advance(60_000);
    expect(await doTurn("closed")).toMatchObject({ wrote: false });
    await doTurn("open");
    expect(confirmed.at(-1)).toMatchObject({ found: "closed", ours: false });
  });

  it("[P5] keeps two people's turns apart", async () => {
    await doTurn("closed");
    await doTurn("open");
    const { append } = ports();
    const entry = (action: string, context: object) =>
      append({ action, actor: ACTOR, context: { interlock: NAME, found: "open", ...context } });
    await entry("interlock.close.intended", { because: "one" });
    await entry("interlock.open.intended", { because: "other" });
    await entry("interlock.close.done", { version: "9" });
    expect(turnsIn(entries).get(NAME)).toMatchObject({ to: "open", because: "other", stage: "intended" });
    await entry("interlock.open.failed", {});
    expect(turnsIn(entries).get(NAME)).toMatchObject({ to: "closed", stage: "done", version: "9" });
    // A refusal of what was never announced here takes nothing away.
    entries = entries.slice(-1);
    expect(turnsIn(entries).size).toBe(0);
  });

  it("[P5] is ours also where it was opened in vain", async () => {
    await doTurn("closed");
    world.control.addFault({ kind: "status", status: 403, method: "PATCH", headers: { "request-id": "x" } });
    await expect(doTurn("open")).rejects.toMatchObject({ code: "VENDOR_PERMISSION" });
    expect(actions().at(-1)).toBe("interlock.open.failed");
    expect(turnsIn(entries).get(NAME)).toMatchObject({ to: "closed", stage: "proved" });
    world.control.clearFaults();
    await doTurn("open");
    expect(confirmed.at(-1)).toMatchObject({ ours: true });
  });
});

describe("trouble on the way", () => {
  it("[X-15] killed at any point, it looks first when it is called again, and is sent once", async () => {
    for (const killedAt of ["intended", "done", "proved"])
      for (const when of ["before", "behind"]) {
        world = await flagWorld();
        entries = [];
        const killing = ports();
        const { append } = killing;
        const killed = turn(
          {
            ...killing,
            append: async (entry) => {
              const here = entry.action.endsWith(killedAt);
              if (here && when === "before") throw new Error("killed");
              await append(entry);
              if (here) throw new Error("killed");
            },
          },
          ACTOR,
          asked("closed"),
        );
        await expect(killed).rejects.toThrow("killed");
        const done = await doTurn("closed");
        expect(done.proof).toBeDefined();
        expect([killedAt, when, world.patches(), flagOf()]).toEqual([killedAt, when, 1, "1"]);
        expect(turnsIn(entries).get(NAME)).toMatchObject({ stage: "proved", found: "open" });
      }
  });

  it("settles a lost reply by a look", async () => {
    world.control.addFault({ kind: "lost-reply", method: "PATCH" });
    expect(await doTurn("closed")).toMatchObject({ wrote: true, found: "open" });
    expect(actions()).toEqual([
      "interlock.close.intended",
      "interlock.close.unsettled",
      "interlock.close.proved",
    ]);
    expect(world.patches()).toBe(1);
  });

  it("leaves open what a look does not settle, and settles it the next time", async () => {
    world.control.addFault({ kind: "lost-request", method: "PATCH" });
    await expect(doTurn("closed")).rejects.toMatchObject({
      because: "whether it is closed now is not known",
      next: expect.stringMatching(/^lockstep interlock close live-trading --because 'key rotation' {4}/),
    });
    expect(turnsIn(entries).get(NAME)).toMatchObject({ stage: "unsettled" });
    expect(await doTurn("closed")).toMatchObject({ found: "open", wrote: true });
    expect(turnsIn(entries).get(NAME)).toMatchObject({ stage: "proved" });
  });

  it("waits for as long as the vendor takes no calls, and sends it then", async () => {
    world.control.addFault({
      kind: "status",
      status: 429,
      method: "PATCH",
      headers: { "retry-after": "30" },
    });
    const started = world.clock.now();
    expect(await doTurn("closed")).toMatchObject({ wrote: true });
    expect(world.clock.now() - started).toBeGreaterThanOrEqual(30_000);
    expect(entries.filter(({ action }) => action.endsWith("intended"))).toHaveLength(1);
  });

  it("sends nothing more once nobody waits for it", async () => {
    world.control.addFault({ kind: "status", status: 429, method: "PATCH", count: 9 });
    const leaving = ports();
    const pause = async () => stop.abort();
    await expect(turn({ ...leaving, pause }, ACTOR, asked("closed"))).rejects.toMatchObject({
      code: "VENDOR_RATE_LIMITED",
    });
    expect([world.patches(), actions().at(-1)]).toEqual([1, "interlock.close.failed"]);
  });

  it("goes on asking while a page still says otherwise", async () => {
    let looks = 0;
    const late = {
      look: async () => {
        looks += 1;
        return (looks < 4 ? probeOf(true) : probeOf(false)).look();
      },
    };
    expect(await turn(ports({ probes: { closed: late } }), ACTOR, asked("closed"))).toMatchObject({
      proof: { says: expect.stringContaining("live_enabled false") },
    });
    expect(looks).toBe(4);
  });

  it("turns nothing that it cannot see", async () => {
    world.control.addFault({ kind: "html", status: 200 });
    world.control.addFault({ kind: "html", status: 200 });
    await expect(doTurn("closed")).rejects.toMatchObject({
      code: "VENDOR_REPLY_FOREIGN",
      because: expect.stringMatching(/; it was not closed$/),
      next: expect.stringMatching(/^lockstep interlock status live-trading/),
    });
    expect([world.patches(), entries]).toEqual([0, []]);
  });

  it("closes what stands neither way, and does not call it ours", async () => {
    world.set("perhaps");
    expect(await doTurn("closed")).toMatchObject({ found: "unknown", wrote: true });
    await doTurn("open");
    expect(confirmed.at(-1)).toMatchObject({ ours: false });
  });

  it("[P5] is not proved while the page says otherwise, and says so when the time is over", async () => {
    const lying = ports({ probes: { closed: probeOf(true) }, within: 60_000 });
    await expect(turn(lying, ACTOR, asked("closed"))).rejects.toMatchObject({
      code: "INTERLOCK_UNPROVED",
      message: expect.stringContaining("answered 200 with live_enabled false"),
      because: expect.stringMatching(/what is not proved closed counts as open$/),
    });
    expect(actions().at(-1)).toBe("interlock.close.unproved");
    // It goes on from there.
    expect((await doTurn("closed")).proof).toBeDefined();
    expect([world.patches(), actions().at(-1)]).toEqual([1, "interlock.close.proved"]);
  });

  it("waits no longer once it is refuted that it stands so", async () => {
    world.control.set({
      apps: { [APP]: { releaseCommand: "x", releasePhaseMs: 1_000, releaseFails: true } },
    });
    const started = world.clock.now();
    await expect(doTurn("closed")).rejects.toMatchObject({
      code: "INTERLOCK_UNPROVED",
      because: expect.stringContaining("release v5 failed"),
    });
    expect(world.clock.now() - started).toBeLessThan(60_000);
  });

  it("ends its waiting where a person does, and says that nothing is proved", async () => {
    world.app().dynoStartMs = 600_000;
    const waiting = { ...asked("closed"), saw: () => stop.abort() };
    const done = await turn(ports(), ACTOR, waiting);
    expect(done).toEqual({ interlock: NAME, is: "closed", found: "open", wrote: true });
    expect(turnsIn(entries).get(NAME)).toMatchObject({ stage: "done" });
  });
});

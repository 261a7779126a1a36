import { describe, expect, it } from "vitest";
import { checkConfig } from "../../src/app/config.ts";
import { dueOf, lastRotated } from "../../src/audit/schedule.ts";
import { REASONS } from "../../src/core/record.ts";
import { RAXX } from "../../src/sandbox/raxx.ts";
import {
  END,
  expectKeptPromises,
  expectNoValue,
  expectRotated,
  held,
  isAlive,
  livingOf,
  OLD,
  placeOf,
  STORES,
  storeWrites,
} from "./expectations.ts";
import { nowText } from "./life.ts";
import { raxx } from "./raxx-config.ts";
import { ACTOR, SECRET, world } from "./world.ts";

describe("what a secret is", () => {
  it("[HK-01] takes last rotated and next due from the record, and refuses them in a configuration", async () => {
    const w = await world();
    const cadence = w.run().plan.snapshot.cadenceDays;
    expect(cadence).toBe(90);
    expect(dueOf(lastRotated(w.memory.rotations), cadence, nowText())).toEqual({ is: "never" });
    await w.run().go();
    const at = w.memory.rotations[0]?.at ?? "";
    const due = dueOf(lastRotated(w.memory.rotations), cadence, nowText());
    expect(due).toMatchObject({ is: "later", lastRotated: at });
    expect(Date.parse("nextDue" in due ? due.nextDue : "") - Date.parse(at)).toBe(90 * 86_400_000);
    for (const typed of ["lastRotated", "nextDue"]) {
      const config = raxx();
      Object.assign(config.secrets[SECRET] ?? {}, { [typed]: "2026-01-01" });
      expect(() => checkConfig(config)).toThrow(`secrets.${SECRET}.${typed}`);
    }
  });

  it("[HK-02] lists vault, CI secret, four config vars in waves, and how each consumer reads it", async () => {
    const { config } = await world();
    const one = config.secrets[SECRET];
    expect(one).toMatchObject({
      system: expect.stringContaining("HEROKU_API_KEY"),
      role: "ops",
      sop: expect.stringContaining("rotation"),
      vault: { path: "/MooseQuest/heroku", environment: "prod", fields: { token: "HEROKU_API_KEY" } },
    });
    expect(one?.destinations.map((wave) => wave.length)).toEqual([1, 2, 2]);
    expect(one?.consumers.map(({ pulls }) => pulls)).toEqual([false, false, true]);
    expect(one?.consumers.at(-1)?.reads).toContain("HEROKU_API_KEY_PROD");
  });

  it("[HK-03] refuses to start on a key that is declared as somebody else's, and never ends one", async () => {
    const w = await world({
      change: (config) => {
        const issuer = config.secrets[SECRET]?.issuer;
        issuer?.known?.push({ id: OLD.slice(0, 8), description: "mine, says somebody" });
        return config;
      },
    });
    const run = w.run();
    expect(await run.go()).toMatchObject({ status: "failed", trouble: { code: "OLD_NOT_IDENTIFIED" } });
    expect(w.writes()).toEqual([]);
    const rotated = await world();
    await rotated.run().go();
    for (const { id } of rotated.run().plan.snapshot.issuer.known) {
      const whole = rotated.sandbox.heroku.authorizations.find((one) => one.id.startsWith(id))?.id ?? "";
      expect(isAlive(rotated, whole)).toBe(true);
    }
  });
});

describe("the rotation", () => {
  it("[HK-05] mints once: scope global, the convention's description and this run's tag", async () => {
    const w = await world();
    const run = w.run();
    await run.go();
    const fresh = expectRotated(w, run);
    expect(w.writes().filter((one) => placeOf(one) === "mint")).toHaveLength(1);
    expect(w.sandbox.heroku.authorizations.find((one) => one.id === fresh)).toMatchObject({
      scope: ["global"],
      description: `raxx-ci-rotation-2026-11 ${run.tag}`,
    });
    expect(run.tag).toMatch(/^ls-[a-z2-7]{12}$/);
  });

  it("[HK-07] writes vault, then GitHub, then the apps by waves, each wave after the proof of the one before", async () => {
    const w = await world();
    w.sandbox.control.set({
      apps: Object.fromEntries(
        Object.keys(RAXX.apps).map((name) => [name, { releaseCommand: "migrate", releasePhaseMs: 9_000 }]),
      ),
    });
    await w.run().go();
    const places = storeWrites(w).map(placeOf);
    expect(places.slice(0, 2)).toEqual(["vault", "github"]);
    expect(places.slice(2, 4).sort()).toEqual(["raxx-api-staging", "raxx-console-staging"]);
    expect(places.slice(4).sort()).toEqual(["raxx-api-prod", "raxx-console-prod"]);
    const at = (place: string) => storeWrites(w).find((one) => placeOf(one) === place)?.at ?? 0;
    const staged = Math.max(at("raxx-api-staging"), at("raxx-console-staging"));
    expect(at("raxx-api-prod") - staged).toBeGreaterThanOrEqual(9_000);
  });

  it("[HK-09] ends the old one by its exact id with the new key, and proves it by list, refusal and control", async () => {
    const w = await world();
    const run = w.run();
    await run.go();
    const fresh = expectRotated(w, run);
    const journal = w.sandbox.control.journal.list();
    const end = journal.findIndex((one) => one.method === "DELETE");
    expect(journal[end]).toMatchObject({ path: `/oauth/authorizations/${OLD}`, credential: fresh });
    const later = journal.slice(end + 1);
    expect(later.some((one) => one.path === "/oauth/authorizations" && one.credential === fresh)).toBe(true);
    const account = later.filter((one) => one.path === "/account");
    const refusals = account.filter((one) => one.status === 401);
    expect(refusals.length).toBeGreaterThanOrEqual(2);
    for (const refusal of refusals) {
      const control = account.find((one) => one.status === 200 && Math.abs(one.at - refusal.at) < 60_000);
      expect(control?.credential).toBe(fresh);
    }
    const times = refusals.map((one) => one.at);
    expect(Math.max(...times) - Math.min(...times)).toBeGreaterThanOrEqual(60_000);
  });

  it("[HK-09] keeps old and new side by side for 30 minutes before it ends the old one", async () => {
    const w = await world();
    await w.run().go();
    const last = Math.max(...storeWrites(w).map((one) => one.at));
    const end = w.writes().find((one) => one.method === "DELETE");
    expect((end?.at ?? 0) - last).toBeGreaterThanOrEqual(30 * 60_000);
  });

  it("[HK-09] does not complete when Heroku says that it ended the old one and has not", async () => {
    const w = await world();
    w.sandbox.control.addFault({ ...END, kind: "no-effect", count: 1 });
    const run = w.run();
    expect(await run.go()).toMatchObject({ status: "held", trouble: { code: "OLD_NOT_DEAD" } });
    expect(isAlive(w, OLD)).toBe(true);
    expect(w.memory.rotations).toEqual([]);
    run.say({ choice: "retry" });
    expect(await run.go()).toMatchObject({ status: "completed" });
    expectRotated(w, run);
  });

  it("[HK-09] holds while the list still shows an end that was accepted, says so, and looks before it ends again", async () => {
    const w = await world();
    const ends = () => w.sandbox.control.journal.list().filter(({ method }) => method === END.method);
    const list = { vendor: "heroku", method: "GET", route: "/oauth/authorizations" } as const;
    let lags = false;
    const run = w.run();
    const held = await run.go({
      answered: () => {
        if (lags || ends().length === 0) return;
        lags = true;
        w.sandbox.control.addFault({ ...list, kind: "stale", lagMs: 10 * 60_000, count: null });
      },
    });
    expect(held).toMatchObject({ status: "held", trouble: { code: "OLD_NOT_DEAD" } });
    const said = "trouble" in held ? (held.trouble?.message ?? "") : "";
    const accepted = /authorizations listed; its end was accepted by (\S+), and a list may lag behind$/.exec(
      said,
    );
    expect(Math.abs(Date.parse(accepted?.[1] ?? "") - (ends()[0]?.at ?? 0))).toBeLessThan(2_000);
    run.say({ choice: "settle" });
    expect(await run.go()).toMatchObject({ status: "held", trouble: { code: "NOT_SETTLED" } });
    expect(ends()).toHaveLength(1);
    w.sandbox.control.clearFaults();
    run.say({ choice: "retry" });
    expect(await run.go()).toMatchObject({ status: "completed" });
    expect(ends()).toHaveLength(1);
    expectRotated(w, run);
  });

  it("[HK-09] waits for the issuer's propagation, and holds when the old key is still accepted after it", async () => {
    const patient = await world();
    patient.sandbox.control.set({ heroku: { revocationDelayMs: 40_000 } });
    const run = patient.run();
    expect(await run.go()).toMatchObject({ status: "completed" });
    expectRotated(patient, run);
    const slow = await world();
    slow.sandbox.control.set({ heroku: { revocationDelayMs: 20 * 60_000 } });
    const held = slow.run();
    expect(await held.go()).toMatchObject({ status: "held", trouble: { code: "OLD_NOT_DEAD" } });
    expect(slow.memory.rotations).toEqual([]);
    await slow.clock.pass(20 * 60_000);
    held.say({ choice: "retry" });
    expect(await held.go()).toMatchObject({ status: "completed" });
    expectRotated(slow, held);
  });

  it("[HK-10] leaves audit, one row of the rotation log, and the generations", async () => {
    const w = await world();
    const run = w.run();
    await run.go();
    const fresh = expectRotated(w, run);
    expect(w.memory.rotations).toEqual([
      {
        run: run.id,
        secret: SECRET,
        at: expect.any(String),
        actor: ACTOR.name,
        reason: "scheduled",
        old: expect.objectContaining({ id: OLD, description: "raxx-ci-rotation-2026-07" }),
        new: expect.objectContaining({ id: fresh, description: `raxx-ci-rotation-2026-11 ${run.tag}` }),
        notes: "",
      },
    ]);
    const completed = w.memory.audit.find((one) => one.action === "secret.rotate.completed");
    expect(completed?.context).toMatchObject({ old: { id: OLD }, new: { id: fresh } });
    expect(w.memory.generations.map(({ credential, state }) => [credential.id, state])).toEqual([
      [OLD, "retired"],
      [fresh, "current"],
    ]);
  });

  it("[HK-10] rotates again from its own record", async () => {
    const w = await world();
    const first = w.run();
    await first.go();
    const second = w.run();
    expect(await second.go()).toMatchObject({ status: "completed" });
    const [fresh = ""] = livingOf(w, second);
    expect(livingOf(w, first)).toEqual([]);
    expect(new Set(Object.values(held(w)))).toEqual(new Set([fresh]));
    expectKeptPromises(w, second);
  });

  it("[HK-11] has a working key in the vault after every single request", async () => {
    const w = await world();
    let asked = 0;
    await w.run().go({
      answered: () => {
        asked += 1;
      },
    });
    expect(asked).toBeGreaterThan(60);
    expect(w.broken).toEqual([]);
  });

  it("[HK-12][P7] shows no value in audit, progress, plan, record and journal", async () => {
    const w = await world();
    const run = w.run();
    await run.go();
    expect(w.values().length).toBeGreaterThan(15);
    expectNoValue(w, run);
    expect(JSON.stringify([...run.kept.slots])).not.toContain("HRKU-");
  });

  it.each(REASONS)("[HK-14] records the reason %s in start, end and row", async (reason) => {
    const w = await world();
    await w.run({ reason }).go();
    const of = (action: string) => w.memory.audit.find((one) => one.action === action)?.context;
    expect(of("secret.rotate.started")).toMatchObject({ reason });
    expect(of("secret.rotate.completed")).toMatchObject({ reason });
    expect(w.memory.rotations[0]?.reason).toBe(reason);
  });

  it("[HK-20] rotates the billing key as a secret of its own, managed by the other key", async () => {
    const w = await world();
    const run = w.run({ secret: "heroku-billing-api-key" });
    expect(await run.go()).toMatchObject({ status: "completed" });
    const [fresh = ""] = livingOf(w, run);
    const made = w.sandbox.heroku.authorizations.find((one) => one.id === fresh);
    expect(made).toMatchObject({ scope: ["read"], description: `raxx-billing-rotation-2026-11 ${run.tag}` });
    expect(isAlive(w, RAXX.billingAuthorization)).toBe(false);
    expect(isAlive(w, OLD)).toBe(true);
    expect(new Set(Object.values(held(w)))).toEqual(new Set([OLD]));
    const vault = w.sandbox.control.truth().infisical.projects[0]?.secrets;
    expect(vault?.find((one) => one.key === "HEROKU_BILLING_API_KEY")?.holds).toBe(fresh);
    const byHeroku = w.writes().filter((one) => one.vendor === "heroku");
    expect(new Set(byHeroku.map((one) => one.credential))).toEqual(new Set([OLD]));
    expect(w.broken).toEqual([]);
    expectNoValue(w, run);
  });

  it("[HK-20] knows six places of the first secret, and none of the second", async () => {
    const w = await world();
    const billing = w.run({ secret: "heroku-billing-api-key" }).plan;
    expect(billing.steps.filter((one) => one.id.startsWith("propagate/"))).toEqual([]);
    expect(STORES).toHaveLength(6);
  });
});

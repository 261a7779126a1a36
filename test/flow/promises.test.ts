import { describe, expect, it } from "vitest";
import type { FaultKind } from "../../src/sandbox/faults.ts";
import { RAXX } from "../../src/sandbox/raxx.ts";
import {
  END,
  expectKeptPromises,
  expectRotated,
  isAlive,
  livingOf,
  MINT,
  OLD,
  placeOf,
  STORES,
} from "./expectations.ts";
import type { Life } from "./life.ts";
import { type Run, SECRET, type World, world } from "./world.ts";

/** The plan line that allows a write, told by method, target and field; undefined for a write outside the plan. */
function lineFor(w: World, run: Run, write: ReturnType<World["writes"]>[number]): string | undefined {
  const place = placeOf(write);
  const line = (id: string) => run.plan.steps.find((one) => one.id.startsWith(id))?.id;
  if (place === "mint") return line("mint");
  if (place === "end") {
    const id = write.path.split("/").at(-1);
    if (id === OLD) return line("revoke");
    const ended = w.sandbox.heroku.authorizations.find((one) => one.id === id);
    const allowed = run.plan.steps.find((one) => one.id === "mint")?.conditional.join(" ");
    return ended?.description.endsWith(run.tag) && allowed?.includes("this run's tag") ? "mint" : undefined;
  }
  if (write.fields.join() !== "HEROKU_API_KEY") return undefined;
  if (place === "vault") return line("store");
  const target =
    place === "github" ? "github raxx-app/TradeMasterAPI HEROKU_API_KEY" : `heroku ${place} HEROKU_API_KEY`;
  return run.plan.steps.find((one) => one.id.startsWith("propagate/") && one.target === target)?.id;
}

/** Everything at the vendors but what a rotation may change. */
function rest(w: World): unknown {
  const { heroku, github, infisical } = w.sandbox.control.truth();
  const without = <T extends object>(object: T) =>
    Object.entries(object).filter(([name]) => name !== "HEROKU_API_KEY");
  return {
    authorizations: heroku.authorizations.filter(
      ({ id, description }) => id !== OLD && !description.includes(" ls-"),
    ),
    apps: heroku.apps.map((app) => [app.id, without(app.config), app.dynos.map(({ name }) => name)]),
    github: github.repositories.map((one) => [without(one.secrets), one.environments]),
    tokens: github.tokens,
    vault: infisical.projects.map((one) => one.secrets.filter(({ key }) => key !== "HEROKU_API_KEY")),
  };
}

describe("[P10] nothing outside the plan", () => {
  const faults: Record<string, { readonly on?: object; readonly fault?: FaultKind }> = {
    "when all goes well": {},
    "when the reply of the mint is lost": { on: MINT, fault: { kind: "lost-reply" } },
    "when a request lands late": { on: MINT, fault: { kind: "late", ms: 300_000 } },
    "when the reply of a store is lost": { on: STORES[4].write, fault: { kind: "lost-reply" } },
    "when the reply of the end is lost": { on: END, fault: { kind: "lost-reply" } },
    "when a store refuses": { on: STORES[1].write, fault: { kind: "status", status: 403 } },
  };
  it.each(Object.entries(faults))("%s, every write is a line of the plan", async (_name, { on, fault }) => {
    const w = await world();
    const before = rest(w);
    if (on && fault) w.sandbox.control.addFault({ ...on, ...fault, count: 1 });
    const run = w.run();
    await run.go();
    await w.sandbox.control.idle();
    expect(w.writes().length).toBeGreaterThan(1);
    for (const write of w.writes()) expect([write.path, lineFor(w, run, write)]).not.toContain(undefined);
    expect(rest(w)).toEqual(before);
  });

  it("counts the vendor calls of a run that goes well as the plan said, sign-ins among them", async () => {
    // One app a wave: two that are waited for side by side would each pass the other's time.
    const w = await world({
      change: (config) => {
        const one = config.secrets[SECRET];
        if (one?.destinations) one.destinations = one.destinations.flat().map((copy) => [copy]);
        return config;
      },
    });
    const run = w.run();
    expect(await run.go()).toEqual({ status: "completed" });
    const requests = w.sandbox.control.journal.list();
    const made = Object.groupBy(requests, ({ vendor }) => vendor);
    const calls = Object.fromEntries(Object.entries(made).map(([vendor, all]) => [vendor, all.length]));
    expect(
      run.plan.snapshot.waves
        .flat()
        .flatMap(({ remarks }) => remarks)
        .join(),
    ).toContain("counted for one environment of the repository");
    expect(calls).toEqual(run.plan.calls);
    expect(run.plan.snapshot.signIns).toEqual({ infisical: 1 });
    expect(requests.filter(({ path }) => path.includes("/auth/"))).toHaveLength(1);
    const noted = [...w.memory.steps.values()].flatMap((step) => step.calls);
    expect(noted).toHaveLength(requests.length);
  });
});

describe("[P9] no record, no action", () => {
  it("does nothing whose announcement cannot be written, at whatever position that happens", async () => {
    const whole = await world();
    await whole.run().go();
    const positions = whole.memory.tried;
    expect(positions).toBeGreaterThan(15);
    for (let position = 1; position <= positions; position += 1) {
      const w = await world();
      let process: Life | undefined;
      w.memory.refuseAudit = (_entry, n) => {
        // What must be recorded is tried for as long as it takes; somebody ends the process in the end.
        if (n > position + 60) process?.die();
        return n >= position;
      };
      const run = w.run();
      await run
        .go({
          born: (life) => {
            process = life;
          },
        })
        .catch(() => undefined);
      expectAnnounced(w, run);
      expectKeptPromises(w, run);
      expect(isAlive(w, OLD) || livingOf(w, run).length === 1).toBe(true);
    }
  });

  it("goes on by itself or by a person's word, once the log can be written again", async () => {
    const whole = await world();
    await whole.run().go();
    for (let position = 1; position <= whole.memory.tried; position += 1) {
      const w = await world();
      w.memory.refuseAudit = (_entry, n) => n === position;
      const run = w.run();
      const first = await run.go();
      if (first.status === "held") {
        run.say({ choice: "retry" });
        expect([position, await run.go()]).toEqual([position, { status: "completed" }]);
      }
      if (first.status === "failed") {
        expect([position, first.trouble?.code]).toEqual([position, "AUDIT_UNWRITABLE"]);
        expect(livingOf(w, run)).toEqual([]);
        expect(isAlive(w, OLD)).toBe(true);
      } else expectRotated(w, run);
    }
  });
});

/** Each write has an entry before it that says so: the step's own, or that of its undo. */
function expectAnnounced(w: World, run: Run): void {
  for (const write of w.writes()) {
    const line = lineFor(w, run, write);
    const entry = w.memory.audit.find(
      (one) => one.step === line && one.action.endsWith("intended") && Date.parse(one.at) <= write.at,
    );
    expect([write.path, line, entry?.action]).not.toContain(undefined);
  }
}

describe("[P3] no stranded key", () => {
  it("leaves one living key of the run, or none, wherever a request of it is refused for ever", async () => {
    const whole = await world();
    await whole.run().go();
    const routes = new Set(
      whole.sandbox.control.journal
        .list()
        // One app of each wave stands for the other, and one console for all.
        .filter(
          ({ path }) =>
            ![...Object.entries(RAXX.apps)].some(
              ([name, id]) => name.includes("console") && path.includes(id),
            ),
        )
        .map((one) => `${one.vendor} ${one.method} ${one.path}`),
    );
    for (const route of routes) {
      const [vendor = "", method = "", path = ""] = route.split(" ");
      const w = await world();
      w.sandbox.control.addFault({
        vendor: vendor as "heroku",
        method,
        route: path,
        kind: "status",
        status: 500,
        count: null,
        skip: 1,
      });
      const run = w.run();
      const { status } = await run.go();
      const living = livingOf(w, run);
      if (status === "failed" || status === "cancelled") expect([route, living]).toEqual([route, []]);
      else expect([route, living.length]).toEqual([route, 1]);
      expectKeptPromises(w, run);
      expect(isAlive(w, RAXX.sessionAuthorization)).toBe(true);
    }
  });
});

describe("[P8] one at a time", () => {
  it("gives the second starter the first one's run: see test/flow/cli-runs.test.ts and src/db/runs.test.ts", async () => {
    const w = await world();
    const [first, second] = [w.run(), w.run()];
    expect(first.tag).not.toBe(second.tag);
    await first.go();
    // Even were it started: beside the young key of another run nothing is minted.
    const young = await world();
    young.sandbox.control.act({
      act: "create-authorization",
      description: `raxx-ci-rotation-2026-11 ${second.tag}`,
      scope: ["global"],
    });
    expect(await young.run({ secret: SECRET }).go()).toMatchObject({
      trouble: { code: "DUPLICATE_UNCLEAR" },
    });
  });
});

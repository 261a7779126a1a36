import { describe, expect, it } from "vitest";
import { followedBy } from "../../src/app/follow-up.ts";
import { safeState } from "../../src/app/run-words.ts";
import type { Answer } from "../../src/core/circumstances.ts";
import { Secret } from "../../src/core/secret-value.ts";
import { RAXX } from "../../src/sandbox/raxx.ts";
import { fingerprinter } from "../../src/sealing/fingerprint.ts";
import { sealedValues } from "../../src/sealing/sealed-values.ts";
import { viewOf } from "../failures/truth.ts";
import { expectNoValue, held, isAlive, livingOf, OLD, storeWrites } from "./expectations.ts";
import { Died, type Life, newLife, nowText } from "./life.ts";
import { rowsIn } from "./memory-record.ts";
import { ACTOR, type Run, SECRET, type World, world } from "./world.ts";

const started = async (options: Parameters<typeof world>[0] = {}): Promise<{ w: World; run: Run }> => {
  const w = await world({ unguarded: true, ...options });
  return { w, run: w.run({ request: { supplied: true } }) };
};

/** A person creates an authorization; answers with its id. */
function create(w: World, description: string, scope: string[] = ["global"]): string {
  return w.sandbox.control.act({ act: "create-authorization", description, scope }).id ?? "";
}

const described = (run: Run) => `${run.plan.snapshot.issuer.description} ${run.tag}`;
const tokenOf = (w: World, id: string) => w.sandbox.control.estate().heroku.tokens[id] ?? "";

/** A person pastes a value into the task that the run waits for. */
async function paste(w: World, run: Run, text: string): Promise<void> {
  const question = w.memory.runs.get(run.id)?.question ?? "";
  const sealed = await sealedValues(rowsIn(w.memory, newLife()), w.ring, run.id, SECRET).seal(
    `pasted/${question}`,
    { token: Secret.of(text) },
  );
  const answer: Answer = { is: "done", by: ACTOR, at: nowText(), sealed: sealed.id };
  run.say(answer);
}

function kill(w: World, id: string = OLD): void {
  w.sandbox.control.act({ act: "delete-authorization", id });
}

/** Everything that a completed run with a supplied key leaves. */
function expectSupplied(w: World, run: Run, fresh: string): void {
  expect(new Set(Object.values(held(w)))).toEqual(new Set([fresh]));
  expect(isAlive(w, fresh)).toBe(true);
  expect(isAlive(w, OLD)).toBe(false);
  expect(w.memory.sealed).toEqual([]);
  expect(w.memory.runs.get(run.id)).toMatchObject({ status: "completed", new: { id: fresh } });
  expectNoValue(w, run);
}

describe("rotate --supplied", () => {
  it("[HK-24] no living key is left: a person supplies one, it goes everywhere, and no end is waited for", async () => {
    const { w, run } = await started();
    kill(w);
    expect(await run.go()).toMatchObject({ status: "waiting" });
    expect(storeWrites(w)).toEqual([]);
    const task = w.memory.tasks.at(-1)?.task;
    expect(task).toMatchObject({ kind: "value", fields: [{ name: "token" }] });
    expect(task?.lines.join("\n")).toContain(described(run));
    expect(task?.lines.join("\n")).toContain("-s global");
    const fresh = create(w, described(run));
    await paste(w, run, tokenOf(w, fresh));
    const before = w.clock.now();
    expect(await run.go()).toEqual({ status: "completed" });
    expect(w.clock.now() - before).toBeLessThan(30 * 60_000);
    expectSupplied(w, run, fresh);
    expect(w.memory.rotations).toMatchObject([{ old: { id: "" }, new: { id: fresh } }]);
    expect(w.memory.audit.at(-1)?.action).toBe("secret.rotate.completed");
  });

  it("[HK-24] the old key still works: it is identified, waited out, and ended on the same proof as in any rotation", async () => {
    const { w, run } = await started();
    await run.go();
    const fresh = create(w, described(run));
    await paste(w, run, tokenOf(w, fresh));
    const before = w.clock.now();
    expect(await run.go()).toEqual({ status: "completed" });
    expect(w.clock.now() - before).toBeGreaterThanOrEqual(30 * 60_000);
    expectSupplied(w, run, fresh);
    expect(w.memory.rotations).toMatchObject([{ old: { id: OLD }, new: { id: fresh } }]);
  });

  it("an app that crashes with the supplied value keeps it where the old one is dead, and the run is held", async () => {
    const { w, run } = await started();
    kill(w);
    await run.go();
    const fresh = create(w, described(run));
    w.sandbox.control.act({ act: "heroku.crashing", app: "raxx-api-staging", while: "new value" });
    await paste(w, run, tokenOf(w, fresh));
    expect(await run.go()).toMatchObject({ status: "held", trouble: { code: "CONSUMER_CRASHED" } });
    expect(held(w)["raxx-api-staging"]).toBe(fresh);
    const app = run.plan.snapshot.waves.flat().find(({ target }) => target.includes("raxx-api-staging"));
    expect(run.step(`propagate/${app?.id}`)?.trouble?.code).toBe("ROLLBACK_IMPOSSIBLE");
    w.sandbox.control.act({ act: "heroku.crashing", app: "raxx-api-staging", while: "never" });
    w.sandbox.control.act({ act: "restart-dynos", app: "raxx-api-staging" });
    await w.clock.pass(10 * 60_000);
    run.say({ choice: "retry" });
    expect(await run.go()).toEqual({ status: "completed" });
    expectSupplied(w, run, fresh);
  });

  it("[HK-24] a dead key on record by another value: its id is ended, and the record says gone, not dead", async () => {
    const { w, run } = await started();
    const current = w.sandbox.control.truth().heroku.authorizations.find(({ id }) => id === OLD);
    w.memory.generations.push({
      secret: SECRET,
      credential: {
        id: OLD,
        description: current?.description ?? "",
        scopes: ["global"],
        createdAt: nowText(),
        account: run.plan.snapshot.issuer.account,
      },
      fingerprints: { token: "of a value that nobody knows" },
      state: "current",
      since: nowText(),
    });
    const dead = create(w, "somebody's own");
    w.sandbox.control.act({
      act: "set-vault-secret",
      key: "HEROKU_API_KEY",
      environment: "prod",
      path: "/MooseQuest/heroku",
      value: { authorization: dead },
    });
    kill(w, dead);
    await run.go();
    const fresh = create(w, described(run));
    await paste(w, run, tokenOf(w, fresh));
    expect(await run.go()).toEqual({ status: "completed" });
    expect(isAlive(w, OLD)).toBe(false);
    expect(w.memory.audit.at(-1)?.context).toMatchObject({ shown: "gone", old: { id: OLD } });
  });

  it("[P2] [P3] the vault was put back to a former key, which is dead: the present one is ended, not left alive unseen", async () => {
    const { w, run } = await started();
    const former = create(w, "the one before");
    const record = (id: string, state: "current" | "retired") =>
      w.memory.generations.push({
        secret: SECRET,
        credential: {
          id,
          description: "",
          scopes: ["global"],
          createdAt: nowText(),
          account: run.plan.snapshot.issuer.account,
        },
        fingerprints: fingerprinter(w.ring)({ token: Secret.of(tokenOf(w, id)) }),
        state,
        since: nowText(),
      });
    record(former, "retired");
    record(OLD, "current");
    w.sandbox.control.act({
      act: "set-vault-secret",
      key: "HEROKU_API_KEY",
      environment: "prod",
      path: "/MooseQuest/heroku",
      value: { authorization: former },
    });
    kill(w, former);
    await run.go();
    const fresh = create(w, described(run));
    await paste(w, run, tokenOf(w, fresh));
    expect(await run.go()).toEqual({ status: "completed" });
    expectSupplied(w, run, fresh);
    expect(w.memory.rotations).toMatchObject([{ old: { id: OLD }, new: { id: fresh } }]);
  });

  it.each<[name: string, paste: (w: World, run: Run) => string, says: RegExp]>([
    ["text of another shape", () => "no-token-at-all", /another shape/],
    ["what the vault holds already", (w) => tokenOf(w, OLD), /holds already/],
    ["a key that is refused", (w) => gone(w), /refus|unauthorized|401/i],
    ["too narrow a scope", (w, run) => tokenOf(w, create(w, described(run), ["read"])), /read/],
    ["somebody else's key", (w) => tokenOf(w, RAXX.sessionAuthorization), /somebody else/],
  ])(
    "[HK-24] [X-08] %s is not taken: nothing is written or kept, and the person is asked again",
    async (_name, pasted, says) => {
      const { w, run } = await started();
      await run.go();
      await paste(w, run, pasted(w, run));
      expect(await run.go()).toMatchObject({ status: "waiting" });
      expect(run.step("supply")?.trouble).toMatchObject({ code: "ANSWER_REFUSED" });
      expect(run.step("supply")?.trouble?.message).toMatch(says);
      expect(storeWrites(w)).toEqual([]);
      expect(w.memory.sealed.filter((one) => one.purpose !== "old")).toEqual([]);
      const left = livingOf(w, run);
      for (const id of left) kill(w, id);
      const fresh = create(w, described(run));
      await paste(w, run, tokenOf(w, fresh));
      expect(await run.go()).toEqual({ status: "completed" });
      expectSupplied(w, run, fresh);
    },
  );

  it("[X-08] a generation of another secret is refused, and named", async () => {
    const { w, run } = await started();
    await run.go();
    const other = create(w, "billing");
    w.memory.generations.push({
      secret: "heroku-billing-api-key",
      credential: { id: other, description: "billing", scopes: [], createdAt: nowText(), account: "" },
      fingerprints: fingerprinter(w.ring)({ whole: Secret.of(tokenOf(w, other)) }),
      state: "retired",
      since: nowText(),
    });
    await paste(w, run, tokenOf(w, other));
    expect(await run.go()).toMatchObject({ status: "waiting" });
    expect(run.step("supply")?.trouble?.message).toMatch(/retired generation .* of heroku-billing-api-key/);
  });

  it("[P3] before the first write a person gives up: what carries the tag is ended, also when it was never pasted", async () => {
    const { w, run } = await started();
    await run.go();
    const made = create(w, described(run));
    run.say({ choice: "cancel" });
    expect(await run.go()).toMatchObject({ status: "cancelled" });
    expect(isAlive(w, made)).toBe(false);
    expect(isAlive(w, OLD)).toBe(true);
    expect(w.memory.owed.size).toBe(0);
  });

  it("[P3] without a living key it cannot be looked whether one was made: that is debt", async () => {
    const { w, run } = await started();
    kill(w);
    await run.go();
    run.say({ choice: "cancel" });
    expect(await run.go()).toMatchObject({ status: "cancelled" });
    expect([...w.memory.owed.values()]).toMatchObject([
      { id: `${SECRET}/unseen/${run.tag}`, severity: "finding" },
    ]);
  });

  it("[P3] one that a person creates after the run was cancelled is found by its tag: a finding", async () => {
    const { w, run } = await started();
    await run.go();
    run.say({ choice: "cancel" });
    expect(await run.go()).toMatchObject({ status: "cancelled" });
    expect([...w.memory.followUps]).toEqual([run.id]);
    const vault = { id: OLD, fingerprints: fingerprinter(w.ring)({ token: Secret.of(tokenOf(w, OLD)) }) };
    const { id, tag, plan } = run;
    const follows = followedBy({ run: id, tag, runbook: plan.runbook }, nowText(), vault);
    const after = w.run({ flow: "follow-up", request: { follows } });
    const made = create(w, described(run));
    expect(await after.go()).toEqual({ status: "completed" });
    expect(isAlive(w, made)).toBe(true);
    expect([...w.memory.owed.values()]).toMatchObject([
      { id: `${SECRET}/stray/${made}`, next: expect.stringContaining(`--id ${made}`) },
    ]);
  });

  it("[P3] what could not be looked up at the end of a run is settled by a later look", async () => {
    const { w, run } = await started();
    kill(w);
    await run.go();
    run.say({ choice: "cancel" });
    expect(await run.go()).toMatchObject({ status: "cancelled" });
    expect([...w.memory.owed.keys()]).toEqual([`${SECRET}/unseen/${run.tag}`]);
    const { id, tag, plan } = run;
    const follows = followedBy({ run: id, tag, runbook: plan.runbook }, nowText(), undefined);
    const after = w.run({ flow: "follow-up", request: { follows } });
    const next = w.run({ request: { supplied: true } });
    await next.go();
    const fresh = create(w, described(next));
    await paste(w, next, tokenOf(w, fresh));
    expect(await next.go()).toEqual({ status: "completed" });
    expect(await after.go()).toEqual({ status: "completed" });
    expect(w.memory.owed.size).toBe(0);
  });

  it("[P3] a supplied key that is not used is ended if it carries the tag; without the tag it is a finding", async () => {
    for (const tagged of [true, false]) {
      const { w, run } = await started();
      await run.go();
      const made = create(w, tagged ? described(run) : "made in a hurry");
      await paste(w, run, tokenOf(w, made));
      const stand = await run.go({
        recorded: (key) => {
          if (key.startsWith("supply/act")) run.cancel();
        },
      });
      expect(stand).toMatchObject({ status: "cancelled" });
      expect(isAlive(w, made)).toBe(!tagged);
      expect([...w.memory.owed.keys()]).toEqual(tagged ? [] : [`${SECRET}/stray/${made}`]);
      const view = viewOf(w, run);
      expect(safeState(view.run, view.steps)).toContain("is ended, or an open finding once it is seen");
      expect(storeWrites(w)).toEqual([]);
      expect(w.memory.sealed).toEqual([]);
    }
  });

  it("[P3] one that a person has put into the vault by hand is not ended, and does not keep the run from ending", async () => {
    const { w, run } = await started();
    await run.go();
    const made = create(w, described(run));
    const place = { key: "HEROKU_API_KEY", environment: "prod", path: "/MooseQuest/heroku" };
    w.sandbox.control.act({ act: "set-vault-secret", ...place, value: { authorization: made } });
    run.say({ choice: "cancel" });
    expect(await run.go()).toMatchObject({ status: "cancelled", trouble: { code: "RUN_CANCELLED" } });
    expect([isAlive(w, made), isAlive(w, OLD)]).toEqual([true, true]);
    expect([...w.memory.owed.values()]).toMatchObject([
      { id: `${SECRET}/stray/${made}`, next: expect.stringContaining(`lockstep adopt ${SECRET}`) },
    ]);
    const view = viewOf(w, run);
    expect(safeState(view.run, view.steps)).toMatch(
      /^The vault holds another key than this run found there; /,
    );
  });

  it("[P10] the vault's key, where somebody has put another one there while the run waited, is not written over", async () => {
    const { w, run } = await started();
    await run.go();
    await w.clock.pass(3 * 86_400_000);
    const other = create(w, "by hand");
    const place = { key: "HEROKU_API_KEY", environment: "prod", path: "/MooseQuest/heroku" };
    w.sandbox.control.act({ act: "set-vault-secret", ...place, value: { authorization: other } });
    const made = create(w, described(run));
    await paste(w, run, tokenOf(w, made));
    expect(await run.go()).toMatchObject({ status: "failed", trouble: { code: "VAULT_DIFFERS" } });
    expect(held(w)["vault"]).toBe(other);
    expect([isAlive(w, OLD), isAlive(w, other)]).toEqual([true, true]);
    expect([...w.memory.owed.keys()]).toEqual([`${SECRET}/stray/${made}`]);
    expect(storeWrites(w)).toEqual([]);
  });

  it("[X-08] it is asked about once more right before the vault write", async () => {
    const { w, run } = await started();
    await run.go();
    const made = create(w, described(run));
    await paste(w, run, tokenOf(w, made));
    const stand = await run.go({
      recorded: (key) => {
        if (key.startsWith("ready/act")) kill(w, made);
      },
    });
    expect(stand).toMatchObject({ trouble: { code: "NEW_NOT_VALID" } });
    expect(storeWrites(w)).toEqual([]);
    expect(new Set(Object.values(held(w)))).toEqual(new Set([OLD]));
  });
});

describe("a process that carries out rotate --supplied", () => {
  it.each([
    ["before an entry is recorded", "ran"],
    ["after an entry is recorded", "recorded"],
  ] as const)(
    "[P11] [HK-24] dies at any place, %s: the run goes on, and one key is left",
    async (_name, hook) => {
      for (let n = 1; ; n += 1) {
        const { w, run } = await started();
        kill(w);
        await run.go();
        const fresh = create(w, described(run));
        await paste(w, run, tokenOf(w, fresh));
        let life: Life | undefined;
        const died = await run
          .go({
            born: (born) => {
              life = born;
            },
            [hook]: (_key: string, at: number) => {
              if (at === n) life?.die();
            },
          })
          .then(() => false)
          .catch((thrown: unknown) => {
            if (thrown instanceof Died) return true;
            throw thrown;
          });
        if (!died) break;
        const stand = await run.go();
        // Where the paste was judged, and the process died before that was recorded, the sealed value is found again.
        expect(stand).toEqual({ status: "completed" });
        expectSupplied(w, run, fresh);
        expect(livingOf(w, run)).toEqual([fresh]);
      }
    },
  );
});

/** The token of an authorization that was ended. */
function gone(w: World): string {
  const id = create(w, "ended");
  const token = tokenOf(w, id);
  kill(w, id);
  return token;
}

import { describe, expect, it } from "vitest";
import { expectRotated, expectWalkedBack, MINT, OLD } from "./expectations.ts";
import { ACTOR, SECRET, world } from "./world.ts";

describe("[X-01] flows", () => {
  it("test: reads only, names the key, and leaves an end in the audit", async () => {
    const w = await world();
    const run = w.run({ flow: "test" });
    expect(await run.go()).toEqual({ status: "completed" });
    expect(w.writes()).toEqual([]);
    expect(
      w.sandbox.control.journal.list().every((one) => one.method === "GET" || one.path.endsWith("/login")),
    ).toBe(true);
    expect(w.memory.runs.get(run.id)).toMatchObject({ old: { id: OLD } });
    expect(w.memory.audit.map(({ action }) => action)).toEqual([
      "secret.test.started",
      "secret.test.completed",
    ]);
    expect(w.memory.sealed).toEqual([]);
  });

  it("test: refuses a key that is dead, or not identified, without a write", async () => {
    const dead = await world({ unguarded: true });
    dead.sandbox.control.act({ act: "delete-authorization", id: OLD });
    expect(await dead.run({ flow: "test" }).go()).toMatchObject({ trouble: { code: "OLD_TOKEN_INVALID" } });
    const hidden = await world();
    hidden.sandbox.control.set({ heroku: { redaction: { prefix: 0, suffix: 0 } } });
    expect(await hidden.run({ flow: "test" }).go()).toMatchObject({
      trouble: { code: "OLD_NOT_IDENTIFIED" },
    });
    expect([...dead.writes(), ...hidden.writes()]).toEqual([]);
  });

  it("rotate: after a test, from the same configuration", async () => {
    const w = await world();
    await w.run({ flow: "test" }).go();
    const run = w.run();
    expect(await run.go()).toEqual({ status: "completed" });
    expectRotated(w, run);
  });
});

describe("[X-02] modes", () => {
  it("automated: no step waits for a person, and none did", async () => {
    const w = await world();
    const run = w.run();
    await run.go();
    expect(new Set(run.plan.steps.map(({ actor }) => actor))).toEqual(new Set(["lockstep"]));
    expect([...w.memory.steps.values()].every(({ state }) => state === "done")).toBe(true);
    expect([...run.kept.messages]).toEqual([]);
  });
});

describe("[X-04] the audit trail", () => {
  it("has start, each effect before and after, and end; each with action, actor, context and time", async () => {
    const w = await world();
    const run = w.run();
    await run.go();
    // What is found done already, as the claim is, is no effect.
    const found = ["claim", "tidy"];
    const effects = run.plan.steps.filter(({ id, effect }) => effect !== "none" && !found.includes(id));
    expect(effects).toHaveLength(8);
    expect(w.memory.audit.filter(({ step = "" }) => found.includes(step))).toEqual([]);
    const actions = w.memory.audit.map(({ action }) => action);
    expect(actions[0]).toBe("secret.rotate.started");
    expect(actions.at(-1)).toBe("secret.rotate.completed");
    for (const { id, target } of effects) {
      const own = w.memory.audit.filter(({ step }) => step === id);
      expect(own.map(({ action }) => action.split(".").at(-1))).toEqual(["intended", "done"]);
      expect(own.every(({ context }) => context["target"] === target)).toBe(true);
    }
    for (const entry of w.memory.audit) {
      expect(entry).toMatchObject({ actor: ACTOR, secret: SECRET, run: run.id });
      expect(entry.at).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
      expect(entry.action).toMatch(/^secret\.rotate\./);
    }
  });

  it("keeps the vendors' request ids of each effect (X-15)", async () => {
    const w = await world();
    await w.run().go();
    for (const entry of w.memory.audit.filter(({ action }) => action.endsWith("step.done"))) {
      const requests = entry.context["requests"] as { vendor: string; requestId?: string }[];
      expect(requests.length).toBeGreaterThan(0);
      // Infisical names its requests only in its errors.
      for (const { vendor, requestId = "" } of requests)
        if (vendor !== "infisical") expect(requestId.length).toBeGreaterThan(5);
    }
  });

  it("has the walk back, before and after, and the failed end with its reason", async () => {
    const w = await world();
    w.sandbox.control.set({ heroku: { mintDelayMs: 86_400_000 } });
    const run = w.run();
    await run.go();
    expectWalkedBack(w, run);
    const mint = w.memory.audit.filter(({ step }) => step === "mint").map(({ action }) => action);
    expect(mint.map((action) => action.replace("secret.rotate.step.", ""))).toEqual([
      "intended",
      "done",
      "undo.intended",
      "done",
    ]);
    expect(w.memory.audit.at(-1)).toMatchObject({
      action: "secret.rotate.failed",
      context: { trouble: expect.any(Object) },
    });
  });

  it("has held and resumed, and a cancelled end", async () => {
    const w = await world();
    w.sandbox.control.addFault({ ...MINT, kind: "lost-reply", count: null });
    const run = w.run();
    await run.go();
    w.sandbox.control.clearFaults();
    run.say({ choice: "cancel" });
    await run.go();
    const actions = w.memory.audit.map(({ action }) => action);
    expect(actions).toContain("secret.rotate.held");
    expect(actions.at(-1)).toBe("secret.rotate.cancelled");
  });
});

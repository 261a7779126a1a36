import { describe, expect, it } from "vitest";
import type { Trouble } from "../../src/core/errors.ts";
import { guard } from "../../src/core/guard.ts";
import { done, type Outcome, type Proof, refused, unknown } from "../../src/core/outcome.ts";
import { runbook } from "../../src/core/runbook.ts";
import { type Look, type StepContext, type StepDefinition, step } from "../../src/core/step.ts";
import { nowText } from "./life.ts";
import { type World, world } from "./world.ts";

type Note = { readonly at: string; readonly says: string };
type Part = Partial<StepDefinition<never, Note, unknown>> & Pick<StepDefinition<never, Note, unknown>, "id">;

const trouble: Trouble = {
  code: "VENDOR_ERROR",
  message: "broken",
  because: "the test says so",
  next: "wait",
};
const note = (says = "ok"): Note => ({ at: nowText(), says });
const retryable = (afterMs?: number): Outcome<never> => ({
  is: "retryable",
  trouble,
  ...(afterMs !== undefined && { afterMs }),
});

/** A step that leaves a note; what it does is counted under its id. */
function part<const G extends "validated" | "soaked" | "dead" | "recorded">(
  gives: G,
  log: string[],
  given: Part,
) {
  const does = given.does ?? (async () => done(note()));
  const back = given.undoes ?? {
    says: "back",
    does: async () => {
      log.push(`undo ${given.id}`);
      return done(undefined);
    },
  };
  return step<never, G>({
    takes: [],
    gives,
    by: "api",
    effect: "repeatable",
    says: () => given.id,
    ...given,
    undoes: back,
    does: async (c: StepContext, facts: Record<never, never>) => {
      log.push(given.id);
      return does(c, facts);
    },
  } as never);
}

/** A script: one answer a call, the last one again and again. */
function script<T>(...answers: readonly T[]): () => Promise<T> {
  let n = 0;
  return async () => {
    const answer = answers[Math.min(n, answers.length - 1)];
    n += 1;
    if (answer === undefined) throw new Error("an empty script");
    return answer;
  };
}

function runOf(w: World, log: string[], a: Part, b: Part = { id: "b" }) {
  const book = runbook("tiny@1", () => [part("validated", log, a), part("soaked", log, b)]);
  return w.run({ runbook: book });
}

const by = { says: "put back", by: "decision" } as const;

describe("the interpreter", () => {
  it("walks back, latest first, when a step is refused before the first store", async () => {
    const w = await world();
    const log: string[] = [];
    const run = runOf(w, log, { id: "a" }, { id: "b", does: async () => refused(trouble) });
    expect(await run.go()).toEqual({ status: "failed", trouble });
    expect(log).toEqual(["a", "b", "undo b", "undo a"]);
    expect(run.step("a")?.state).toBe("undone");
  });

  it("undoes nothing of steps that never began", async () => {
    const w = await world();
    const log: string[] = [];
    const no = guard("never", () => trouble);
    const run = runOf(w, log, { id: "a" }, { id: "b", needs: [no] });
    expect(await run.go()).toEqual({ status: "failed", trouble });
    expect(log).toEqual(["a", "undo a"]);
  });

  it("holds after the first store, and tries the open step again on a person's word", async () => {
    const w = await world();
    const log: string[] = [];
    const run = runOf(
      w,
      log,
      { id: "a", undoes: by },
      { id: "b", does: script<Outcome<Note>>(refused(trouble), refused(trouble), done(note())) },
    );
    expect(await run.go()).toEqual({ status: "held", trouble });
    run.say({ choice: "retry" });
    expect(await run.go()).toEqual({ status: "held", trouble });
    run.say({ choice: "retry" });
    expect(await run.go()).toEqual({ status: "completed" });
    expect(log).toEqual(["a", "b", "b", "b"]);
  });

  it("takes no cancel once a store has been written", async () => {
    const w = await world();
    const log: string[] = [];
    const run = runOf(
      w,
      log,
      { id: "a", undoes: by },
      { id: "b", does: script<Outcome<Note>>(refused(trouble), done(note())) },
    );
    await run.go();
    run.cancel();
    run.say({ choice: "cancel" });
    expect(await run.go()).toEqual({ status: "held", trouble });
    expect(log).toEqual(["a", "b"]);
    run.say({ choice: "retry" });
    expect(await run.go()).toEqual({ status: "completed" });
  });

  it("cancels before the first store: undoes and ends, and begins no further step", async () => {
    const w = await world();
    const log: string[] = [];
    const run = runOf(w, log, { id: "a" });
    const stand = await run.go({ recorded: (key) => (key === "a/act/1" ? run.cancel() : undefined) });
    expect(stand).toMatchObject({ status: "cancelled", trouble: { code: "RUN_CANCELLED" } });
    expect(log).toEqual(["a", "undo a"]);
  });

  it("never swallows an undo that fails: held, undone again when a person cancels", async () => {
    const w = await world();
    const log: string[] = [];
    const undoes = { says: "back", does: script<Outcome<undefined>>(refused(trouble), done(undefined)) };
    const run = runOf(w, log, { id: "a", undoes }, { id: "b", does: async () => refused(trouble) });
    expect(await run.go()).toEqual({ status: "held", trouble });
    expect(w.memory.audit.some((one) => one.step === "a" && one.action.endsWith("failed"))).toBe(true);
    run.say({ choice: "cancel" });
    expect(await run.go()).toMatchObject({ status: "cancelled" });
    expect(run.step("a")?.state).toBe("undone");
  });

  it("repeats what certainly did not happen, five times at most, and heeds Retry-After", async () => {
    const w = await world();
    const log: string[] = [];
    const run = runOf(w, log, { id: "a", does: async () => retryable() });
    expect(await run.go()).toEqual({ status: "failed", trouble });
    expect(log.filter((one) => one === "a")).toHaveLength(5);
    const patient = await world();
    const before = patient.clock.now();
    const second = runOf(patient, [], {
      id: "a",
      does: script<Outcome<Note>>(retryable(30_000), done(note())),
    });
    expect(await second.go()).toEqual({ status: "completed" });
    expect(patient.clock.now() - before).toBeGreaterThanOrEqual(30_000);
  });

  it("does not wait for a Retry-After that lies an hour away", async () => {
    const w = await world();
    const run = runOf(w, [], { id: "a", does: async () => retryable(3_600_000) });
    const before = w.clock.now();
    expect(await run.go()).toEqual({ status: "failed", trouble });
    expect(w.clock.now() - before).toBeLessThan(60_000);
  });

  it("looks after an unknown end, and takes what it finds instead of acting again", async () => {
    const w = await world();
    const log: string[] = [];
    const looks = async (): Promise<Look<Note>> => ({ is: "present", value: note("found") });
    const run = runOf(w, log, { id: "a", effect: "once", does: async () => unknown(trouble), looks });
    expect(await run.go()).toEqual({ status: "completed" });
    expect(log).toEqual(["a", "b"]);
    expect(
      w.memory.audit.find((one) => one.step === "a" && one.action.endsWith("done"))?.context,
    ).toMatchObject({ found: true });
  });

  it("ends a leftover of its own before it acts again", async () => {
    const w = await world();
    const log: string[] = [];
    const looks = script<Look<Note>>({ is: "leftover", says: "one" }, { is: "absent" });
    const run = runOf(w, log, {
      id: "a",
      effect: "once",
      does: script<Outcome<Note>>(unknown(trouble), done(note())),
      looks,
    });
    expect(await run.go()).toEqual({ status: "completed" });
    expect(log).toEqual(["a", "undo a", "a", "b"]);
  });

  it("holds when neither acting nor looking can tell, though nothing has been stored", async () => {
    const w = await world();
    const log: string[] = [];
    const run = runOf(w, log, {
      id: "a",
      effect: "once",
      does: async () => unknown(trouble),
      looks: async () => unknown(trouble),
    });
    expect(await run.go()).toEqual({ status: "held", trouble });
    expect(log).toEqual(["a"]);
  });

  it("turns a throw into an unknown end, and keeps its text out of the record", async () => {
    const w = await world();
    const text = "a header, perhaps";
    const run = runOf(w, [], {
      id: "a",
      effect: "once",
      does: async () => {
        throw new TypeError(text);
      },
      looks: async () => ({ is: "absent" }),
    });
    const stand = await run.go();
    expect(stand).toMatchObject({ status: "held", trouble: { code: "INTERNAL" } });
    expect(JSON.stringify([w.memory.audit, [...w.memory.steps], stand])).not.toContain(text);
  });

  it("asks for a proof until its deadline, ever more rarely, and holds or walks back after it", async () => {
    const w = await world();
    let asked = 0;
    const before = w.clock.now();
    const run = runOf(w, [], {
      id: "a",
      proveWithinMs: 3_600_000,
      proves: async (): Promise<Proof> => {
        asked += 1;
        return { is: "unknown", trouble };
      },
    });
    expect(await run.go()).toEqual({ status: "failed", trouble });
    expect(w.clock.now() - before).toBeGreaterThanOrEqual(3_600_000);
    expect(asked).toBeLessThan(400);
  });

  it("stops at once at a proof that is refuted", async () => {
    const w = await world();
    const before = w.clock.now();
    const run = runOf(w, [], { id: "a", undoes: by, proves: async () => ({ is: "refuted", trouble }) });
    expect(await run.go()).toEqual({ status: "held", trouble });
    expect(w.clock.now()).toBe(before);
  });

  it("asks the guards again at every attempt, with evidence gathered anew", async () => {
    const w = await world();
    let seen = 0;
    const log: string[] = [];
    const enough = guard("enough", ({ observed }: { observed: unknown }) =>
      Number(observed) < 3 ? trouble : undefined,
    );
    const run = runOf(
      w,
      log,
      { id: "a", undoes: by },
      {
        id: "b",
        observes: async () => {
          seen += 1;
          return done(seen);
        },
        needs: [enough as never],
      },
    );
    expect(await run.go()).toEqual({ status: "held", trouble });
    run.say({ choice: "retry" });
    expect(await run.go()).toEqual({ status: "held", trouble });
    run.say({ choice: "retry" });
    expect(await run.go()).toEqual({ status: "completed" });
    expect(log).toEqual(["a", "b"]);
  });
});

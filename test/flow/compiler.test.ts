import { describe, expect, it } from "vitest";
import { done } from "../../src/core/outcome.ts";
import type { Vocabulary } from "../../src/core/recordable.ts";
import { runbook } from "../../src/core/runbook.ts";
import type { Secret } from "../../src/core/secret-value.ts";
import { step } from "../../src/core/step.ts";

// The compiler is the test here: `npm run check` fails where one of these mistakes would be taken.
const common = { by: "api", effect: "none", says: () => "", undoes: "nothing" } as const;
const note = { at: "2026-11-21T08:30:00.000Z", says: "" };
const validated = step({ ...common, id: "a", takes: [], gives: "validated", does: async () => done(note) });
const soaked = step({
  ...common,
  id: "b",
  takes: ["validated"],
  gives: "soaked",
  does: async () => done(note),
});
const dead = step({ ...common, id: "c", takes: ["soaked"], gives: "dead", does: async () => done(note) });

describe("the compiler of runbooks", () => {
  it("takes facts in the order in which they are given", () => {
    expect(runbook("right@1", () => [validated, soaked, dead]).name).toBe("right@1");
  });

  it("refuses a wrong order", () => {
    // @ts-expect-error the fact "validated" is taken before any step gives it
    runbook("wrong@1", () => [soaked, validated]);
  });

  it("refuses a fact that nobody gives", () => {
    // @ts-expect-error the fact "soaked" is taken before any step gives it
    runbook("wrong@1", () => [validated, dead]);
  });

  it("refuses two givers of one fact", () => {
    // @ts-expect-error two steps give the fact "validated"
    runbook("wrong@1", () => [validated, soaked, validated]);
  });

  it("refuses a step that leaves something else than its fact", () => {
    // @ts-expect-error the fact "validated" is a moment and a text
    step({ ...common, id: "a", takes: [], gives: "validated", does: async () => done({ at: 1 }) });
  });

  it("refuses a fact outside the vocabulary", () => {
    // @ts-expect-error there is no fact "token"
    step({ ...common, id: "a", takes: [], gives: "token", does: async () => done(note) });
  });

  it("refuses a step that reads a fact which it does not take", () => {
    step({
      ...common,
      id: "a",
      takes: ["validated"],
      gives: "soaked",
      // @ts-expect-error it does not take "pending"
      does: async (_c, { pending }) => done({ at: pending.sealed, says: "" }),
    });
  });

  it("[P7] refuses a value at any depth of a fact", () => {
    // @ts-expect-error a Secret is no plain data
    type Plain = Vocabulary<{ minted: { id: string; token: Secret } }>;
    // @ts-expect-error nor is one in a list
    type Listed = Vocabulary<{ minted: readonly { deep: { token: Secret } }[] }>;
    // @ts-expect-error nor something of which nothing is known
    type Open = Vocabulary<{ minted: { token: unknown } }>;
    const kept: [Plain?, Listed?, Open?] = [];
    expect(kept).toEqual([]);
  });
});

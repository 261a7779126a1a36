import { expect, it } from "vitest";
import type { RunView } from "../app/runs.ts";
import type { RunRecord } from "../core/record.ts";
import { choicesFor, troubleLines } from "./run-text.ts";

const meansWith = (step: Readonly<Record<string, unknown>>, of: Readonly<Record<string, unknown>> = {}) => {
  const trouble = { code: "OLD_NOT_DEAD" };
  const run = { id: "key.rotate.1", flow: "rotate", status: "held", trouble, ...of };
  const plan = { secret: "key", snapshot: { reason: "scheduled" } };
  const steps = [
    { id: "store", state: "done" },
    { state: "failed", ...step },
  ];
  const all = choicesFor({ run, plan, steps } as unknown as RunView);
  return Object.fromEntries(all.map(({ choice, means }) => [choice, means]));
};

it("of a key whose end was sent, a person is told that a retry ends it once more, and what only looks", () => {
  for (const id of ["revoke", "end-new"])
    expect(meansWith({ id, announced: true })).toMatchObject({
      retry: "look again, and end it once more if it is still there",
      settle: "look again, send nothing, and go on if it is gone",
    });
  for (const step of [{ id: "revoke" }, { id: "propagate/app", announced: true }])
    expect(meansWith(step)).toMatchObject({
      retry: "try the open step again",
      settle: expect.stringContaining("it was done by hand"),
    });
});

it("[X-14] nobody is told to settle what a look by hand could not show", () => {
  const old = { id: "one", label: "abcdef" };
  const settles = (id: string, of: object) => meansWith({ id }, { ...of })["settle"];
  expect(settles("prove-dead", { old })).toBeUndefined();
  expect(settles("prove-dead", { flow: "revoke" })).toBeUndefined();
  expect(settles("requests", { old })).toBeUndefined();
  expect(settles("prove-dead", {})).toBe("leave what the vault held before alone, as a finding");
});

it("what the run was held for before a person settled it in vain stays to be read, and decides what a retry means", () => {
  const original = {
    code: "COPY_HOLDS_OLD",
    message: "app holds the old key\nas does another",
    because: "",
    next: "",
  };
  const trouble = {
    code: "NOT_SETTLED",
    message: "not seen",
    because: "it does not show",
    next: "",
    original,
  };
  expect(troubleLines({ id: "key.rotate.1", status: "held", trouble } as unknown as RunRecord)).toContain(
    "│ before   COPY_HOLDS_OLD  app holds the old key",
  );
  expect(meansWith({ id: "revoke" }, { trouble })["retry"]).toMatch(/^write again what was changed/);
});

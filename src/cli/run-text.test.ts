import { expect, it } from "vitest";
import type { RunView } from "../app/runs.ts";
import { choicesFor } from "./run-text.ts";

const meansWith = (step: Readonly<Record<string, unknown>>) => {
  const run = { id: "key.rotate.1", flow: "rotate", status: "held", trouble: { code: "OLD_NOT_DEAD" } };
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

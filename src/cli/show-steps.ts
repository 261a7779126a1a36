import type { RunView } from "../app/runs.ts";
import type { StepRecord } from "../core/record.ts";
import type { Io } from "./io.ts";
import { stepLine } from "./render.ts";

const SETTLED = new Set<StepRecord["state"]>(["done", "failed", "undone", "skipped"]);

/** Shows each step once when it settles; on a terminal the step at work stands in a row that is redrawn. */
export function showSteps(io: Io): (view: RunView) => void {
  const shown = new Map<string, string>();
  return ({ plan, steps }) => {
    const numbers = new Map(plan.steps.map((step, i) => [step.id, i + 1]));
    let current = "";
    for (const step of steps) {
      const line = stepLine(numbers.get(step.id) ?? 0, step);
      // To a reader acting and proving are one row.
      const state = `${step.state === "proving" ? "acting" : step.state}/${step.attempts}`;
      const news = shown.get(step.id) !== state;
      shown.set(step.id, state);
      if (SETTLED.has(step.state) && news) io.note(line);
      else if (!SETTLED.has(step.state)) {
        current = line;
        if (news && !io.live) io.note(line);
      }
    }
    io.row(current);
  };
}

import { linesOf, type RunView } from "../app/runs.ts";
import type { StepRecord } from "../core/record.ts";
import type { Io } from "./io.ts";
import { brokenStepLine, stepLine } from "./render.ts";

const SETTLED = new Set<StepRecord["state"]>(["done", "failed", "undone", "skipped"]);

/**
 * Shows each step once when it settles; on a terminal the step at work stands in a row that is redrawn. What was settled
 * before, as `known` says, is not shown again.
 */
export function showSteps(io: Io, known?: RunView): (view: RunView) => void {
  const shown = new Map(known?.steps.map((step) => [step.id, stateOf(step)]));
  return (view) => {
    const lines = new Map(linesOf(view).map((line) => [line.id, line]));
    let current = "";
    for (const step of view.steps) {
      const planned = lines.get(step.id);
      const line = stepLine(planned?.number, step, planned?.says);
      const news = shown.get(step.id) !== stateOf(step);
      shown.set(step.id, stateOf(step));
      if (SETTLED.has(step.state) && news) io.note(io.live ? brokenStepLine(line) : line);
      else if (!SETTLED.has(step.state)) {
        current = line;
        if (news && !io.live) io.note(line);
      }
    }
    io.row(current);
  };
}

/** To a reader acting and proving are one row. */
function stateOf({ state, attempts }: StepRecord): string {
  return `${state === "proving" ? "acting" : state}/${attempts}`;
}

import { openHome } from "../../app/home.ts";
import { viewRun } from "../../app/runs.ts";
import { EXIT, type Io, type Result } from "../io.ts";
import type { Common } from "../main.ts";
import { heading, stepLine } from "../render.ts";
import { runJson } from "../run-json.ts";
import { nextCommand, safeState } from "../run-text.ts";
import { whereOf } from "../where.ts";

/** `lockstep show`: opens with the safe state in one sentence and the next command (X-15). */
export async function show(_io: Io, options: Common, id: string): Promise<Result> {
  const home = await openHome(whereOf(options));
  try {
    const view = await viewRun(home, id);
    const { run, plan, steps } = view;
    const kept = new Map(steps.map((step) => [step.id, step]));
    const lines = plan.steps.map((line, i) =>
      stepLine(
        i + 1,
        kept.get(line.id) ?? { id: line.id, state: "pending", attempts: 0, calls: [], says: line.says },
      ),
    );
    const trouble = run.trouble
      ? [`${run.trouble.code}  ${run.trouble.message}`, `│ because  ${run.trouble.because}`, ""]
      : [];
    const text = [
      safeState(run, steps),
      `next  ${nextCommand(run)}`,
      "",
      ...trouble,
      heading(run.secret, plan.snapshot.environment, plan.snapshot.issuer.target),
      `${run.id}  ${run.status}  ${run.reason}  started ${run.startedAt} by ${run.actor.name} (${run.actor.assurance})  plan ${run.planHash}`,
      `keys  ${run.old ? `${run.old.label} (${run.old.id})` : "-"} → ${run.new ? `${run.new.label} (${run.new.id})` : "-"}`,
      ...lines,
    ].join("\n");
    return { exit: run.status === "held" ? EXIT.held : EXIT.done, json: runJson(view), text };
  } finally {
    await home.close();
  }
}

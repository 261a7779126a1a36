import { loadConfig } from "../../app/load-config.ts";
import { planFor } from "../../app/runs.ts";
import type { Reason } from "../../core/record.ts";
import { EXIT, type Io, type Result } from "../io.ts";
import type { Common } from "../main.ts";
import { exactCommand, planText, remarksOf } from "../render.ts";

/** `lockstep plan`: compiles and shows; reads the configuration and nothing else. */
export async function plan(
  _io: Io,
  options: Common & { readonly reason: Reason; readonly supplied: boolean },
  secret: string,
): Promise<Result> {
  const { config } = await loadConfig(process.cwd(), options.config);
  const made = planFor(config, {
    secret,
    flow: "rotate",
    reason: options.reason,
    sandbox: options.sandbox,
    ...(options.supplied && { supplied: true }),
  });
  const { runbook, hash, steps, calls, snapshot } = made;
  const { environment, reason } = snapshot;
  const remarks = remarksOf(snapshot);
  const next = exactCommand(made);
  const json = { secret, environment, reason, runbook, hash, steps, calls, remarks, next };
  return { exit: EXIT.done, json, text: planText(made) };
}

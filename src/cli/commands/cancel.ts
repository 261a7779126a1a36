import { askToCancel } from "../../app/decisions.ts";
import { openHome } from "../../app/home.ts";
import { localActor } from "../../app/people.ts";
import { nextCommand, safeState } from "../../app/run-words.ts";
import { followRun, openCarrier } from "../../app/runs.ts";
import { parkedResult } from "../follow.ts";
import { EXIT, type Io, type Result } from "../io.ts";
import type { Common } from "../main.ts";
import { runJson } from "../run-json.ts";
import { showSteps } from "../show-steps.ts";
import { whereOf } from "../where.ts";

/** `lockstep cancel`: stops before the first store write and undoes what was done; docs/guide/cancel.md has each step. */
export async function cancel(io: Io, options: Common, id: string): Promise<Result> {
  const home = await openHome(whereOf(options));
  try {
    const carrier = await openCarrier(home, (msg) => io.note(msg));
    try {
      const before = await askToCancel(home, carrier.requests, id, localActor(home.config));
      const signal = AbortSignal.timeout(120_000);
      const view = await followRun(home, id, showSteps(io, before), {
        signal,
        ...(before.run.question !== undefined && { answered: before.run.question }),
      });
      if (view.parked !== undefined) return parkedResult(view, view.parked);
      const text = [
        `${id}: ${view.run.status}. ${safeState(view.run, view.steps)}`,
        `next  ${nextCommand(view.run)}`,
      ].join("\n");
      return { exit: view.run.status === "cancelled" ? EXIT.done : EXIT.failed, json: runJson(view), text };
    } finally {
      await carrier.close();
    }
  } finally {
    await home.close();
  }
}

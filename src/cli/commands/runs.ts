import { openHome } from "../../app/home.ts";
import { mattersOf } from "../../app/matters.ts";
import { secretIn } from "../../app/snapshot.ts";
import { systemClock } from "../../core/time.ts";
import { listRuns } from "../../db/runs.ts";
import { EXIT, type Io, type Result } from "../io.ts";
import { table } from "../layout.ts";
import type { Common } from "../main.ts";
import { mattersText } from "../matters-text.ts";
import { durationOfRun } from "../run-text.ts";
import { whereOf } from "../where.ts";

/** `lockstep runs`: newest first, and what of them wants a person. */
export async function runs(
  _io: Io,
  options: Common & { readonly secret?: string; readonly limit: number },
): Promise<Result> {
  const home = await openHome(whereOf(options));
  try {
    const filter = { limit: options.limit, ...(options.secret !== undefined && { secret: options.secret }) };
    const found = await listRuns(home.database, filter);
    // A name that leads nowhere is a mistake; no run is an answer.
    if (found.length === 0 && options.secret !== undefined) secretIn(home.config, options.secret);
    const now = systemClock.now();
    const rows = found.map((run) => [
      run.id,
      run.status,
      `${run.startedAt.slice(0, 10)} ${run.startedAt.slice(11, 16)}`,
      durationOfRun(run, now),
      run.actor.name,
    ]);
    const text =
      rows.length === 0 ? "No run yet." : table([["RUN", "STATUS", "STARTED (UTC)", "TOOK", "BY"], ...rows]);
    const open = await mattersOf(home, options.secret);
    return { exit: EXIT.done, json: { runs: found, open }, text: [text, ...mattersText(open)].join("\n") };
  } finally {
    await home.close();
  }
}

import { openHome } from "../../app/home.ts";
import { systemClock } from "../../core/time.ts";
import { listRuns } from "../../db/runs.ts";
import { EXIT, type Io, type Result } from "../io.ts";
import type { Common } from "../main.ts";
import { table } from "../render.ts";
import { durationOfRun } from "../run-text.ts";
import { whereOf } from "../where.ts";

/** `lockstep runs`: newest first. */
export async function runs(
  _io: Io,
  options: Common & { readonly secret?: string; readonly limit: number },
): Promise<Result> {
  const home = await openHome(whereOf(options));
  try {
    const filter = { limit: options.limit, ...(options.secret !== undefined && { secret: options.secret }) };
    const found = await listRuns(home.database, filter);
    const now = systemClock.now();
    const rows = found.map((run) => [
      run.id,
      run.status,
      run.startedAt,
      durationOfRun(run, now),
      run.actor.name,
      `${run.old?.label ?? "-"} → ${run.new?.label ?? "-"}`,
    ]);
    const text =
      rows.length === 0
        ? "No run yet."
        : table([["RUN", "STATUS", "STARTED", "TOOK", "BY", "KEYS"], ...rows]);
    return { exit: EXIT.done, json: { runs: found }, text };
  } finally {
    await home.close();
  }
}

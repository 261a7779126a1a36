import { openHome } from "../../app/home.ts";
import { ROTATION_COLUMNS, rotationCells, rotationMarkdown } from "../../audit/rotation-log.ts";
import { trailLine } from "../../audit/trail.ts";
import { listAudit } from "../../db/audit-log.ts";
import { listRotations } from "../../db/ledger.ts";
import { EXIT, type Io, type Result } from "../io.ts";
import type { Common } from "../main.ts";
import { table } from "../render.ts";
import { whereOf } from "../where.ts";

interface AuditOptions extends Common {
  readonly secret?: string;
  readonly log: boolean;
  readonly limit: number;
}

/** `lockstep audit`: the trail of a run or a secret, oldest first; with `--log` the rotation log as Markdown (HK-10). */
export async function audit(_io: Io, options: AuditOptions, run: string): Promise<Result> {
  const home = await openHome(whereOf(options));
  try {
    const rotations = await listRotations(home.database, options.secret);
    if (options.log)
      return { exit: EXIT.done, json: { rotations }, text: rotationMarkdown(rotations).trimEnd() };
    const entries = await listAudit(home.database, {
      limit: options.limit,
      ...(run !== "" && { run }),
      ...(options.secret !== undefined && { secret: options.secret }),
    });
    const lines = entries.map(trailLine);
    const rows = lines.map((line) => [line.at, line.action, line.actor, line.about, line.says]);
    const trail =
      rows.length === 0
        ? "Nothing is recorded yet."
        : table([["AT", "ACTION", "ACTOR", "ABOUT", "CONTEXT"], ...rows]);
    const log =
      rotations.length === 0 || run !== ""
        ? []
        : ["", table([ROTATION_COLUMNS, ...rotations.map(rotationCells)])];
    return { exit: EXIT.done, json: { entries, rotations }, text: [trail, ...log].join("\n") };
  } finally {
    await home.close();
  }
}

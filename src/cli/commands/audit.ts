import { openHome } from "../../app/home.ts";
import { secretIn } from "../../app/snapshot.ts";
import {
  type LoggedRotation,
  rotationCells,
  rotationMarkdown,
  rotationsBySecret,
  rotationTitle,
} from "../../audit/rotation-log.ts";
import { type TrailLine, trailLine } from "../../audit/trail.ts";
import type { AuditEntry } from "../../core/record.ts";
import { listAudit } from "../../db/audit-log.ts";
import { listRotations } from "../../db/ledger.ts";
import { getRunRecord } from "../../db/runs.ts";
import { EXIT, type Io, type Result } from "../io.ts";
import { blocks, tableLines } from "../layout.ts";
import type { Common } from "../main.ts";
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
    if (options.log) {
      if (rotations.length === 0 && options.secret !== undefined) secretIn(home.config, options.secret);
      const text = rotationMarkdown(rotations).trimEnd() || "No rotation is recorded yet.";
      return { exit: EXIT.done, json: { rotations }, text };
    }
    const entries = await listAudit(home.database, {
      limit: options.limit,
      ...(run !== "" && { run }),
      ...(options.secret !== undefined && { secret: options.secret }),
    });
    // A name that leads nowhere is a mistake; nothing on record is an answer.
    if (entries.length === 0 && run !== "") await getRunRecord(home.database, run);
    if (entries.length === 0 && options.secret !== undefined) secretIn(home.config, options.secret);
    const lines = entries.map((entry) => trailLine({ ...entry, context: shortened(entry.context) }));
    const trail = lines.length === 0 ? "Nothing is recorded yet." : trailText(lines, run);
    const log = [...rotationsBySecret(run === "" ? rotations : [])].flatMap(([secret, own]) => [
      "",
      rotationTitle(secret),
      blocks(own.map(rotationLines)),
    ]);
    return { exit: EXIT.done, json: { entries, rotations }, text: [trail, ...log].join("\n") };
  } finally {
    await home.close();
  }
}

/** Each entry with what it is about, where that is more than the run that was asked for, and its context. */
function trailText(lines: readonly TrailLine[], run: string): string {
  const heads = [["AT", "ACTION", "ACTOR"], ...lines.map(({ at, action, actor }) => [at, action, actor])];
  const [head = "", ...rows] = tableLines(heads);
  const said = lines.map(({ about, says }) =>
    [about.startsWith(run) ? about.slice(run.length).trim() : about, says].filter((part) => part !== ""),
  );
  return [head, blocks(rows.map((row, i) => [row, ...(said[i] ?? [])]))].join("\n");
}

/** The cells of the SOP's log, one below the other. */
function rotationLines(rotation: LoggedRotation): readonly [string, ...string[]] {
  const [date, actor, old, fresh, notes] = rotationCells(rotation);
  return [`${date}  ${actor}`, `${old}`, `→ ${fresh}`, ...(notes ? [notes] : [])];
}

/** For people requests are counted, and trouble is its code and message; `--json` has every request with its id. */
function shortened(context: AuditEntry["context"]): AuditEntry["context"] {
  const { requests, trouble, old, new: fresh, ...rest } = context;
  const by = new Map<string, number>();
  for (const one of Array.isArray(requests) ? (requests as { vendor?: string }[]) : [])
    by.set(one.vendor ?? "?", (by.get(one.vendor ?? "?") ?? 0) + 1);
  const { code, message } = (trouble ?? {}) as { code?: string; message?: string };
  return {
    ...rest,
    ...(old !== undefined && { old: named(old) }),
    ...(fresh !== undefined && { new: named(fresh) }),
    ...(by.size > 0 && { requests: [...by].map(([vendor, n]) => `${vendor} ${n}`).join(", ") }),
    ...(code !== undefined && { trouble: `${code} ${message}` }),
  };
}

/** A key by its label and its id. */
function named(key: unknown): unknown {
  const { id, label } = (key ?? {}) as { id?: string; label?: string };
  return id !== undefined && label !== undefined ? `${label} ${id}` : key;
}

import type { Position } from "../core/interlock.ts";
import type { Actor } from "../core/record.ts";
import type { Instant } from "../core/time.ts";
import { type AuditRecord, listAudit } from "../db/audit-log.ts";
import type { Database } from "../db/database.ts";

/** How far a turn is on record: announced, sent with or without an answer, shown or not shown in time. */
type Stage = "intended" | "unsettled" | "done" | "unproved" | "proved";

/** The last turn of an interlock by this installation that has happened, or may have. */
export interface LastTurn {
  readonly interlock: string;
  readonly to: Position;
  readonly at: Instant;
  readonly by: Actor;
  readonly because: string;
  /** Where it stood before. */
  readonly found: Position | "unknown";
  readonly stage: Stage;
  /** The vendor's own version of it, once it is known. */
  readonly version?: string;
}

const NEWEST = 1_000;

/** The last turn of each interlock, by name, from the audit log. */
export async function lastTurns(database: Database): Promise<ReadonlyMap<string, LastTurn>> {
  return turnsIn(await listAudit(database, { action: "interlock", limit: NEWEST }));
}

/** The same from these entries, oldest first. */
export function turnsIn(entries: readonly AuditRecord[]): ReadonlyMap<string, LastTurn> {
  const all = new Map<string, LastTurn[]>();
  for (const entry of entries) {
    const name = String(entry.context["interlock"]);
    const turns = all.get(name) ?? [];
    all.set(name, turns);
    take(turns, name, entry);
  }
  return new Map(
    [...all].flatMap(([name, turns]) => {
      const last = turns.at(-1);
      return last ? [[name, last] as const] : [];
    }),
  );
}

/** Adds what an entry says to the turns of its interlock. */
function take(turns: LastTurn[], interlock: string, { action, actor, at, context }: AuditRecord): void {
  const [, verb, stage] = action.split(".");
  const to = verb === "close" ? "closed" : "open";
  // Two people may turn it at the same time, each the other way.
  const index = turns.findLastIndex((one) => one.to === to);
  const last = turns[index];
  if (stage === "intended") {
    const found = context["found"] as LastTurn["found"];
    turns.push({ interlock, to, at, by: actor, because: String(context["because"]), found, stage });
  } else if (stage === "failed") {
    // What was refused did not happen: what was before it stands.
    turns.splice(index, index < 0 ? 0 : 1);
  } else if (last) {
    const version = stage === "done" ? context["version"] : undefined;
    turns[index] = { ...last, stage: stage as Stage, ...(typeof version === "string" && { version }) };
  }
}

/** Whether a turn to this position goes on with that one, because it was begun and not brought to its end. */
export function goesOn(last: LastTurn, to: Position): boolean {
  return last.to === to && last.stage !== "proved";
}

/**
 * Whether it stands closed because this installation closed what was open: only that may be opened without a further word
 * (P5). `version` is of the change that made it so; where the vendor tells it, the record must hold the same, and one whose
 * answer was lost does not.
 */
export function closedByUs(last: LastTurn | undefined, version: string | undefined): boolean {
  if (last?.to !== "closed" || last.found !== "open") return false;
  return version === undefined || last.version === version;
}

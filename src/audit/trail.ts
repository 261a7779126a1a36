import type { Actor } from "../core/record.ts";
import type { AuditRecord } from "../db/audit-log.ts";
import { oneLine } from "./text.ts";

/** One entry in words, for a table. */
export interface TrailLine {
  readonly seq: number;
  /** `2026-11-21 08:30:00 UTC`. */
  readonly at: string;
  /** `kris (stepped up)`. */
  readonly actor: string;
  readonly action: string;
  /** Run and step, or the secret. */
  readonly about: string;
  /** The context as `name=value`. */
  readonly says: string;
}

/** One entry in words; everything on one line and without control characters, as parts of it are the words of vendors. */
export function trailLine(entry: AuditRecord): TrailLine {
  return {
    seq: entry.seq,
    at: `${entry.at.slice(0, 10)} ${entry.at.slice(11, 19)} UTC`,
    actor: actorText(entry.actor),
    action: oneLine(entry.action),
    about: oneLine([entry.run ?? entry.secret, entry.step].filter((part) => part !== undefined).join(" ")),
    says: contextText(entry.context),
  };
}

/** Who, and how sure we are of it. */
export function actorText(actor: Actor): string {
  return `${oneLine(actor.name)} (${actor.assurance})`;
}

/** Context as `name=value` in the order of names; nested parts as JSON. */
export function contextText(context: Readonly<Record<string, unknown>>): string {
  return Object.entries(context)
    .filter(([, value]) => value !== undefined && value !== null)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${oneLine(name)}=${valueText(value)}`)
    .join(" ");
}

/**
 * The bytes of an entry for the transparency log that is to come: JSON without white space, names sorted at every depth, nothing
 * that is absent. The same whenever it is read again.
 */
export function canonicalEntry(entry: AuditRecord): string {
  return JSON.stringify(entry, (_name, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}

function valueText(value: unknown): string {
  if (typeof value === "string") {
    const text = oneLine(value);
    return /^[^\s="]+$/.test(text) ? text : JSON.stringify(text);
  }
  return oneLine(JSON.stringify(value) ?? "");
}

import type { Instant } from "../core/time.ts";
import { titledSecret } from "./rotation-log.ts";

/** One credential as a rotation log names it: the beginning of its id, and its description. */
export interface NamedCredential {
  readonly id: string;
  readonly description: string;
}

/** A row of a rotation log that was kept by hand. */
export interface ImportedRow {
  /** Midnight UTC of the day: a log has no time. */
  readonly at: Instant;
  readonly actor: string;
  readonly old: NamedCredential;
  readonly new: NamedCredential;
  readonly notes: string;
}

/** What a file holds of a secret. */
export interface ImportedLog {
  readonly rows: readonly ImportedRow[];
  /** Lines that look like a row and are none. */
  readonly unread: readonly string[];
  /** How many rows stand under the titles of other secrets. */
  readonly others: number;
}

const COLUMNS = 5;
const FIRST_CELL = /^\s*\|\s*\d{4}-\d{2}-\d{2}/;

/**
 * Reads the Markdown table of the SOP, `Date (UTC) | Actor | Old auth description | New auth ID | Notes`, out of a whole
 * file: every row that begins with a date, but for those under the title of another secret, as our own export writes it. A row may
 * be broken over several lines, as exports leave them.
 */
export function readRotationLog(text: string, secret: string): ImportedLog {
  const lines = text.split(/\r?\n/);
  const rows: ImportedRow[] = [];
  const unread: string[] = [];
  let others = 0;
  let titled: string | undefined;
  lines.forEach((line, i) => {
    if (line.startsWith("#")) titled = titledSecret(line);
    if (!FIRST_CELL.test(line)) return;
    if (titled !== undefined && titled !== secret) {
      others += 1;
      return;
    }
    const cells = cellsOf(wholeRow(lines, i));
    const row = rowOf(cells);
    if (row) rows.push(row);
    else unread.push(line.trim());
  });
  return { rows, unread, others };
}

/** The line with those that follow it, until all columns are there. */
function wholeRow(lines: readonly string[], at: number): string {
  let row = lines[at] ?? "";
  for (let i = at + 1; i < lines.length && cellsOf(row).length < COLUMNS; i += 1) {
    const next = lines[i] ?? "";
    if (next.trim() === "" || FIRST_CELL.test(next) || next.startsWith("#")) break;
    row = `${row} ${next}`;
  }
  return row;
}

function cellsOf(row: string): readonly string[] {
  const cells = row
    .trim()
    .replace(/^\|/, "")
    .split(/(?<!\\)\|/);
  if (cells.at(-1)?.trim() === "") cells.pop();
  return cells.map(plain);
}

/** Markdown's escapes, code marks and entities, as our own export writes them, taken away. */
function plain(cell: string): string {
  return cell
    .replaceAll("`", "")
    .replaceAll(/\\([\\|*[\]])/g, "$1")
    .replaceAll("&lt;", "<")
    .replaceAll("&amp;", "&")
    .trim();
}

function rowOf([date = "", actor = "", old = "", fresh = "", notes = ""]: readonly string[]):
  | ImportedRow
  | undefined {
  const at = `${date.slice(0, 10)}T00:00:00.000Z`;
  const made = /^(\S+)(?:\s+\((.*)\))?$/.exec(fresh);
  if (Number.isNaN(Date.parse(at)) || actor === "" || !made) return undefined;
  const named = /^(.*?)\s*\(([^()\s]+)\)$/.exec(old);
  return {
    at,
    actor,
    old: { id: named?.[2] ?? "", description: named?.[1] ?? old },
    new: { id: made[1] ?? "", description: made[2] ?? "" },
    notes,
  };
}

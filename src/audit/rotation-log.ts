import type { Credential } from "../core/credential.ts";
import type { Instant } from "../core/time.ts";
import { oneLine } from "./text.ts";

/** The columns of the SOP's rotation log (HK-10). */
const ROTATION_COLUMNS = [
  "Date (UTC)",
  "Actor",
  "Old auth description (id prefix)",
  "New auth ID (description)",
  "Notes",
] as const;

/** What the log needs of a rotation; `RotationRow` and `RecordedRotation` are such. */
export interface LoggedRotation {
  readonly secret: string;
  readonly at: Instant;
  readonly actor: string;
  readonly old: Credential;
  readonly new: Credential;
  readonly notes: string;
}

/** The cells of one row, in the order of {@link ROTATION_COLUMNS}; on one line each, without control characters. */
export function rotationCells(rotation: LoggedRotation): readonly string[] {
  const { at, actor, old, new: fresh, notes } = rotation;
  return [
    at.slice(0, 10),
    oneLine(actor),
    named(oneLine(old.description), idPrefix(old)),
    named(idPrefix(fresh), oneLine(fresh.description)),
    oneLine(notes),
  ];
}

/** What stands over the rows of one secret. The SOP's columns do not name it: its log lies in the file of one secret. */
export function rotationTitle(secret: string): string {
  return `Rotation log of ${secret}`;
}

/** The secret that a line of Markdown is the title of, as {@link rotationMarkdown} writes it. */
export function titledSecret(line: string): string | undefined {
  return /^#+ +Rotation log of (\S+)\s*$/.exec(line)?.[1];
}

/** The rows by secret; both in the given order. */
export function rotationsBySecret<T extends LoggedRotation>(
  rotations: readonly T[],
): ReadonlyMap<string, readonly T[]> {
  return Map.groupBy(rotations, ({ secret }) => secret);
}

/** The log as one Markdown table a secret under its title, ready for the SOP's file; ends with a line break. */
export function rotationMarkdown(rotations: readonly LoggedRotation[]): string {
  const heads = [ROTATION_COLUMNS, ROTATION_COLUMNS.map(() => "---")];
  const tables = [...rotationsBySecret(rotations)].map(([secret, own]) =>
    [
      `## ${rotationTitle(secret)}`,
      "",
      ...[...heads, ...own.map((one) => rotationCells(one).map(escaped))].map((cells) => row(cells)),
      "",
    ].join("\n"),
  );
  return tables.join("\n");
}

/** The first eight characters, as the SOP prints ids (`b1e6320e`). */
function idPrefix(credential: Pick<Credential, "id">): string {
  return oneLine(credential.id).slice(0, 8);
}

function named(first: string, second: string): string {
  if (first === "") return second;
  return second === "" ? first : `${first} (${second})`;
}

function row(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

/** A vendor's description must not become a cell, a link, an image or markup of somebody's runbook. */
function escaped(cell: string): string {
  return cell
    .replace(/[\\|`*[\]]/g, "\\$&")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;");
}

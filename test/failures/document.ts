import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Trouble } from "./drive.ts";
import type { Row } from "./rows.ts";

/** The page that the tables stand on, from the root of the project. */
export const PAGE = "docs/guide/failures.md";

const file = path.resolve(import.meta.dirname, "../..", PAGE);

/** Under which heading which table stands. */
export const HEADINGS: Readonly<Record<Trouble | "situations", string>> = {
  refuses: "A vendor refuses",
  silent: "A vendor does not answer",
  dies: "The process dies",
  cancels: "A person cancels",
  situations: "Other situations",
};

const COLUMNS: readonly (readonly [key: keyof Row, title: string])[] = [
  ["where", "where"],
  ["run", "the run"],
  ["lives", "lives"],
  ["vault", "vault"],
  ["github", "GitHub"],
  ["apps", "apps"],
  ["next", "next"],
  ["leads", "and then"],
];

/** The rows below a heading, as they are written. */
export function rowsUnder(heading: string): readonly Row[] {
  const [, , ...rows] = tableUnder(readFileSync(file, "utf8").split("\n"), heading).lines;
  return rows.map((line) => {
    const cells = line.split("|").slice(1, -1);
    return Object.fromEntries(COLUMNS.map(([key], i) => [key, cells[i]?.trim() ?? ""])) as unknown as Row;
  });
}

/** Puts rows in the place of those below a heading. */
export function writeRows(heading: string, rows: readonly Row[]): void {
  const lines = readFileSync(file, "utf8").split("\n");
  const { at, lines: before } = tableUnder(lines, heading);
  const table = [
    COLUMNS.map(([, title]) => title),
    COLUMNS.map(() => "---"),
    ...rows.map((row) => COLUMNS.map(([key]) => row[key])),
  ];
  lines.splice(at, before.length, ...table.map((cells) => `| ${cells.join(" | ")} |`));
  writeFileSync(file, lines.join("\n"));
}

function tableUnder(lines: readonly string[], heading: string) {
  const start = lines.findIndex((line) => /^#+ /.test(line) && line.replace(/^#+ /, "") === heading);
  const at = lines.findIndex((line, i) => i > start && line.startsWith("|"));
  if (start < 0 || at < 0) throw new Error(`${PAGE} has no table under the heading "${heading}"`);
  const end = lines.findIndex((line, i) => i > at && !line.startsWith("|"));
  return { at, lines: lines.slice(at, end < 0 ? undefined : end) };
}

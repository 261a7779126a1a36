import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Key } from "../../src/core/journal.ts";
import type { Plan } from "../../src/core/plan.ts";
import type { Change, Tree } from "./tree.ts";
import type { ValueShape } from "./values.ts";

/** A run as a released version of Lockstep recorded it, with all that it left behind at each journal entry. */
export interface Golden {
  /** The version of the package that carried the run out. */
  readonly recordedBy: string;
  /** Which of the recorded cases it is. */
  readonly name: string;
  readonly runbook: string;
  /** The configuration as somebody wrote it. */
  readonly configuration: unknown;
  readonly run: { readonly id: string; readonly tag: string; readonly plan: Plan };
  /** Of the values that the labels in here stand for. */
  readonly values: readonly ValueShape[];
  /** How everything stood when the run began, with labels for values and their fingerprints. */
  readonly world: Tree;
  /** In the order in which they were recorded; side by side that may be another one than that of their positions. */
  readonly entries: readonly GoldenEntry[];
  readonly end: End;
}

/** One entry of its journal. */
export interface GoldenEntry {
  readonly position: number;
  readonly key: Key;
  /** The text that was recorded, read as JSON. */
  readonly answer: Tree;
  /** What was different in the world since the entry before. */
  readonly changes: readonly Change[];
}

/** What a run came to. */
export interface End {
  readonly status: string;
  readonly trouble: string | null;
  /** The descriptions of the credentials that work. */
  readonly alive: readonly string[];
  /** By place, the description of the credential whose value it holds. */
  readonly holds: Readonly<Record<string, string>>;
  /** Who stands in the secret's line, and where. */
  readonly generations: readonly string[];
  readonly owed: readonly string[];
}

/** Where they lie. */
export const FOLDER = path.join(import.meta.dirname, "goldens");

/** Every golden that there is, by releases. */
export function readGoldens(): readonly Golden[] {
  const files = readdirSync(FOLDER, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".json"),
  );
  return files.sort().map((name) => JSON.parse(readFileSync(path.join(FOLDER, name), "utf8")) as Golden);
}

/** The file of a golden, as it is named in messages. */
export function fileOf({
  recordedBy,
  runbook,
  name,
}: Pick<Golden, "recordedBy" | "runbook" | "name">): string {
  return path.join(recordedBy, `${runbook}.${name.replaceAll(" ", "-")}.json`);
}

/** Writes it; its release has a folder of its own. */
export function writeGolden(golden: Golden): void {
  const file = path.join(FOLDER, fileOf(golden));
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, `${laidOut(golden, 4)}\n`);
}

/** JSON with a line for each part down to that depth, so that a change of the file can be read. */
export function laidOut(data: unknown, depth: number, indent = ""): string {
  if (depth === 0 || typeof data !== "object" || data === null) return JSON.stringify(data);
  const inner = `${indent} `;
  const [open, close, parts] = Array.isArray(data)
    ? ["[", "]", data.map((item) => laidOut(item, depth - 1, inner))]
    : [
        "{",
        "}",
        Object.entries(data).map(
          ([name, part]) => `${JSON.stringify(name)}: ${laidOut(part, depth - 1, inner)}`,
        ),
      ];
  if (parts.length === 0) return `${open}${close}`;
  return `${open}\n${parts.map((part) => `${inner}${part}`).join(",\n")}\n${indent}${close}`;
}

import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import pg from "pg";
import { DBOS_SCHEMA } from "../../src/engine/names.ts";
import type { Sealer } from "../../src/engine/sealed.ts";
import type { Ground } from "../../src/engine/testing/harness.ts";
import { laidOut } from "./golden.ts";
import type { Tree } from "./tree.ts";

/** A row of a table by columns; what was sealed stands open, as the box that it is. */
type Row = Readonly<Record<string, Tree>>;

/** What the durable engine of a released version kept of a run, its journal complete. */
export interface EngineRun {
  readonly recordedBy: string;
  readonly runbook: string;
  readonly id: string;
  readonly workflow: Row;
  readonly input: Row;
  /** What it came to. */
  readonly result: Tree;
  /** The journal, in its order. */
  readonly entries: readonly Row[];
  /** What people said to the run. */
  readonly messages: readonly Row[];
}

/** The content of a sealed column. */
interface Box {
  readonly run: string;
  readonly entry: string;
  readonly value?: unknown;
}

const TABLES = {
  workflow: { name: "workflow_status", run: "workflow_uuid", sealed: [], by: "created_at" },
  input: { name: "workflow_input", run: "workflow_uuid", sealed: ["inputs"], by: "inputs" },
  entries: { name: "operation_outputs", run: "workflow_uuid", sealed: ["output"], by: "function_id" },
  messages: {
    name: "notifications",
    run: "destination_uuid",
    sealed: ["message"],
    by: "created_at_epoch_ms",
  },
} as const;

type Table = (typeof TABLES)[keyof typeof TABLES];

const FOLDER = path.join(import.meta.dirname, "rows");

/** Every run that there is, by releases. */
export function readRows(): readonly EngineRun[] {
  const files = readdirSync(FOLDER, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".json"),
  );
  return files.sort().map((name) => JSON.parse(readFileSync(path.join(FOLDER, name), "utf8")) as EngineRun);
}

/** Writes one; its release has a folder of its own. */
export function writeRows(run: EngineRun): void {
  const file = path.join(FOLDER, run.recordedBy, `${run.runbook}.json`);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, `${laidOut(run, 2)}\n`);
}

/** What the engine has of a run. */
export async function takeRows({ ask }: Ground, sealer: Sealer, id: string) {
  const all = async ({ name, run, sealed, by }: Table): Promise<readonly Row[]> => {
    const found = await ask(
      `SELECT to_jsonb(t) AS row FROM ${DBOS_SCHEMA}.${name} t WHERE ${run} = $1 ORDER BY ${by}`,
      [id],
    );
    return Promise.all(
      found.map(async ({ row }) => {
        const open: Record<string, Tree> = { ...(row as Row) };
        for (const column of sealed) {
          const text = open[column];
          if (typeof text === "string") open[column] = JSON.parse(await sealer.open(text)) as Tree;
        }
        return open;
      }),
    );
  };
  const [workflow] = await all(TABLES.workflow);
  const [input] = await all(TABLES.input);
  if (!workflow || !input) throw new Error(`the engine has no run ${id}`);
  return { workflow, input, entries: await all(TABLES.entries), messages: await all(TABLES.messages) };
}

/** The entries that the engine has of each run by now, by their places and names. */
export async function entriesByRun({ ask }: Ground): Promise<ReadonlyMap<string, readonly string[]>> {
  const { name, run } = TABLES.entries;
  const found = await ask(
    `SELECT ${run} AS id, array_agg(function_id || ' ' || function_name ORDER BY function_id) AS entries
     FROM ${DBOS_SCHEMA}.${name} GROUP BY 1`,
  );
  return new Map(found.map(({ id, entries }) => [String(id), entries as readonly string[]]));
}

/** How far a process came with a run before it died. */
export interface Died {
  readonly id: string;
  readonly executor: string;
  /** So many entries were recorded. */
  readonly recorded: number;
}

/** Puts copies of a run there, each as its process left it; all at once, since it is taken over as soon as it is seen. */
export async function putRows(
  url: string,
  sealer: Sealer,
  run: EngineRun,
  died: readonly Died[],
): Promise<void> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query("BEGIN");
    for (const one of died)
      for (const { table, row } of rowsOf(run, one)) await put(client, sealer, table, row, one.id);
    await client.query("COMMIT");
  } finally {
    await client.end();
  }
}

function rowsOf(
  run: EngineRun,
  { id, executor, recorded }: Died,
): readonly { readonly table: Table; readonly row: Row }[] {
  const known = run.entries.slice(0, recorded);
  const heard = new Set(known.flatMap((entry) => keyHeard(entry) ?? []));
  const under = { status: "PENDING", executor_id: executor, queue_partition_key: id, completed_at: null };
  return [
    { table: TABLES.workflow, row: { ...run.workflow, ...under } },
    { table: TABLES.input, row: run.input },
    ...known.map((row) => ({ table: TABLES.entries, row })),
    ...run.messages.map((row) => {
      const key = String(row["topic"]);
      return {
        table: TABLES.messages,
        row: { ...row, message_uuid: `${id} ${key}`, consumed: heard.has(key) },
      };
    }),
  ];
}

async function put(client: pg.Client, sealer: Sealer, table: Table, row: Row, id: string): Promise<void> {
  const stored: Record<string, Tree> = { ...row, [table.run]: id };
  for (const column of table.sealed) {
    const box: unknown = stored[column];
    if (isBox(box)) stored[column] = await sealer.seal(JSON.stringify({ ...box, run: id }));
  }
  // Only the columns that there were: what has come besides gets its default, as in a migration.
  const columns = Object.keys(stored)
    .map((one) => `"${one}"`)
    .join(", ");
  const into = `${DBOS_SCHEMA}.${table.name}`;
  await client.query(
    `INSERT INTO ${into} (${columns}) SELECT ${columns} FROM jsonb_populate_record(NULL::${into}, $1)`,
    [JSON.stringify(stored)],
  );
}

/** The key under which a person was heard, where that is what the entry recorded. */
function keyHeard({ output }: Row): string | undefined {
  const entry = isBox(output) ? output.entry : "";
  return entry.startsWith("message/") ? entry.slice("message/".length) : undefined;
}

/** What each entry that ran a body came to, by its key. */
export function answersOf({ entries }: EngineRun): ReadonlyMap<string, unknown> {
  return new Map(
    entries.flatMap(({ output }) => {
      if (!isBox(output) || !output.entry.startsWith("entry/")) return [];
      const { value } = output.value as { readonly value?: unknown };
      return [[output.entry.slice("entry/".length), value] as const];
    }),
  );
}

function isBox(tree: unknown): tree is Box {
  return typeof tree === "object" && tree !== null && "run" in tree && "entry" in tree;
}

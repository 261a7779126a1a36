/** Where a value could end up: files, tables, and what processes print and are called with. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { stopped } from "../../src/engine/embedded/harness.ts";
import { openEmbedded } from "../../src/engine/embedded/server.ts";
import type { Hit, Known } from "./search.ts";
import { searcherFor } from "./search.ts";

/** Bytes that were left somewhere. */
export interface Sink {
  readonly name: string;
  readonly bytes: Buffer;
}

/** A value that was found in a sink. */
export interface Leak extends Hit {
  readonly sink: string;
}

/** Searches all sinks for all values. */
export function leaksIn(sinks: Iterable<Sink>, known: readonly Known[]): readonly Leak[] {
  const search = searcherFor(known);
  return [...sinks].flatMap(({ name, bytes }) => [
    // A name is a place too: a file could be called after a value.
    ...search(Buffer.from(name)).map((hit) => ({ ...hit, sink: "the name of a sink" })),
    ...search(bytes).map((hit) => ({ ...hit, sink: name })),
  ]);
}

/** Every file below a directory; `except` names files that are searched elsewhere, or hold the values by design. */
export function filesBelow(root: string, except: (relative: string) => boolean = () => false): Sink[] {
  return readdirSync(root, { recursive: true, withFileTypes: true }).flatMap((entry) => {
    const file = path.join(entry.parentPath, entry.name);
    const relative = path.relative(root, file);
    if (except(relative)) return [];
    if (entry.isSymbolicLink()) return [{ name: relative, bytes: Buffer.from(readlinkSync(file)) }];
    return entry.isFile() ? [{ name: relative, bytes: readFileSync(file) }] : [];
  });
}

/** Every row of every table of ours as text: what a page compresses or spreads over pieces, the files do not show. */
export async function tablesOf(home: string): Promise<Sink[]> {
  const server = await openEmbedded(home);
  const client = new pg.Client(server.url);
  try {
    await client.connect();
    const tables = await client.query<{ name: string }>(
      `SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
       WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1`,
    );
    const sinks: Sink[] = [];
    for (const { name } of tables.rows) {
      const { rows } = await client.query<{ row: string }>(`SELECT t::text AS row FROM ${name} t`);
      sinks.push({ name: `table ${name}`, bytes: Buffer.from(rows.map((one) => one.row).join("\n")) });
    }
    return sinks;
  } finally {
    await client.end();
    await server.close();
    // Its last checkpoint writes out what is still in memory.
    await stopped(server.dataDir);
  }
}

/** What a watch over processes has seen so far. */
export interface Watch {
  seen(): readonly Sink[];
  /** Resolves when all processes that live now have been looked at. */
  looked(): Promise<void>;
  stop(): Promise<void>;
}

/** Samples the arguments of all processes of this machine, and the environment of those of ours that are no command of the test. */
export function watchProcesses(root: string): Watch {
  const seen = new Map<string, Set<string>>([
    ["process arguments", new Set()],
    ["environment of the database server", new Set()],
  ]);
  const look = () => {
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, "latin1");
        seen.get("process arguments")?.add(words);
        if (words.includes(root) && /postgres/.test(words.split("\0")[0] ?? ""))
          seen.get("environment of the database server")?.add(readFileSync(`/proc/${pid}/environ`, "latin1"));
      } catch {
        // It has ended meanwhile.
      }
    }
  };
  let going = true;
  let next = Promise.withResolvers<void>();
  const loop = (async () => {
    while (going) {
      look();
      next.resolve();
      next = Promise.withResolvers();
      await sleep(60);
    }
  })();
  return {
    seen: () =>
      [...seen].map(([name, texts]) => ({ name, bytes: Buffer.from([...texts].join("\n"), "latin1") })),
    looked: () => next.promise,
    stop: async () => {
      going = false;
      await loop;
    },
  };
}

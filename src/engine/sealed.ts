import type { DBOSSerializer } from "@dbos-inc/dbos-sdk";
import type { RunId } from "../core/record.ts";

/** Seals and opens text under the key ring; `open` may throw. */
export interface Sealer {
  seal(text: string): Promise<string>;
  open(text: string): Promise<string>;
}

/** Why a journal entry cannot be used; the words that the table of parked runs and the log show. */
export type Distrust =
  | "the key ring does not open it"
  | "it belongs to another run or entry"
  | "it was not sealed by Lockstep"
  | "another entry was expected at its place"
  | typeof OTHER_PLAN;

/** Not the journal's fault: it was begun by a version of the program that carries out another plan. */
export const OTHER_PLAN = "this version of Lockstep makes another plan of it";

/** An entry of the journal that cannot be trusted. Never leaves the engine: thrown to DBOS it would end the run for ever. */
export class DistrustedEntry extends Error {
  readonly why: Distrust;
  readonly entry: string;

  constructor(why: Distrust, entry: string) {
    super(why);
    this.name = "DistrustedEntry";
    this.why = why;
    this.entry = entry;
  }
}

/** Text that is sealed already, so that the serializer has nothing left to do that could fail. */
class Sealed {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/**
 * What the serializer makes of sealed text. A class, because a value that was written into the database as plain JSON under
 * DBOS's own serializer name is parsed by DBOS without asking us, and must not pass for ours.
 */
class Opened {
  readonly content: unknown;
  readonly failed: boolean;
  /** As it was stored: DBOS writes a workflow's input out and reads it in again before it calls the workflow. */
  readonly text: string;

  constructor(content: unknown, failed: boolean, text: string) {
    this.content = content;
    this.failed = failed;
    this.text = text;
  }

  /** DBOS spreads a workflow's input into arguments; this arrives as the first. */
  *[Symbol.iterator](): Generator<Opened> {
    yield this;
  }
}

/** Boxes a value with the run and the entry it belongs to, and seals the box. */
export async function sealEntry(sealer: Sealer, run: RunId, entry: string, value: unknown): Promise<unknown> {
  return new Sealed(await sealer.seal(JSON.stringify({ run, entry, value })));
}

/** The value of an entry that DBOS gave back; throws {@link DistrustedEntry} where it is not that entry of that run. */
export function openEntry(stored: unknown, run: RunId, entry: string): unknown {
  if (!(stored instanceof Opened)) throw new DistrustedEntry("it was not sealed by Lockstep", entry);
  if (stored.failed) throw new DistrustedEntry("the key ring does not open it", entry);
  // A workflow's input is stored as the array of its arguments.
  const box: unknown = Array.isArray(stored.content) ? stored.content[0] : stored.content;
  if (typeof box !== "object" || box === null || !("run" in box) || !("entry" in box)) {
    throw new DistrustedEntry("it was not sealed by Lockstep", entry);
  }
  if (box.run !== run || box.entry !== entry) {
    throw new DistrustedEntry("it belongs to another run or entry", entry);
  }
  return "value" in box ? box.value : undefined;
}

/**
 * The serializer that DBOS uses for everything it stores. It never throws on reading: DBOS turns a run whose input cannot be
 * parsed into ERROR, which nothing undoes; a failure arrives as a value instead, and the run parks.
 */
export function serializerOver(sealer: Sealer): DBOSSerializer {
  return {
    name: () => "lockstep-sealed-1",
    stringify: async (value) => {
      const only: unknown = Array.isArray(value) && value.length === 1 ? value[0] : value;
      if (only instanceof Sealed || only instanceof Opened) return only.text;
      return sealer.seal(JSON.stringify(value) ?? "null");
    },
    parse: async (text) => {
      if (text === null || text === undefined) return null;
      try {
        return new Opened(JSON.parse(await sealer.open(text)), false, text);
      } catch {
        return new Opened(undefined, true, text);
      }
    },
  };
}

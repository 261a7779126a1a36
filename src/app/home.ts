import path from "node:path";
import { openDatabase } from "../db/connect.ts";
import type { Database } from "../db/database.ts";
import { hasSealed, proveKeys } from "../sealing/canary.ts";
import { type KeyRing, openKeyRing } from "../sealing/key-ring.ts";
import { type LoadedConfig, loadConfig } from "./load-config.ts";
import { openSandbox, type SandboxDoor, sandboxHome } from "./sandbox-door.ts";

/** Where a command was called and what was asked of it. */
export interface Where {
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly configFile?: string;
  readonly sandbox: boolean;
}

/** An opened installation: configuration, database, key ring, and the sandbox where one is used. */
export interface Home extends LoadedConfig {
  /** `.lockstep/`, or the sandbox's own home below it. */
  readonly dir: string;
  readonly databaseUrl: string;
  readonly embedded: boolean;
  /** Starts the embedded server again after it was lost; nothing to do for a database server of others. */
  reopenDatabase(): Promise<void>;
  readonly database: Database;
  readonly ring: KeyRing;
  readonly sandbox?: SandboxDoor;
  readonly env: NodeJS.ProcessEnv;
  close(): Promise<void>;
}

/** Opens everything in the order in which it may fail without harm: configuration, database, key ring, proof of the ring. */
export async function openHome(where: Where): Promise<Home> {
  const loaded = await loadConfig(where.cwd, where.configFile);
  const dir = where.sandbox ? sandboxHome(loaded.root) : path.join(loaded.root, ".lockstep");
  const closers: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const one of closers.splice(0).reverse()) await one();
  };
  try {
    const sandbox = where.sandbox ? await openSandbox(loaded.root) : undefined;
    if (sandbox) closers.push(sandbox.close);
    const given = where.sandbox ? undefined : where.env["LOCKSTEP_DATABASE_URL"];
    let server = given === undefined ? await embedded(dir) : undefined;
    closers.push(async () => server?.close());
    const databaseUrl = server?.url ?? given ?? "";
    const database = await openDatabase(databaseUrl);
    closers.push(() => database.close());
    const ring = await openRing(dir, where, database);
    await proveKeys(database, ring);
    return {
      ...loaded,
      dir,
      databaseUrl,
      embedded: server !== undefined,
      reopenDatabase: async () => {
        if (server) server = await embedded(dir);
      },
      database,
      ring,
      env: where.env,
      close,
      ...(sandbox && { sandbox }),
    };
  } catch (thrown) {
    await close();
    throw thrown;
  }
}

async function embedded(dir: string) {
  const { openEmbedded } = await import("../engine/embedded/server.ts");
  return openEmbedded(dir);
}

function openRing(dir: string, where: Where, database: Database): Promise<KeyRing> {
  const text = where.sandbox ? undefined : where.env["LOCKSTEP_KEYS"];
  const source = { file: path.join(dir, "keys.json"), ...(text !== undefined && { text }) };
  return openKeyRing(source, async () => !(await hasSealed(database)));
}

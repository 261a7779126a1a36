import path from "node:path";
import { openDatabase } from "../db/connect.ts";
import type { Database } from "../db/database.ts";
import type { EmbeddedServer } from "../engine/embedded/server.ts";
import { hasSealed, proveKeys } from "../sealing/canary.ts";
import { loadEnvelope } from "../sealing/envelope.ts";
import { type KeyRing, openKeyRing } from "../sealing/key-ring.ts";
import { findConfig, type LoadedConfig, loadConfig } from "./load-config.ts";
import { withLocalOperator } from "./people.ts";
import { openSandbox, type SandboxDoor } from "./sandbox-door.ts";
import { sandboxHome } from "./sandbox-serving.ts";

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

/**
 * Opens everything in the order in which it may fail without harm: configuration, database, key ring, proof of the ring. An
 * embedded database that is there already is started beside the configuration, which changes nothing in it; nothing is made
 * before the configuration is understood.
 */
export async function openHome(where: Where): Promise<Home> {
  const root = path.dirname(findConfig(where.cwd, where.configFile));
  const dir = where.sandbox ? sandboxHome(root) : path.join(root, ".lockstep");
  const given = where.sandbox ? undefined : where.env["LOCKSTEP_DATABASE_URL"];
  const early = given === undefined ? await startEarly(dir) : undefined;
  const closers: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const one of closers.splice(0).reverse()) await one();
  };
  try {
    const loaded = await loadConfig(where.cwd, where.configFile);
    const sandbox = where.sandbox ? await openSandbox(loaded.root) : undefined;
    if (sandbox) closers.push(sandbox.close);
    // Still in the time in which the server lets us in.
    await loadEnvelope();
    let server = given === undefined ? await (early?.server ?? embedded(dir)) : undefined;
    let reopening: Promise<unknown> = Promise.resolve();
    closers.push(async () => {
      // What is being started again is ours to stop, too: left alone it would keep this process for ever.
      await reopening;
      await server?.close();
    });
    const databaseUrl = server?.url ?? given ?? "";
    const opening = openDatabase(databaseUrl);
    const reading = openRing(dir, where, opening);
    // The database's own trouble comes first; until then nobody listens to this one.
    reading.catch(() => {});
    const database = await opening;
    closers.push(() => database.close());
    const ring = await reading;
    await proveKeys(database, ring);
    return {
      ...loaded,
      ...(sandbox && { config: withLocalOperator(loaded.config) }),
      dir,
      databaseUrl,
      embedded: server !== undefined,
      reopenDatabase: async () => {
        if (!server) return;
        const opening = embedded(dir);
        reopening = opening.catch(() => {});
        server = await opening;
      },
      database,
      ring,
      env: where.env,
      close,
      ...(sandbox && { sandbox }),
    };
  } catch (thrown) {
    await close();
    // Also a server that nobody has asked for yet; closing is idempotent.
    await early?.server.then(
      (server) => server.close(),
      () => {},
    );
    throw thrown;
  }
}

interface Early {
  readonly server: Promise<EmbeddedServer>;
}

/** Begins to open the database of this home, where there is one, and comes back when there is time for other work. */
async function startEarly(dir: string): Promise<Early | undefined> {
  const { hasDatabase, openEmbedded } = await import("../engine/embedded/server.ts");
  if (!(await hasDatabase(dir))) return undefined;
  return new Promise<Early>((back) => {
    const server = openEmbedded(dir, { onWaiting: () => back({ server }) });
    // Also at its end. What it throws is for the one who needs the database.
    const ended = () => back({ server });
    server.then(ended, ended);
  });
}

async function embedded(dir: string) {
  const { openEmbedded } = await import("../engine/embedded/server.ts");
  return openEmbedded(dir);
}

function openRing(dir: string, where: Where, database: Promise<Database>): Promise<KeyRing> {
  const text = where.sandbox ? undefined : where.env["LOCKSTEP_KEYS"];
  const source = { file: path.join(dir, "keys.json"), ...(text !== undefined && { text }) };
  return openKeyRing(source, async () => !(await hasSealed(await database)));
}

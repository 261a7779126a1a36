import { openPool, unreachable } from "./database.ts";
import { quietLogger } from "./dbos-log.ts";
import { APPLICATION, DBOS_SCHEMA } from "./names.ts";
import { type Requests, requestsOver } from "./requests.ts";
import { type Sealer, serializerOver } from "./sealed.ts";
import { listWorkers, type Worker } from "./workers.ts";

/** Speaks to the engine of other processes; carries out nothing itself. */
export interface EngineClient extends Requests {
  workers(): Promise<readonly Worker[]>;
  close(): Promise<void>;
}

/**
 * Opens a client for a command that starts or tells a run while a worker lives elsewhere: no launch, no lock, no polling.
 * Throws DATABASE_UNREACHABLE. Any number may be open, also beside an engine.
 */
export async function openClient(
  databaseUrl: string,
  sealer: Sealer,
  version: string,
): Promise<EngineClient> {
  const { DBOSClient } = await import("@dbos-inc/dbos-sdk");
  const pool = openPool(databaseUrl, "lockstep client", 3);
  try {
    await pool.query("SELECT 1");
  } catch (thrown) {
    void pool.end().catch(() => {});
    throw unreachable(databaseUrl, thrown);
  }
  const client = await DBOSClient.create({
    systemDatabaseUrl: NO_URL,
    systemDatabasePool: pool,
    systemDatabaseSchemaName: DBOS_SCHEMA,
    applicationName: APPLICATION,
    serializer: serializerOver(sealer),
    logger: quietLogger(() => {}),
  });
  return {
    ...requestsOver(client, pool, sealer, version),
    workers: () => listWorkers(async (sql, values = []) => (await pool.query(sql, [...values])).rows),
    close: async () => {
      await client.destroy();
      await pool.end();
    },
  };
}

/** DBOS wants a URL even where it gets a pool; it never sees the real one, nor the password in it. */
export const NO_URL = "postgresql://lockstep@localhost/lockstep";

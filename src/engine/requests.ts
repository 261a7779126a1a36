import { setTimeout as sleep } from "node:timers/promises";
import type { DBOSClient } from "@dbos-inc/dbos-sdk";
import type { Pool } from "pg";
import { LockstepError } from "../core/errors.ts";
import type { Key } from "../core/journal.ts";
import type { RunId } from "../core/record.ts";
import { type Answer, boxName, replyOf } from "./answers.ts";
import { endsConnection, isUnused } from "./database.ts";
import { APPLICATION, CHANNEL, DBOS_SCHEMA, QUEUE, QUEUED, SCHEMA, WORKFLOW } from "./names.ts";
import { openEntry, type Sealer, sealEntry } from "./sealed.ts";

/** Where a run stands for the engine. `parked`: its journal cannot be trusted, and a person has to look (table `parked`). */
type EngineStatus = "queued" | "running" | "parked" | "done" | "error" | "absent";

/** What a person or a command may ask of the engine, from any process. */
export interface Requests {
  /** Enqueues the run under its deterministic id; an existing one is attached to (started: false), its input kept. */
  start(run: {
    readonly id: RunId;
    readonly secret: string;
    readonly input: unknown;
  }): Promise<{ started: boolean }>;
  /** Sends a person's message to a run; it is kept until the run asks for the key. Throws RUN_UNKNOWN. */
  tell(run: RunId, key: Key, message: unknown): Promise<void>;
  status(run: RunId): Promise<EngineStatus>;
  /** Waits for the run's end and gives what its procedure returned. Throws RUN_UNKNOWN, the signal's reason, and INTERNAL. */
  result(run: RunId, options?: { readonly signal?: AbortSignal }): Promise<unknown>;
}

const STATUS = `SELECT s.status, p.run IS NOT NULL AS parked FROM ${DBOS_SCHEMA}.workflow_status s
  LEFT JOIN ${SCHEMA}.parked p ON p.run = s.workflow_uuid WHERE s.workflow_uuid = $1`;

const STANDS: Readonly<Record<string, EngineStatus>> = {
  ENQUEUED: "queued",
  DELAYED: "queued",
  PENDING: "running",
  SUCCESS: "done",
};

/** DBOS's numbers for: no such workflow; the id is in use. */
const ABSENT = 16;
const IN_USE = 36;

/** Speaks to the engine through its tables. `version` says which runbooks a started run needs. */
export function requestsOver(client: DBOSClient, pool: Pool, sealer: Sealer, version: string): Requests {
  const status = async (run: RunId): Promise<EngineStatus> => {
    try {
      const { rows } = await pool.query<{ status: string; parked: boolean }>(STATUS, [run]);
      const row = rows[0];
      if (row === undefined) return "absent";
      const stands = STANDS[row.status] ?? "error";
      return stands === "running" && row.parked ? "parked" : stands;
    } catch (thrown) {
      if (isUnused(thrown)) return "absent";
      throw thrown;
    }
  };
  return {
    start: async ({ id, secret, input }) => {
      const options = {
        workflowName: WORKFLOW,
        workflowID: id,
        queueName: QUEUE,
        queuePartitionKey: secret,
        appVersion: version,
        applicationName: APPLICATION,
        // Refused rather than returned, because only the refusal tells that it was there.
        workflowIDReusePolicy: "reject",
      } as const;
      try {
        await client.enqueue(options, await sealEntry(sealer, id, boxName.input, input));
      } catch (thrown) {
        if (dbosCode(thrown) === IN_USE) return { started: false };
        if (isUnused(thrown)) throw unprepared(thrown);
        throw thrown;
      }
      // After the commit of the run; one that is lost costs a second.
      await pool.query("SELECT pg_notify($1, '')", [QUEUED]).catch(() => {});
      return { started: true };
    },
    tell: async (run, key, message) => {
      try {
        await client.send(run, await sealEntry(sealer, run, boxName.message(key), message), key);
      } catch (thrown) {
        if (dbosCode(thrown) === ABSENT || isUnused(thrown)) throw unknownRun(run, thrown);
        throw thrown;
      }
      // After the commit of the message; one that is lost costs a second, not the message.
      await pool.query("SELECT pg_notify($1, $2)", [CHANNEL, run]).catch(() => {});
    },
    status,
    result: async (run, { signal } = {}) => {
      for (let pause = 10; ; pause = Math.min(pause * 1.2, 250)) {
        signal?.throwIfAborted();
        const stands = await status(run).catch(waitOn);
        if (stands === "absent") throw unknownRun(run);
        if (stands === "done") break;
        if (stands === "error") throw lost(run);
        await sleep(pause, undefined, signal === undefined ? {} : { signal }).catch(() => {});
      }
      const stored = await client.retrieveWorkflow<unknown>(run).getResult();
      return replyOf(openEntry(stored, run, boxName.result) as Answer);
    },
  };
}

/** A database that is away does not end the wait for a run; anything else does. */
function waitOn(thrown: unknown): EngineStatus {
  if (endsConnection(thrown)) return "running";
  throw thrown;
}

function dbosCode(thrown: unknown): number {
  if (typeof thrown !== "object" || thrown === null || !("dbosErrorCode" in thrown)) return 0;
  return Number(thrown.dbosErrorCode);
}

function unknownRun(run: RunId, cause?: unknown): LockstepError {
  return new LockstepError(
    {
      code: "RUN_UNKNOWN",
      message: `There is no run ${run}`,
      because: "nothing was started under this name on this database",
      next: "lockstep runs",
    },
    { cause },
  );
}

function lost(run: RunId): LockstepError {
  return new LockstepError({
    code: "INTERNAL",
    message: `run ${run} was ended from outside of Lockstep`,
    because: "its row in the database says so, and a run of ours never ends that way",
    next: `lockstep show ${run}`,
  });
}

function unprepared(cause: unknown): LockstepError {
  return new LockstepError(
    {
      code: "DATABASE_UNREACHABLE",
      message: "no Lockstep worker has ever used this database",
      because: "the worker makes the tables that a run is recorded in",
      next: "lockstep worker",
    },
    { cause },
  );
}

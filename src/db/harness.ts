/** What the tests of db, sealing and audit share: a real database of their own, and processes that open it. */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Credential } from "../core/credential.ts";
import type { Actor, AuditEntry, Flow, RotationRow } from "../core/record.ts";
import { cleanUp, place, until } from "../engine/embedded/harness.ts";
import { openEmbedded } from "../engine/embedded/server.ts";
import { openDatabase } from "./connect.ts";
import type { Database } from "./database.ts";
import { type RunRequest, reserveRun } from "./runs.ts";

/** A database of one test file. */
export interface TestDatabase {
  readonly db: Database;
  readonly url: string;
  readonly dataDir: string;
  /** A directory for other files of the test. */
  readonly dir: string;
  close(): Promise<void>;
}

/** Waits until a server whose last user has left is really gone; its directory can be removed then. */
export async function gone(dataDir: string): Promise<void> {
  await until(() => !existsSync(join(dataDir, "postmaster.pid")), `the server of ${dataDir} ends`);
}

/** Starts a server of its own and opens its database. */
export async function testDatabase(): Promise<TestDatabase> {
  const dir = place();
  const server = await openEmbedded(join(dir, ".lockstep"));
  const db = await openDatabase(server.url).catch(async (thrown: unknown) => {
    await server.close();
    await gone(server.dataDir);
    await cleanUp();
    throw thrown;
  });
  return {
    db,
    url: server.url,
    dataDir: server.dataDir,
    dir,
    close: async () => {
      await db.close();
      await server.close();
      await gone(server.dataDir);
      await cleanUp();
    },
  };
}

/** Runs a script of ours in a process of its own, and reads the one line of JSON that it prints. */
export async function inProcess<T>(script: URL, ...words: readonly string[]): Promise<T> {
  const { stdout } = await promisify(execFile)(process.execPath, [script.pathname, ...words]);
  return JSON.parse(stdout);
}

/** A name that no other test has. */
export function fresh(what = "secret"): string {
  return `${what}-${randomBytes(4).toString("hex")}`;
}

export const SOMEBODY: Actor = { name: "kris", assurance: "local user" };

/** A request for a run, with made-up parts. */
export function request(secret: string, flow: Flow = "rotate"): RunRequest {
  return {
    secret,
    flow,
    runbook: "overlap@1",
    planHash: "9c1f3a7d",
    plan: { steps: ["mint"] },
    reason: "scheduled",
    actor: SOMEBODY,
  };
}

/** A run of a new secret; its id. */
export async function someRun(db: Database, secret = fresh()): Promise<string> {
  return (await reserveRun(db, request(secret))).run.id;
}

/** A made-up credential. */
export function credential(id: string): Credential {
  return {
    id,
    description: `made for ${id}`,
    scopes: ["global"],
    createdAt: "2026-07-01T00:00:00.000Z",
    account: "a@example.com",
  };
}

/** A rotation that a run has finished. */
export function rotation(run: string, secret: string, at: string): RotationRow {
  return {
    run,
    secret,
    at,
    actor: "kris",
    reason: "scheduled",
    old: credential(`old-${run}`),
    new: credential(`new-${run}`),
    notes: "",
  };
}

/** An entry about a step. */
export function entry(run: string, step: string, action: string): AuditEntry {
  return { action, actor: SOMEBODY, run, step, context: { attempt: 1 } };
}

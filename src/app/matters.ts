import type { RunRecord } from "../core/record.ts";
import { type Finding, openFindings } from "../db/findings.ts";
import { type Freeze, frozenSince } from "../db/freeze.ts";
import { listRuns } from "../db/runs.ts";
import { openTasks, type TaskRecord } from "../db/tasks.ts";
import { isAnyAlive, listParked, type ParkedRun } from "../engine/workers.ts";
import type { Home } from "./home.ts";
import { type LastTurn, lastTurns } from "./interlock-record.ts";

/** What stands open and wants a person, of one secret or of all. */
export interface Matters {
  readonly frozen: Freeze | null;
  readonly tasks: readonly TaskRecord[];
  readonly held: readonly RunRecord[];
  /** Runs that are under way, and that no living process carries out: it was stopped or killed, or its machine is gone. */
  readonly left: readonly RunRecord[];
  /** Runs whose journal cannot be trusted or opened here. */
  readonly parked: readonly ParkedRun[];
  /** Interlocks that this installation has closed, or whose last turn is not proved; by the record, no vendor is asked. */
  readonly interlocks: readonly LastTurn[];
  /** Worst and oldest first. */
  readonly findings: readonly Finding[];
}

/** Reads what is open. One question after the other: each further connection costs the server a process. */
export async function mattersOf({ database }: Pick<Home, "database">, secret?: string): Promise<Matters> {
  const active = await listRuns(database, { active: true, limit: 1_000, ...(secret && { secret }) });
  const ids = new Set(active.map((run) => run.id));
  const parked = await listParked((sql, values) => database.query(sql, values));
  const tasks = await openTasks(database);
  const carried = await isAnyAlive((sql, values) => database.query(sql, values));
  const rests = new Set(parked.map(({ run }) => run));
  return {
    frozen: (await frozenSince(database)) ?? null,
    tasks: tasks.filter((task) => ids.has(task.run)),
    held: active.filter((run) => run.status === "held"),
    left: active.filter(({ id, status }) => status === "running" && !carried && !rests.has(id)),
    parked: parked.filter((one) => secret === undefined || ids.has(one.run)),
    interlocks: secret === undefined ? [...(await lastTurns(database)).values()].filter(isOpenMatter) : [],
    findings: await openFindings(database, secret),
  };
}

function isOpenMatter({ to, stage }: LastTurn): boolean {
  return to === "closed" || stage !== "proved";
}

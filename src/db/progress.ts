import type { Progress, RunStatus, StepState } from "../core/record.ts";
import type { Queries } from "./database.ts";
import { jsonText, plainText } from "./plain.ts";

/**
 * The progress of runs in the tables `run` and `step`. Only the parts that are given change, with two exceptions: a run or
 * step that is well again loses its trouble, and a run that has ended stays ended, because a replay after the last entry
 * would otherwise open it again beside its successor.
 */
export function progressIn(queries: Queries): Progress {
  return {
    run: async (id, change) => {
      await queries.query(RUN, [
        id,
        change.status ?? null,
        change.endedAt ?? null,
        jsonText(change.trouble, "trouble"),
        jsonText(change.old, "old"),
        jsonText(change.new, "new"),
        change.question ?? null,
        waitsForDisk(change.status),
      ]);
    },
    step: async (run, step, change) => {
      await queries.query(STEP, [
        run,
        step,
        change.state ?? null,
        change.attempts ?? null,
        change.startedAt ?? null,
        change.endedAt ?? null,
        change.says === undefined ? null : plainText(change.says),
        jsonText(change.trouble, "trouble"),
        jsonText(change.calls ?? [], "calls"),
        waitsForDisk(change.state),
      ]);
    },
  };
}

/**
 * Whether a crash of the server may not take it away again. What goes on is shown anew by what follows; how something ended,
 * and that it waits for somebody, is said once: the journal keeps the entry and its body does not come by again.
 */
function waitsForDisk(now: RunStatus | StepState | undefined): "on" | "off" {
  return now === undefined || now === "running" || now === "acting" || now === "proving" ? "off" : "on";
}

// The setting holds for the statement's own transaction, so this must never run inside one with an audit entry.
const committed = (parameter: string): string =>
  `(SELECT set_config('synchronous_commit', ${parameter}, true)) AS committed`;

const RUN = `
  UPDATE lockstep.run SET
    status = coalesce($2::text, status),
    ended_at = coalesce($3::timestamptz, ended_at, CASE
      WHEN $2::text IN ('completed', 'cancelled', 'failed') THEN date_trunc('milliseconds', clock_timestamp()) END),
    trouble = coalesce($4::jsonb, CASE
      WHEN $2::text IN ('queued', 'running', 'waiting', 'completed') THEN NULL ELSE trouble END),
    old = coalesce($5::jsonb, old),
    new = coalesce($6::jsonb, new),
    question = coalesce($7, question)
  FROM ${committed("$8")}
  WHERE id = $1 AND (status NOT IN ('completed', 'cancelled', 'failed') OR $2::text IS NULL OR status = $2::text)`;

/** Calls that are all kept already are a replay of the same entry; a repeated attempt has other request ids and times. */
const STEP = `
  INSERT INTO lockstep.step AS kept (run, id, state, attempts, started_at, ended_at, says, trouble, calls)
  SELECT $1::text, $2::text, coalesce($3::text, 'pending'), coalesce($4::integer, 0), $5::timestamptz, $6::timestamptz,
    $7::text, $8::jsonb, $9::jsonb FROM ${committed("$10")}
  ON CONFLICT (run, id) DO UPDATE SET
    state = coalesce($3::text, kept.state),
    attempts = coalesce($4::integer, kept.attempts),
    started_at = least(kept.started_at, $5::timestamptz),
    ended_at = coalesce($6::timestamptz, kept.ended_at),
    says = coalesce($7::text, kept.says),
    trouble = coalesce($8::jsonb, CASE WHEN $3::text IN ('done', 'skipped', 'undone') THEN NULL ELSE kept.trouble END),
    calls = CASE WHEN kept.calls @> $9::jsonb THEN kept.calls ELSE kept.calls || $9::jsonb END`;

import type { Decision } from "../core/circumstances.ts";
import type { Actor, RunId } from "../core/record.ts";
import type { Instant } from "../core/time.ts";
import type { Queries } from "./database.ts";
import { jsonText } from "./plain.ts";

/** What a person decided on one question of a run. */
export interface DecisionRecord {
  readonly choice: Decision["choice"];
  readonly by: Actor;
  readonly at: Instant;
}

/** Puts a decision on record, compare-and-set: answers with the one that stands, which is the first. */
export async function recordDecision(
  queries: Queries,
  {
    run,
    question,
    choice,
    by,
  }: Omit<DecisionRecord, "at"> & { readonly run: RunId; readonly question: string },
): Promise<DecisionRecord> {
  await queries.query(
    "INSERT INTO lockstep.decision (run, question, choice, by) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
    [run, question, choice, jsonText(by)],
  );
  const stands = await decisionOn(queries, run, question);
  if (!stands) throw new Error(`the decision on ${run} was not kept`);
  return stands;
}

/** The decision on a question, if one was made. */
export async function decisionOn(
  queries: Queries,
  run: RunId,
  question: string,
): Promise<DecisionRecord | undefined> {
  const rows = await queries.query<DecisionRecord>(
    "SELECT choice, by, at FROM lockstep.decision WHERE run = $1 AND question = $2",
    [run, question],
  );
  return rows[0];
}

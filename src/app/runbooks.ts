import type { Runbook } from "../core/runbook.ts";
import { followUp } from "../runbooks/follow-up.ts";
import { overlap } from "../runbooks/overlap.ts";
import { revoke } from "../runbooks/revoke.ts";
import { supplied } from "../runbooks/supplied.ts";
import { test } from "../runbooks/test.ts";
import type { PlanRequest } from "./snapshot.ts";

/** Every released version by name; one that a run in flight may still carry stays here. */
export const RUNBOOKS: Readonly<Record<string, Runbook>> = Object.fromEntries(
  [overlap, supplied, revoke, followUp, test].map((runbook) => [runbook.name, runbook]),
);

/** The runbook that a flow starts with today. */
export function runbookFor(ask: Pick<PlanRequest, "flow" | "supplied">): Runbook {
  if (ask.flow === "test") return test;
  if (ask.flow === "revoke") return revoke;
  if (ask.flow === "follow-up") return followUp;
  return ask.supplied ? supplied : overlap;
}

/** Pinned as the engine's application version: it changes only with what a runbook does, so that a new release of ours resumes old runs. */
export const RUNBOOKS_VERSION = "runbooks-1";

import type { Flow } from "../core/record.ts";
import type { Runbook } from "../core/runbook.ts";
import { overlap } from "../runbooks/overlap.ts";
import { test } from "../runbooks/test.ts";

/** Every released version by name; one that a run in flight may still carry stays here. */
export const RUNBOOKS: Readonly<Record<string, Runbook>> = Object.fromEntries(
  [overlap, test].map((runbook) => [runbook.name, runbook]),
);

/** The runbook that a flow starts with today. */
export function runbookFor(flow: Flow): Runbook {
  return flow === "test" ? test : overlap;
}

/** Pinned as the engine's application version: it changes only with what a runbook does, so that a new release of ours resumes old runs. */
export const RUNBOOKS_VERSION = "runbooks-1";

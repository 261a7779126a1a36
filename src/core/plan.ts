import { createHash } from "node:crypto";
import type { ProofGrade } from "./outcome.ts";
import type { Runbook } from "./runbook.ts";
import type { Snapshot } from "./snapshot.ts";
import type { Calls, Step, Undo } from "./step.ts";

/** One line of a plan, for people and machines alike. */
export interface PlanStep {
  readonly id: string;
  readonly says: string;
  readonly actor: "lockstep" | "operator";
  readonly effect: "none" | "repeatable" | "once";
  readonly target: string;
  readonly grade: ProofGrade | null;
  /** What going back means here; null where there is nothing to undo. */
  readonly undoes: string | null;
  readonly pointOfNoReturn: boolean;
  /** What may happen besides. */
  readonly conditional: readonly string[];
}

/** The ordered steps of a run, compiled before it starts. */
export interface Plan {
  readonly secret: string;
  readonly runbook: string;
  /** Eight hexadecimal characters over everything that decides what the run does. */
  readonly hash: string;
  readonly steps: readonly PlanStep[];
  /** Vendor calls when nothing goes wrong. */
  readonly calls: Calls;
  readonly snapshot: Snapshot;
}

/** Compiles the plan of a runbook over a snapshot. Pure: the same snapshot gives the same hash. */
export function compile(runbook: Runbook, snapshot: Snapshot): Plan {
  const steps = runbook.entries(snapshot).flatMap((entry) => entry.waves.flat());
  const lines = steps.map((step) => lineOf(step, snapshot));
  return {
    secret: snapshot.secret,
    runbook: runbook.name,
    hash: hashOf({ runbook: runbook.name, snapshot, lines }),
    steps: lines,
    calls: steps.reduce<Calls>((sum, step) => add(sum, step.costs?.(snapshot) ?? {}), snapshot.signIns),
    snapshot,
  };
}

function lineOf(step: Step, snapshot: Snapshot): PlanStep {
  return {
    id: step.id,
    says: step.says(snapshot),
    actor: step.by === "api" ? "lockstep" : "operator",
    effect: step.effect,
    target: step.target?.(snapshot) ?? "",
    grade: step.grade ?? null,
    undoes: undoText(step.undoes),
    pointOfNoReturn: step.undoes === "impossible",
    conditional: step.conditional ?? [],
  };
}

function undoText(undo: Undo): string | null {
  if (undo === "nothing") return null;
  return undo === "impossible" ? "no way back" : undo.says;
}

/** The sum of calls, vendor by vendor. */
export function add(a: Calls, b: Calls): Calls {
  const sum: Record<string, number> = { ...a };
  for (const [vendor, n] of Object.entries(b)) sum[vendor] = (sum[vendor] ?? 0) + n;
  return sum;
}

function hashOf(content: unknown): string {
  return createHash("sha256").update(canonical(content)).digest("hex").slice(0, 8);
}

/** JSON with sorted keys: the order in which a configuration was typed does not matter, nor what is absent or undefined. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "null";
  const entries = Object.entries(value).filter(([, v]) => v !== undefined);
  return `{${entries
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([k, v]) => `${JSON.stringify(k)}:${canonical(v)}`)
    .join(",")}}`;
}

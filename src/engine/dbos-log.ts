import type { DLogger } from "@dbos-inc/dbos-sdk";
import type { Log } from "./executions.ts";

/** What DBOS may say, in our words. Its own text holds the messages of errors, and those can hold anything. */
const SAYINGS: readonly (readonly [RegExp, string])[] = [
  [/^Database connection failed/, "the database does not answer; the engine waits for it"],
  [/^Contention detected|^Increasing polling interval/, "the queue is contended; it is asked less often"],
  [/^Error getting startable workflows/, "the queue could not be asked"],
  [/^Could not execute workflow/, "a run could not be begun; it goes back to the queue"],
  [/^Failed to deserialize inputs/, "the input of a run could not be read"],
];

/** Routine, or said by us in better words. */
const EXPECTED =
  /^Shutting down while|no longer owned by this execution|is not the latest version|Waiting for the recorded outcome/;

/** A logger for DBOS that prints nothing and lets no text of others through; what repeats is said once a minute. */
export function quietLogger(log: Log): DLogger {
  const said = new Map<string, number>();
  const say = (level: "warn" | "error", entry: unknown): void => {
    const text = typeof entry === "string" ? entry : "";
    if (EXPECTED.test(text)) return;
    const msg = SAYINGS.find(([pattern]) => pattern.test(text))?.[1] ?? `the durable engine reports a fault`;
    if (performance.now() - (said.get(msg) ?? Number.NEGATIVE_INFINITY) < 60_000) return;
    said.set(msg, performance.now());
    log({ level, msg });
  };
  return {
    info: () => {},
    debug: () => {},
    warn: (entry) => say("warn", entry),
    error: (entry) => say("error", entry),
  };
}

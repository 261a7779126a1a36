import type { Ended, Result } from "./operation.ts";

/** What a result says: the thing claimed is so, it is not so, or it is left open. */
export type Verdict = "yes" | "no" | "open";

const VERDICTS: Readonly<Record<Result["is"], Verdict>> = {
  done: "yes",
  proved: "yes",
  alive: "yes",
  refused: "no",
  refuted: "no",
  dead: "no",
  retryable: "open",
  unknown: "open",
};

/** The verdict of an operation; undefined where it threw or has not ended. */
export function verdictOf({ result }: Ended): Verdict | undefined {
  return result && VERDICTS[result.is];
}

/** How it ended, in words without a text of the adapter. */
export function shown({ result, threw, endless }: Ended): string {
  if (endless) return "no end of it";
  if (result === undefined) return `a thrown ${threw}`;
  const code = "trouble" in result ? ` (${result.trouble.code})` : "";
  return `${result.is}${code}`;
}

/** The answer without what differs from one look to the next. */
export function answerOf({ result }: Ended): string {
  return JSON.stringify(result, (name, value: unknown) =>
    name === "at" || name === "says" ? undefined : value,
  );
}

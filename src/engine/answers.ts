import { LockstepError, type Trouble, troubleOf } from "../core/errors.ts";
import type { Key } from "../core/journal.ts";

/**
 * What a body came to. A throw is recorded as trouble and thrown again on every replay, the same each time; recorded by DBOS
 * it would come back as a plain Error without its code, and with a foreign message.
 */
export type Answer = { readonly value?: unknown } | { readonly trouble: Trouble };

/** Runs the body; plain data either way. */
export async function attempt(body: () => Promise<unknown>): Promise<Answer> {
  try {
    return { value: await body() };
  } catch (thrown) {
    return { trouble: troubleOf(thrown) };
  }
}

/** The value of an answer; throws its trouble. */
export function replyOf(answer: Answer): unknown {
  if ("trouble" in answer) throw new LockstepError(answer.trouble);
  return answer.value;
}

/** What an entry's sealed box is called; each kind has its own, so that none passes for another. */
export const boxName = {
  input: "input",
  result: "result",
  entry: (key: Key): string => `entry/${key}`,
  message: (key: Key): string => `message/${key}`,
} as const;

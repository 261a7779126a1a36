import { createInterface } from "node:readline/promises";
import { LockstepError } from "../core/errors.ts";

/** Asks on the terminal and answers with the trimmed line. ^C and the end of input decline. */
export async function ask(question: string): Promise<string> {
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  const declined = new AbortController();
  lines.once("SIGINT", () => declined.abort());
  lines.once("close", () => declined.abort());
  try {
    return (await lines.question(question, { signal: declined.signal })).trim();
  } catch (cause) {
    process.stderr.write("\n");
    throw new LockstepError(
      {
        code: "DECLINED",
        message: "Not started",
        because: "the question was not answered",
        next: "lockstep status    shows that nothing was started",
      },
      { cause },
    );
  } finally {
    lines.close();
  }
}

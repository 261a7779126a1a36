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
        message: "The question was not answered",
        because: "without an answer nothing is started, decided or sent",
        next: "lockstep status    shows how things stand",
      },
      { cause },
    );
  } finally {
    lines.close();
  }
}

import { closeSync, openSync } from "node:fs";
import { ReadStream, WriteStream } from "node:tty";
import { LockstepError } from "../core/errors.ts";

const ENTER = new Set([0x0a, 0x0d]);
const INTERRUPT = 0x03;
const END_OF_INPUT = 0x04;
const ERASE_LINE = 0x15;
const ERASE = new Set([0x08, 0x7f]);

/**
 * Reads a value from the terminal itself, without echo and without showing its length; stdin stays free for data. Throws
 * DECLINED on ^C, and CONFIRMATION_NEEDED where there is no terminal.
 */
export async function readSecret(prompt: string, flag: string): Promise<string> {
  const fd = openTerminal(flag);
  const input = new ReadStream(fd);
  const output = new WriteStream(fd);
  const typed: number[] = [];
  output.write(`${prompt}: `);
  input.setRawMode(true);
  try {
    for await (const chunk of input as AsyncIterable<Buffer>) {
      const end = take(chunk, typed);
      chunk.fill(0);
      if (end) break;
    }
    const bytes = Buffer.from(typed);
    const text = bytes.toString("utf8").trim();
    bytes.fill(0);
    output.write("taken\n");
    return text;
  } catch (thrown) {
    output.write("\n");
    throw thrown;
  } finally {
    typed.fill(0);
    input.setRawMode(false);
    input.destroy();
    output.destroy();
    try {
      closeSync(fd);
    } catch {
      // The streams have closed it.
    }
  }
}

/** Whether the line is complete. */
function take(chunk: Buffer, typed: number[]): boolean {
  for (const byte of chunk) {
    if (byte === INTERRUPT || (byte === END_OF_INPUT && typed.length === 0)) throw declined();
    if (ENTER.has(byte) || byte === END_OF_INPUT) return true;
    if (byte === ERASE_LINE) typed.fill(0).length = 0;
    else if (ERASE.has(byte)) typed.pop();
    else typed.push(byte);
  }
  return false;
}

function openTerminal(flag: string): number {
  try {
    return openSync("/dev/tty", "r+");
  } catch (cause) {
    throw new LockstepError(
      {
        code: "CONFIRMATION_NEEDED",
        message: "A value is to be typed, and there is no terminal to type it on",
        because: "a value never stands on a command line or in a variable",
        next: flag,
      },
      { cause },
    );
  }
}

function declined(): LockstepError {
  return new LockstepError({
    code: "DECLINED",
    message: "Nothing was taken",
    because: "the input was interrupted",
    next: "lockstep status    shows what still waits for you",
  });
}

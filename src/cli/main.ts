import { CommanderError } from "commander";
import { type Trouble, troubleOf } from "../core/errors.ts";
import { withoutValues } from "../core/secret-value.ts";
import {
  EXIT,
  exitOf,
  flagsIn,
  type Io,
  ioOf,
  isCommand,
  jsonText,
  print,
  type Result,
  troubleText,
  withFlags,
} from "./io.ts";
import { commandFor } from "./program.ts";

/** Options that every command takes. */
export interface Common {
  readonly json: boolean;
  readonly sandbox: boolean;
  readonly config?: string;
}

/**
 * The command line. Each command's code is loaded when it is called: neither zod, nor the database, nor the engine is
 * needed for `--help`.
 */
export async function main(argv: readonly string[]): Promise<void> {
  // Node would open its inspector, which shows the memory to whoever may connect.
  process.on("SIGUSR1", () => {});
  outliveReaders();
  const io = ioOf(argv.includes("--json"), process.env, flagsIn(argv));
  try {
    await commandFor(io, argv, finish).parseAsync([...argv], { from: "user" });
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return;
    fail(io, thrown instanceof CommanderError ? usage(thrown, argv) : troubleOf(thrown));
  }
}

/** Whoever reads may leave (`| head -1`): what is under way goes on, and ends as it would have. */
function outliveReaders(): void {
  process.stderr.on("error", () => {});
  process.stdout.on("error", ({ code }: NodeJS.ErrnoException) => {
    // A full disk, say: the result is not where it was wanted.
    if (code !== "EPIPE") process.exitCode = EXIT.failed;
  });
}

async function finish(io: Io, run: () => Promise<Result>): Promise<void> {
  try {
    const result = await run();
    io.row("");
    print(io, result);
    process.exitCode = result.exit;
  } catch (thrown) {
    fail(io, troubleOf(thrown), thrown);
  }
}

function fail(io: Io, trouble: Trouble, thrown?: unknown): void {
  io.row("");
  const { code, message, because, next } = trouble;
  const text = io.json
    ? jsonText({ error: { code, message, because, next } }, io.flags)
    : withoutValues(withFlags(troubleText(trouble), io.flags));
  const stream = io.json ? process.stdout : process.stderr;
  stream.write(`${text}\n`);
  // The stack names our own files only; the message of a foreign error may hold anything and stays out.
  if (code === "INTERNAL" && process.env["LOCKSTEP_DEBUG"] && thrown instanceof Error) {
    process.stderr.write(`${framesOf(thrown)}\n`);
  }
  process.exitCode = exitOf(trouble);
}

/** The lines of a stack that name places in code. A message can have many lines, and some that look like such a line. */
function framesOf({ stack = "", message }: Error): string {
  const end = stack.indexOf(message);
  const behind = end < 0 ? "" : stack.slice(end + message.length);
  return behind
    .split("\n")
    .filter((line) => /^ +at /.test(line))
    .join("\n");
}

function usage(error: CommanderError, [called = ""]: readonly string[]): Trouble {
  return {
    code: "USAGE",
    message: error.message.replace(/^error: /, "").replace(/\(outputHelp\)/, "no command was given"),
    because: called.startsWith("--")
      ? "options stand behind the command; nothing was started"
      : "this is not how a command is called; nothing was started",
    next: isCommand(called) ? `lockstep ${called} --help` : "lockstep --help",
  };
}

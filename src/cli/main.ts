import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { type Trouble, troubleOf } from "../core/errors.ts";
import { REASONS } from "../core/record.ts";
import { withoutValues } from "../core/secret-value.ts";
import { exitOf, type Io, ioOf, print, type Result, troubleText } from "./io.ts";

/** Options that every command takes. */
export interface Common {
  readonly json: boolean;
  readonly sandbox: boolean;
  readonly config?: string;
}

type Run<Options> = (io: Io, options: Options & Common, argument: string) => Promise<Result>;

/**
 * The command line. Each command's code is loaded when it is called: neither zod, nor the database, nor the engine is
 * needed for `--help`.
 */
export async function main(argv: readonly string[]): Promise<void> {
  const io = ioOf(argv.includes("--json"), process.env);
  try {
    const program = commands(io);
    await program.parseAsync([...argv], { from: "user" });
  } catch (thrown) {
    if (thrown instanceof CommanderError && thrown.exitCode === 0) return;
    fail(io, thrown instanceof CommanderError ? usage(thrown) : troubleOf(thrown));
  }
}

type Add = <Options>(name: string, description: string, load: () => Promise<Run<Options>>) => Command;

function commands(io: Io): Command {
  const program = new Command("lockstep")
    .description(
      "Rotates credentials that live in more than one place, keeps every copy in lockstep with the vault, and proves it.",
    )
    .exitOverride()
    .configureOutput({ writeErr: () => {}, writeOut: (text) => process.stdout.write(text) })
    .helpCommand(false);
  const add: Add = (name, description, load) =>
    program
      .command(name)
      .description(description)
      .exitOverride()
      .option("--json", "one JSON document on stdout", false)
      .option("--sandbox", "use simulated vendors instead of the real ones", false)
      .option("--config <file>", "another lockstep.config.ts")
      .action(async (...args: unknown[]) => {
        const options = args.at(-2) as Parameters<Awaited<ReturnType<typeof load>>>[1];
        const argument = typeof args[0] === "string" ? args[0] : "";
        await finish(io, async () => (await load())(io, options, argument));
      });
  addRotation(add);
  addRecord(add);
  addUpkeep(add);
  return program;
}

/** What changes a secret, or shows what would. */
function addRotation(add: Add): void {
  add(
    "plan <secret>",
    "what a rotation would do, step by step",
    async () => (await import("./commands/plan.ts")).plan,
  ).addOption(reason());
  add(
    "test <secret>",
    "read only: the key works, is identified, and may be rotated",
    async () => (await import("./commands/rotate.ts")).testFlow,
  );
  add(
    "rotate <secret>",
    "rotate now, or go on with the run that is there",
    async () => (await import("./commands/rotate.ts")).rotate,
  )
    .addOption(reason())
    .option("--plan <hash>", "run exactly the plan of this hash")
    .option("--yes", "do not ask", false)
    .option("--confirm <secret>", "answer the question for production in advance");
  add(
    "cancel <run>",
    "stop a run and undo what it did, while that is possible",
    async () => (await import("./commands/cancel.ts")).cancel,
  );
}

/** What only reads the record. */
function addRecord(add: Add): void {
  add(
    "status",
    "all secrets: last rotated, next due, what is going on",
    async () => (await import("./commands/status.ts")).status,
  );
  add("runs", "the runs, newest first", async () => (await import("./commands/runs.ts")).runs)
    .option("--secret <secret>", "of one secret")
    .option("--limit <n>", "how many", count, 20);
  add(
    "show <run>",
    "one run: how it stands, what is safe, what comes next",
    async () => (await import("./commands/show.ts")).show,
  );
  add(
    "audit [run]",
    "the audit log, or the rotation log",
    async () => (await import("./commands/audit.ts")).audit,
  )
    .option("--secret <secret>", "of one secret")
    .option("--log", "the rotation log as Markdown", false)
    .option("--limit <n>", "how many entries", count, 100);
}

/** The installation itself. */
function addUpkeep(add: Add): void {
  add("init", "write a first lockstep.config.ts", async () => (await import("./commands/init.ts")).init);
  add(
    "doctor",
    "check this machine, the configuration, and every connection",
    async () => (await import("./commands/doctor.ts")).doctor,
  );
  add("worker", "carry out runs until stopped", async () => (await import("./commands/worker.ts")).worker);
  add(
    "sandbox",
    "run simulated vendors until stopped",
    async () => (await import("./commands/sandbox.ts")).sandbox,
  );
  add("keys [action]", "the key ring: list, rotate", async () => (await import("./commands/keys.ts")).keys);
}

function reason(): Option {
  return new Option("--reason <reason>", "why").choices(REASONS).default("scheduled");
}

function count(text: string): number {
  const n = Number(text);
  if (!Number.isInteger(n) || n < 1) throw new InvalidArgumentError("a whole number from 1");
  return n;
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
  if (io.json)
    process.stdout.write(
      `${withoutValues(JSON.stringify({ error: { code, message, because, next } }, null, 2))}\n`,
    );
  else process.stderr.write(`${withoutValues(troubleText(trouble))}\n`);
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

function usage(error: CommanderError): Trouble {
  return {
    code: "USAGE",
    message: error.message.replace(/^error: /, "").replace(/\(outputHelp\)/, "no command was given"),
    because: "this is not how a command is called; nothing was started",
    next: "lockstep --help",
  };
}

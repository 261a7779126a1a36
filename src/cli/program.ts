import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { Command, Help, InvalidArgumentError, Option } from "commander";
import { REASONS } from "../core/record.ts";
import { type Io, ioOf, type Result } from "./io.ts";
import type { Common } from "./main.ts";

type Run<Options> = (io: Io, options: Options & Common, argument: string, second: string) => Promise<Result>;

/** Runs a command to its result or its error, and prints either. */
type Finish = (io: Io, run: () => Promise<Result>) => Promise<void>;

/** What `lockstep --help` prints, in 80 columns whatever the terminal has; `npm run docs` writes it to bin/help.txt. */
export function helpText(): string {
  return commands(ioOf(false, {}), async () => {})
    .configureHelp({ helpWidth: 80 })
    .helpInformation();
}

type Add = <Options>(
  name: string,
  description: string,
  load: () => Promise<Run<Options>>,
  shape?: (command: Command) => void,
) => void;

/** The program with the called command alone, where there is one of that name; else with all. */
export function commandFor(io: Io, [called]: readonly string[], finish: Finish): Command {
  const one = commands(io, finish, called);
  return one.commands.length > 0 ? one : commands(io, finish);
}

/** Of the package above a folder: of a clone's sources, or of what the compiler made of them. */
function versionOf(dir: string): string {
  const file = path.join(dir, "package.json");
  if (!existsSync(file)) return versionOf(path.dirname(dir));
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}

function commands(io: Io, finish: Finish, only?: string): Command {
  const program = new Command("lockstep")
    .description(
      "Rotates credentials that live in more than one place, keeps every copy in lockstep with the vault, and proves it.",
    )
    .version(versionOf(import.meta.dirname), "--version", "print the version")
    .exitOverride()
    .configureOutput({ writeErr: () => {}, writeOut: (text) => process.stdout.write(text) })
    .helpCommand(false)
    .configureHelp({ optionDescription: describedOption });
  const add: Add = (name, description, load, shape) => {
    if (only !== undefined && name.split(" ")[0] !== only) return;
    const command = program
      .command(name)
      .description(description)
      .exitOverride()
      .option("--json", "one JSON document on stdout", false)
      .option("--sandbox", "use simulated vendors instead of the real ones", false)
      .option("--config <file>", "another lockstep.config.ts")
      .action(async (...args: unknown[]) => {
        const options = args.at(-2) as Parameters<Awaited<ReturnType<typeof load>>>[1];
        const [first = "", second = ""] = args
          .slice(0, -2)
          .map((one) => (typeof one === "string" ? one : ""));
        await finish(io, async () => (await load())(io, options, first, second));
      });
    shape?.(command);
  };
  addRotation(add);
  addPeople(add);
  addStops(add);
  addRecord(add);
  addLooks(add);
  addUpkeep(add);
  return program;
}

/** What changes a secret, or shows what would. */
function addRotation(add: Add): void {
  add(
    "plan <secret>",
    "what a rotation would do, step by step",
    async () => (await import("./commands/plan.ts")).plan,
    (command) => command.addOption(reason()).addOption(supplied()),
  );
  add(
    "test <secret>",
    "read only: the key works, is identified, and may be rotated",
    async () => (await import("./commands/rotate.ts")).testFlow,
  );
  add(
    "rotate <secret>",
    "rotate now, or go on with the run that is there",
    async () => (await import("./commands/rotate.ts")).rotate,
    (command) =>
      command
        .addOption(reason())
        .option("--plan <hash>", "run exactly the plan of this hash")
        .option("--yes", "do not ask", false)
        .option("--confirm <secret>", "answer the question for production in advance")
        .addOption(supplied())
        .option("--take-over", "take the vault's entry over from another installation", false)
        .addOption(because()),
  );
  add(
    "revoke <secret>",
    "end one credential now, without making another",
    async () => (await import("./commands/revoke.ts")).revoke,
    (command) =>
      command
        .option("--id <id>", "the credential's id, or 8 or more characters of its beginning")
        .option("--break-glass", "end the current key although copies hold it", false)
        .addOption(because())
        .option("--yes", "do not ask", false)
        .option("--confirm <text>", "answer the question in advance"),
  );
  add(
    "adopt <secret>",
    "record the key that the vault holds now, and import what happened before",
    async () => (await import("./commands/adopt.ts")).adopt,
    (command) =>
      command
        .option("--log <file>", "a rotation log as a Markdown table")
        .option("--yes", "do not ask", false),
  );
}

/** What a person decides and does in a run. */
function addPeople(add: Add): void {
  add(
    "answer <run>",
    "the task that a run waits for: what is to be done, and that it is done",
    async () => (await import("./commands/answer.ts")).answer,
    (command) =>
      command
        .option("--done", "it is done", false)
        .option("--decline", "it will not be done", false)
        .option("--typed <text>", "the text that is to be typed")
        .option("--stdin", "read the value from stdin, one field a line", false)
        .option("--pipe", "hand the value to the command that the task names", false)
        .option("--reveal", "show the value on this terminal, once", false)
        .option("--take", "take the task over from another person", false)
        .addOption(because()),
  );
  add(
    "resolve <run>",
    "decide on a held run; without a choice: what can be decided",
    async () => (await import("./commands/resolve.ts")).resolve,
    (command) =>
      command
        .option("--retry", "try the open step again", false)
        .option("--settle", "it was done by hand: look, and send nothing", false)
        .option("--break-glass", "end the old key at once", false)
        .option("--confirm <secret>", "answer the question in advance")
        .addOption(because()),
  );
  add(
    "rollback <run>",
    "put the old value back everywhere and end the new key",
    async () => (await import("./commands/resolve.ts")).rollback,
    (command) =>
      command
        .option("--yes", "do not ask", false)
        .option("--confirm <secret>", "answer the question in advance")
        .addOption(because()),
  );
  add(
    "cancel <run>",
    "stop a run and undo what it did, while that is possible",
    async () => (await import("./commands/cancel.ts")).cancel,
  );
  add(
    "dismiss <finding>",
    "close a finding that only a person can call right",
    async () => (await import("./commands/dismiss.ts")).dismiss,
    (command) => command.addOption(because()),
  );
}

/** What stops things, or lets them go on. */
function addStops(add: Add): void {
  add(
    "interlock <action> [name]",
    "status, close or open: a switch that holds things back",
    async () => (await import("./commands/interlock.ts")).interlock,
    (command) =>
      command
        .addOption(because())
        .option("--yes", "do not ask", false)
        .option("--confirm <name>", "answer the question in advance, by the interlock's name"),
  );
  add(
    "freeze",
    "let no new effect begin, in any run",
    async () => (await import("./commands/freeze.ts")).freeze,
    (command) =>
      command
        .option("--all", "every run of this installation", false)
        .option("--lift", "let them begin again", false)
        .addOption(because()),
  );
}

/** What only reads the record. */
function addRecord(add: Add): void {
  add(
    "status",
    "all secrets: last rotated, next due, what is going on",
    async () => (await import("./commands/status.ts")).status,
  );
  add(
    "runs",
    "the runs, newest first",
    async () => (await import("./commands/runs.ts")).runs,
    (command) =>
      command.option("--secret <secret>", "of one secret").option("--limit <n>", "how many", count, 20),
  );
  add(
    "show <run>",
    "one run: how it stands, what is safe, what comes next",
    async () => (await import("./commands/show.ts")).show,
  );
  add(
    "audit [run]",
    "the audit log, or the rotation log",
    async () => (await import("./commands/audit.ts")).audit,
    (command) =>
      command
        .option("--secret <secret>", "of one secret")
        .option("--log", "the rotation log as Markdown", false)
        .option("--limit <n>", "how many entries", count, 100),
  );
}

/** What only looks. */
function addLooks(add: Add): void {
  add(
    "verify <secret>",
    "look at all copies and consumers again",
    async () => (await import("./commands/verify.ts")).verify,
  );
  add(
    "impact <secret>",
    "what would break if the secret died now",
    async () => (await import("./commands/impact.ts")).impact,
  );
}

/** The installation itself. */
function addUpkeep(add: Add): void {
  add(
    "init",
    "write a first lockstep.config.ts; with --sandbox one to try",
    async () => (await import("./commands/init.ts")).init,
  );
  add(
    "doctor",
    "check this machine, the configuration, every vault entry, Slack and mail",
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

/** What is off where nothing is said needs no word. */
function describedOption(option: Option): string {
  return option.defaultValue === false ? option.description : new Help().optionDescription(option);
}

function reason(): Option {
  return new Option("--reason <reason>", "why").choices(REASONS).default("scheduled");
}

function supplied(): Option {
  return new Option("--supplied", "a person creates the new key and pastes it").default(false);
}

function because(): Option {
  return new Option("--because <text>", "why, for the record").argParser(words);
}

function words(text: string): string {
  if (text.trim() === "") throw new InvalidArgumentError("a few words");
  return text;
}

function count(text: string): number {
  const n = Number(text);
  if (!Number.isInteger(n) || n < 1) throw new InvalidArgumentError("a whole number from 1");
  return n;
}

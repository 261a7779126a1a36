import type { Trouble } from "../core/errors.ts";
import { holdsValue, withoutValues } from "../core/secret-value.ts";
import { shellWord } from "../core/shell.ts";

/** What the person or program at the other end can see. */
export interface Io {
  readonly json: boolean;
  /** Whether stderr is a terminal on which a row may be redrawn. */
  readonly live: boolean;
  /** Whether a question can be asked. */
  readonly canAsk: boolean;
  /** What a command that is named for the next step needs besides to act on the same installation: `--sandbox`, `--config`. */
  readonly flags: string;
  /** Progress and remarks: stderr, so that stdout holds the result alone. */
  note(line: string): void;
  /** Redraws the row below the last note; an empty text removes it. */
  row(text: string): void;
}

/** What a command leaves: its exit code, and its result for programs and for people. */
export interface Result {
  readonly exit: number;
  readonly json: unknown;
  readonly text: string;
}

/** Exit codes (design 7): 0 done, 1 failed, 2 usage or configuration, 3 findings, 4 waits for a person, 5 held, 130 declined or interrupted. */
export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  findings: 3,
  waits: 4,
  held: 5,
  interrupted: 130,
} as const;

const USAGE = new Set([
  "USAGE",
  "CONFIG_INVALID",
  "CONFIG_NOT_FOUND",
  "SECRET_UNKNOWN",
  "RUN_UNKNOWN",
  "INTERLOCK_UNKNOWN",
  "CONFIRMATION_NEEDED",
]);

/** The exit code that belongs to a trouble. */
export function exitOf(trouble: Trouble): number {
  if (trouble.code === "DECLINED") return EXIT.interrupted;
  return USAGE.has(trouble.code) ? EXIT.usage : EXIT.failed;
}

/** Looks at the process once: terminals, CI, and a TERM on which nothing can be redrawn. */
export function ioOf(json: boolean, env: NodeJS.ProcessEnv, flags = ""): Io {
  const live = process.stderr.isTTY === true && !json && env["CI"] === undefined && env["TERM"] !== "dumb";
  let drawn = false;
  const clear = () => {
    if (drawn) process.stderr.write("\r\u001b[2K");
    drawn = false;
  };
  return {
    json,
    live,
    canAsk: process.stdin.isTTY === true && process.stderr.isTTY === true && env["CI"] === undefined,
    flags,
    note: (line) => {
      clear();
      process.stderr.write(`${readable(withoutValues(withFlags(line, flags)))}\n`);
    },
    row: (line) => {
      if (!live) return;
      clear();
      const text = readable(withoutValues(line));
      const width = (process.stderr.columns ?? 80) - 1;
      if (text) process.stderr.write(text.length > width ? `${text.slice(0, width - 1)}…` : text);
      drawn = text !== "";
    },
  };
}

/** Prints a result; the only place that writes to stdout. */
export function print(io: Io, result: Result): void {
  const text = io.json
    ? jsonText(result.json, io.flags)
    : readable(withoutValues(withFlags(result.text, io.flags)));
  if (text !== "") process.stdout.write(`${text}\n`);
}

/** One JSON document, its commands with the flags. Each text by itself: in the finished document quotes stand otherwise. */
export function jsonText(document: unknown, flags: string): string {
  const flagged = (part: unknown) => (typeof part === "string" ? withFlags(part, flags) : part);
  const json = JSON.stringify(document, (_name, part: unknown) => flagged(part), 2);
  if (!holdsValue(json)) return json;
  const told = (part: unknown) => (typeof part === "string" ? withoutValues(part) : part);
  return withoutValues(JSON.stringify(document, (_name, part: unknown) => told(flagged(part)), 2));
}

/** A trouble as people read it. The left rule keeps a pasted error whole. */
export function troubleText(trouble: Trouble): string {
  const [first = "", ...found] = trouble.message.split("\n");
  return readable(
    [
      `error ${trouble.code}  ${first}`,
      ...found.map((line) => `│ found    ${line}`),
      `│ because  ${trouble.because}`,
      `│ next     ${trouble.next}`,
    ].join("\n"),
  );
}

const COMMANDS: readonly string[] = [
  ...[
    "plan",
    "test",
    "rotate",
    "revoke",
    "adopt",
    "answer",
    "resolve",
    "rollback",
    "cancel",
    "dismiss",
    "freeze",
    "interlock",
  ],
  ...["status", "runs", "show", "audit", "verify", "impact", "init", "doctor", "worker", "sandbox", "keys"],
];

/** Whether this is a command of this program. */
export function isCommand(name: string): boolean {
  return COMMANDS.includes(name);
}

const CALLED = new RegExp(`\\blockstep (${COMMANDS.join("|")})(?![\\w-])`, "g");

/** Names commands so that they act on the installation that this one acted on: whoever copies one must not end up elsewhere. */
export function withFlags(text: string, flags: string): string {
  return flags === "" ? text : text.replace(CALLED, (called) => `${called} ${flags}`);
}

/** The flags of a call that say which installation is meant, as they can be typed again. */
export function flagsIn(argv: readonly string[]): string {
  const at = argv.findIndex((word) => word === "--config" || word.startsWith("--config="));
  const file = argv[at]?.slice("--config=".length) || argv[at + 1];
  return [
    ...(argv.includes("--sandbox") ? ["--sandbox"] : []),
    ...(at >= 0 && file !== undefined ? [`--config ${shellWord(file)}`] : []),
  ].join(" ");
}

/** Vendor text may hold anything; control characters would let it write over what we say. */
function readable(text: string): string {
  return text.replace(/(?!\n)\p{Cc}/gu, "");
}

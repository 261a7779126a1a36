import { expect, it } from "vitest";
import { ioOf } from "../../src/cli/io.ts";
import { commandFor } from "../../src/cli/program.ts";
import { type Said, textsUnder } from "./texts.ts";

/** Where no command of Lockstep helps, and why. */
const NO_COMMAND: Readonly<Record<string, string>> = {
  "report this as a fault of Lockstep": "only a change of the program helps",
  "npm install lockstep@latest": "this program is older than the one that wrote what it finds",
};

const program = commandFor(ioOf(false, {}), [], async () => {});

it("[X-15] every next begins with a command that exists, with options that it has", () => {
  // The choices of a held run and of a task hold theirs under another name.
  const choices = textsUnder("command").filter(({ at }) => at.startsWith("src/cli/run-text.ts"));
  expect(choices.length).toBeGreaterThan(5);
  const said = [...textsUnder("next"), ...choices];
  expect(said.length).toBeGreaterThan(150);
  const wrong = said.flatMap((one) => (one.text in NO_COMMAND ? [] : objectionTo(one)));
  expect(wrong).toEqual([]);
  const used = new Set(said.map(({ text }) => text));
  expect(Object.keys(NO_COMMAND).filter((text) => !used.has(text))).toEqual([]);
});

/** A remark stands four spaces behind the command; before it stands nothing but the command. */
function objectionTo({ text, at }: Said): string[] {
  const [typed = "", ...remarks] = text.split("    ");
  const says = (what: string) => [`${at}: ${what}: ${text}`];
  if (remarks.length > 1 || typed !== typed.trim()) return says("has spaces that mean nothing");
  const [lockstep, name, ...words] = typed.match(/"[^"]*"|(?:<[^>]*>|[^\s"<])+/g) ?? [];
  const help = name === "--help" || words.join(" ") === "--help";
  const command = program.commands.find((one) => one.name() === name);
  if (lockstep !== "lockstep" || !(command || help)) return says("does not begin with a command");
  if (!command || help) return [];
  const flags = words.filter((one) => one.startsWith("--"));
  const strange = flags.find((flag) => !command.options.some(({ long }) => long === flag));
  if (strange !== undefined) return says(`${name} has no option ${strange}`);
  const taken = flags.filter((flag) => command.options.find(({ long }) => long === flag)?.required).length;
  const given = words.length - flags.length - taken;
  // What is filled in may be an option.
  const open = words.filter((one) => one === "<x>").length;
  const takes = command.registeredArguments;
  const fits = given >= takes.filter(({ required }) => required).length && given - open <= takes.length;
  return fits ? [] : says(`${name} does not take ${given} words`);
}

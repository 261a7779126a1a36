import { expect, it } from "vitest";
import { blocks, commandLines, hanging, table, tableLines } from "./layout.ts";

const long = "word ".repeat(40).trim();
const widest = (text: string) => Math.max(...text.split("\n").map((line) => line.length));

it("the last cell of a row is broken between words, and goes on below itself", () => {
  const text = table([
    ["a", "step", long],
    ["bb", "", "short"],
  ]);
  expect(widest(text)).toBeLessThanOrEqual(80);
  expect(text.split("\n")[1]).toMatch(/^ {10}word/);
  expect(text.split("\n").at(-1)).toBe("bb        short");
  expect(tableLines([["a", long]])).toEqual([`a  ${long}`]);
});

it("a word that is too long stays whole, and a figure keeps its unit", () => {
  const id = "x".repeat(90);
  expect(hanging(`${id} and more`, 2).split("\n")).toEqual([id, "  and more"]);
  expect(hanging(`${"x".repeat(78)}  2 s`, 0)).toMatch(/\n2 s$/);
});

it("where columns leave no room, the text has some all the same", () => {
  expect(table([["x".repeat(85), "some words of text"]])).toBe(`${"x".repeat(85)}  some words of text`);
});

it("what is said of a thing stands below it, and a command is never broken", () => {
  expect(blocks([["  thing", "short", long], ["  other"]]).split("\n")).toEqual([
    "  thing",
    "    short",
    expect.stringMatching(/^ {4}word/),
    expect.stringMatching(/^ {4}word/),
    expect.stringMatching(/^ {4}word/),
    "  other",
  ]);
  const command = `lockstep resolve ${"x".repeat(80)} --retry`;
  expect(commandLines("  next  ", `${command}    tries it again`)).toEqual([
    `  next  ${command}`,
    "        tries it again",
  ]);
});

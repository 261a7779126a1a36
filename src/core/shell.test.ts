import { execFileSync } from "node:child_process";
import fc from "fast-check";
import { expect, it } from "vitest";
import { shellWord } from "./shell.ts";

const taken = (line: string) => execFileSync("/bin/sh", ["-c", `printf %s ${line}`], { encoding: "utf8" });

it("a shell takes back what was meant, whatever somebody wrote", () => {
  const texts = [
    "",
    "why",
    "don't",
    "$HOME `id` $(id)",
    'a "word"',
    "a\\b\n!c",
    "~",
    "*",
    "-n",
    "a;b",
    "ü 🙂",
  ];
  for (const text of texts) expect(taken(shellWord(text))).toBe(text);
  const words = fc.string({ unit: "binary" }).filter((text) => !text.includes("\0") && text.isWellFormed());
  fc.assert(
    fc.property(words, (text) => taken(shellWord(text)) === text),
    { numRuns: 50 },
  );
});

it("leaves alone what needs no quotes", () => {
  expect(["heroku-api-key.rotate.1", "a/b.md", "2667,1"].map(shellWord)).toEqual([
    "heroku-api-key.rotate.1",
    "a/b.md",
    "2667,1",
  ]);
});

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { helpText } from "./program.ts";

const COMMAND = fileURLToPath(new URL("../../bin/lockstep.js", import.meta.url));
const FILE = new URL("../../bin/help.txt", import.meta.url);
const call = (...args: string[]) => spawnSync(process.execPath, [COMMAND, ...args], { encoding: "utf8" });

describe("lockstep --help", () => {
  it("is written down as the program has it; `npm run docs` writes it", () => {
    expect(readFileSync(FILE, "utf8")).toBe(helpText());
  });

  it.each(["--help", "-h", "--help --json"])("%s prints it, and nothing else", (args) => {
    expect(call(...args.split(" "))).toMatchObject({ status: 0, stdout: helpText(), stderr: "" });
  });
});

describe("the help of a command", () => {
  const names = [...helpText().matchAll(/^ {2}([a-z]+) \[options\]/gm)].map(([, name = ""]) => name);

  it("is found for all of them", () => {
    expect(names).toContain("rotate");
    expect(names.length).toBeGreaterThan(10);
  });

  it("comes from the program, with that command's own options", () => {
    const { status, stdout } = call("rotate", "--help");
    expect(status).toBe(0);
    expect(stdout).toContain("Usage: lockstep rotate [options] <secret>");
    for (const option of ["--json", "--reason", "--plan <hash>", "--confirm <secret>"])
      expect(stdout).toContain(option);
  });

  it("an unknown command still hears which one was meant", () => {
    expect(call("rotat", "x").stderr).toContain("Did you mean rotate?");
  });
});

import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
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

it("lockstep --version prints the package's", () => {
  const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  expect(call("--version")).toMatchObject({ status: 0, stdout: `${version}\n`, stderr: "" });
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
    expect(stdout).toContain('default: "scheduled"');
    expect(stdout).not.toContain("default: false");
  });

  it("an unknown command still hears which one was meant", () => {
    expect(call("rotat", "x").stderr).toContain("Did you mean rotate?");
  });
});

it("an option before the command hears where it belongs", () => {
  expect(call("--sandbox", "status").stderr).toContain("options stand behind the command");
});

describe("the command", () => {
  it.each([
    ["a package: what the compiler made", ["dist/src"], "dist/src"],
    ["a clone: the sources", ["src"], "src"],
    ["a clone that was packed once: the sources, which may have changed since", ["src", "dist/src"], "src"],
  ])("runs in %s", (_where, there, runs) => {
    const root = mkdtempSync(path.join(tmpdir(), "lockstep-bin-"));
    onTestFinished(() => rmSync(root, { recursive: true, force: true }));
    cpSync(path.dirname(COMMAND), path.join(root, "bin"), { recursive: true });
    writeFileSync(path.join(root, "package.json"), '{ "type": "module" }');
    for (const one of there) {
      mkdirSync(path.join(root, one, "cli"), { recursive: true });
      const file = path.join(root, one, "cli", one === "src" ? "main.ts" : "main.js");
      writeFileSync(file, `export const main = () => console.log(${JSON.stringify(one)});\n`);
    }
    const { stdout } = spawnSync(process.execPath, [path.join(root, "bin", "lockstep.js"), "status"], {
      encoding: "utf8",
    });
    expect(stdout.trim()).toBe(runs);
  });
});

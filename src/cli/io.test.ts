import { spawnSync } from "node:child_process";
import { describe, expect, it, vi } from "vitest";
import { flagsIn, ioOf, jsonText, troubleText } from "./io.ts";

/** What a shell makes of the words. */
function shellWords(text: string): readonly string[] {
  const { stdout } = spawnSync("/bin/sh", ["-c", `printf '%s\\n' ${text}`], { encoding: "utf8" });
  return stdout.split("\n").slice(0, -1);
}

/** What the body writes to stderr. */
function written(body: () => void): string {
  let text = "";
  const write = vi.spyOn(process.stderr, "write").mockImplementation((chunk) => {
    text += String(chunk);
    return true;
  });
  body();
  write.mockRestore();
  return text;
}

describe("what vendors say", () => {
  it("cannot steer the terminal: progress and errors are text and line ends", () => {
    const says = " ✓  2 identify    4f1c… \u001b]0;done\u0007\u001b[2K\rraxx\u009b1A, of kris";
    expect(written(() => ioOf(false, {}).note(`${says}\nnext`))).toBe(
      " ✓  2 identify    4f1c… ]0;done[2Kraxx1A, of kris\nnext\n",
    );
    const trouble = { code: "VENDOR_ERROR", message: says, because: "b", next: "n" } as const;
    expect(troubleText(trouble)).not.toMatch(/(?!\n)\p{Cc}/u);
  });
});

describe("[X-15] a configuration that lies anywhere", () => {
  const FILES = ["a b/lockstep.config.ts", "it's $HOME.ts", 'a"b.ts', "`x`\\.ts", "plain.ts"];

  it("is named so that a shell reads it back", () => {
    for (const file of FILES) expect(shellWords(flagsIn(["--config", file]))).toEqual(["--config", file]);
  });

  it("leaves one JSON document, and its commands as they can be typed", () => {
    for (const file of FILES) {
      const flags = flagsIn(["--config", file]);
      const document = { next: "lockstep runs    lists them", n: 1 };
      expect(JSON.parse(jsonText(document, flags))).toEqual({
        next: `lockstep runs ${flags}    lists them`,
        n: 1,
      });
    }
  });
});

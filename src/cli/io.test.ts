import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { flagsIn, jsonText } from "./io.ts";

/** What a shell makes of the words. */
function shellWords(text: string): readonly string[] {
  const { stdout } = spawnSync("/bin/sh", ["-c", `printf '%s\\n' ${text}`], { encoding: "utf8" });
  return stdout.split("\n").slice(0, -1);
}

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

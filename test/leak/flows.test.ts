import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { setStage, type Stage } from "./stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await setStage();
});
afterAll(() => stage.close());

describe("x", () => {
  it("y", async () => {
    for (const words of ["plan heroku-api-key", "doctor", "rotate heroku-api-key --yes", "status"]) {
      const t = performance.now();
      const e = await stage.run([...words.split(" "), "--sandbox"]);
      console.log(words, e.exit, e.stdout, e.stderr.slice(-300), Math.round(performance.now() - t));
    }
    const t = performance.now();
    const sinks = await stage.sinks();
    console.log(sinks.length, sinks.reduce((n, s) => n + s.bytes.length, 0), performance.now() - t, sinks.filter((s) => !s.name.includes("data/base")).map((s) => s.name+ " " + s.bytes.length).join("\n"));
    const leaks = await stage.leaks();
    console.log(leaks, performance.now() - t, stage.known().length);
    expect(leaks).toEqual([]);
  });
});

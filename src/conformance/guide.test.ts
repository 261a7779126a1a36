import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = path.resolve(import.meta.dirname, "..", "..");
const read = (name: string) => readFileSync(path.join(ROOT, name), "utf8");

const page = read("docs/guide/adapters.md");
const blocks = [...page.matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(([, block = ""]) => block);
const examples = [
  "src/conformance/wrong.test.ts",
  ...readdirSync(path.join(ROOT, "src/conformance/testing")).map((name) => `src/conformance/testing/${name}`),
].map(read);

describe("docs/guide/adapters.md", () => {
  it("shows code only that compiles and runs with these tests", () => {
    expect(blocks.length).toBeGreaterThan(3);
    expect(blocks.filter((block) => !examples.some((text) => text.includes(block)))).toEqual([]);
  });

  it("names entries that the package has", () => {
    const { exports } = JSON.parse(read("package.json")) as {
      readonly exports: Readonly<Record<string, { readonly default: string }>>;
    };
    const named = [...page.matchAll(/`lockstep\/([a-z]+)`/g)].map(([, name]) => `./${name}`);
    expect([...new Set(named)].toSorted()).toEqual(["./adapter", "./conformance"]);
    for (const name of named) {
      const source = exports[name]?.default.replace("./dist/", "").replace(/\.js$/, ".ts") ?? "";
      expect(existsSync(path.join(ROOT, source))).toBe(true);
    }
  });
});

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";

const dirs: string[] = [];
afterAll(() => {
  for (const one of dirs) rmSync(one, { recursive: true, force: true });
});

/** Loads a configuration in a process of its own, as the command line does, and answers with what it printed. */
function load(files: Readonly<Record<string, string>>): { readonly out: string; readonly err: string } {
  const dir = mkdtempSync(path.join(tmpdir(), "lockstep-config-"));
  dirs.push(dir);
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(dir, name), text);
  const program = `const { loadConfig } = await import(${JSON.stringify(path.join(import.meta.dirname, "load-config.ts"))});
    try { console.log(Object.keys((await loadConfig(${JSON.stringify(dir)})).config.connections).join()); }
    catch (thrown) { console.log(thrown.message); }`;
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    encoding: "utf8",
  });
  return { out: stdout.trim(), err: stderr };
}

const CONFIG = `import { defineConfig, env } from "lockstep";
import { vendor } from "./vendor.ts";
export default defineConfig({ connections: { github: { vendor, credential: { token: env("T") } } }, secrets: {} });
`;
const VENDOR = 'export const vendor = "github" as const;\n';

describe("a configuration and what it imports", () => {
  it.each([
    ["none", undefined],
    ["one without a type", "{}"],
    ["one of CommonJS, as npm init writes it", '{ "type": "commonjs" }'],
    ["one of modules", '{ "type": "module" }'],
  ])("loads beside a package.json: %s", (_kind, manifest) => {
    const { out, err } = load({
      "lockstep.config.ts": CONFIG,
      "vendor.ts": VENDOR,
      ...(manifest !== undefined && { "package.json": manifest }),
    });
    expect(out).toBe("github");
    expect(err).toBe("");
  });
});

// What the package's users compile against is held against a compiler as strict as theirs may be.
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it } from "vitest";

const root = path.resolve(import.meta.dirname, "..");

it("a configuration and an adapter compile without Node's types, and with every declaration checked", {
  timeout: 120_000,
}, () => {
  const dir = mkdtempSync(path.join(tmpdir(), "lockstep-types-"));
  try {
    const installed = path.join(dir, "node_modules", "lockstep");
    mkdirSync(installed, { recursive: true });
    copyFileSync(path.join(root, "package.json"), path.join(installed, "package.json"));
    const declarations = ["--declaration", "--emitDeclarationOnly", "--outDir", path.join(installed, "dist")];
    expect(compiled(["-p", path.join(root, "tsconfig.build.json"), ...declarations])).toBe("");
    symlinkSync(path.join(root, "node_modules", "zod"), path.join(dir, "node_modules", "zod"));
    const example = path.join(root, "examples", "raxx", "lockstep.config.ts");
    copyFileSync(example, path.join(dir, "lockstep.config.ts"));
    writeFileSync(path.join(dir, "adapter.ts"), 'export * from "lockstep/adapter";\n');
    writeFileSync(path.join(dir, "conformance.ts"), 'export * from "lockstep/conformance";\n');
    const strictest = { strict: true, skipLibCheck: false, types: [] };
    const compilerOptions = { module: "nodenext", target: "es2024", noEmit: true, ...strictest };
    writeFileSync(path.join(dir, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.ts"] }));
    expect(compiled(["-p", dir])).toBe("");
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});

/** What the compiler says; empty where it is content. */
function compiled(args: readonly string[]): string {
  try {
    return execFileSync(path.join(root, "node_modules", ".bin", "tsc"), args, { encoding: "utf8" });
  } catch (thrown) {
    return String((thrown as { stdout: unknown }).stdout);
  }
}

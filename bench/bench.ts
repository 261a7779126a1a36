// `npm run bench`: ratios and times of this machine as JSON on stdout. A missed goal is reported and fails nothing: on a
// machine that does other work too, only ratios that were measured in one run can be compared.
import { cpus, loadavg, totalmem } from "node:os";
import { type Figure, tidyUp } from "./common.ts";
import { rotationFigures } from "./rotation.ts";
import { startupFigures } from "./startup.ts";
import { takeoverFigures } from "./takeover.ts";
import { workerFigures } from "./worker.ts";

const parts: Readonly<Record<string, () => Promise<readonly Figure[]>>> = {
  rotation: rotationFigures,
  takeover: takeoverFigures,
  startup: startupFigures,
  worker: workerFigures,
};
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void tidyUp().finally(() => process.exit(130)));
}
const asked = process.argv.slice(2);
const figures: Figure[] = [];
const failed: string[] = [];
const load = { before: loadavg(), after: loadavg() };
try {
  for (const [name, measure] of Object.entries(parts)) {
    if (asked.length > 0 && !asked.includes(name)) continue;
    process.stderr.write(`${name} …\n`);
    try {
      figures.push(...(await measure()));
    } catch (thrown) {
      // What was measured before is worth its minutes.
      failed.push(`${name}: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
      process.exitCode = 1;
    }
  }
} finally {
  await tidyUp();
}
load.after = loadavg();
const machine = {
  cpu: cpus()[0]?.model ?? "unknown",
  cores: cpus().length,
  memoryMB: Math.round(totalmem() / 2 ** 20),
  platform: `${process.platform} ${process.arch}`,
  node: process.version,
  load,
};
process.stdout.write(
  `${JSON.stringify({ machine, figures, ...(failed.length > 0 && { failed }) }, null, 2)}\n`,
);

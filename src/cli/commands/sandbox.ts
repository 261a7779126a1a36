import { once } from "node:events";
import { existsSync } from "node:fs";
import path from "node:path";
import { CONFIG_FILE } from "../../app/load-config.ts";
import { serveHere } from "../../app/sandbox-serving.ts";
import { LockstepError } from "../../core/errors.ts";
import { EXIT, type Io, type Result } from "../io.ts";
import { table } from "../layout.ts";
import type { Common } from "../main.ts";

/** `lockstep sandbox`: serves the simulated vendors of this directory until it is told to stop. */
export async function sandbox(io: Io, options: Common): Promise<Result> {
  const root = options.config ? path.dirname(path.resolve(options.config)) : findRoot(process.cwd());
  const { urls, close } = await serveHere(root);
  if (!close) {
    throw new LockstepError({
      code: "USAGE",
      message: `A sandbox runs for this directory already: ${urls["control"]}`,
      because: "one estate a directory; two would overwrite each other's state",
      next: "lockstep status --sandbox    uses the one that runs",
    });
  }
  const stop = new AbortController();
  const told = Promise.race([once(process, "SIGINT", stop), once(process, "SIGTERM", stop)]);
  io.note(table(Object.entries(urls).map(([vendor, url]) => [vendor, url])));
  io.note("The sandbox runs until ^C. In another terminal: lockstep status --sandbox");
  await told;
  stop.abort();
  await close();
  return { exit: EXIT.done, json: { urls }, text: "" };
}

function findRoot(from: string): string {
  for (let dir = path.resolve(from); ; dir = path.dirname(dir)) {
    if (existsSync(path.join(dir, CONFIG_FILE))) return dir;
    if (dir === path.dirname(dir)) return path.resolve(from);
  }
}

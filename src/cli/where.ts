import type { Where } from "../app/home.ts";
import type { Common } from "./main.ts";

/** Where a command was called. */
export function whereOf(options: Common): Where {
  return {
    cwd: process.cwd(),
    env: process.env,
    sandbox: options.sandbox,
    ...(options.config !== undefined && { configFile: options.config }),
  };
}

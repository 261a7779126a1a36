import { execFile, spawn } from "node:child_process";
import { constants } from "node:fs";
import { link, lstat, open, readFile, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { Account } from "./account.ts";
import { BARE_ENVIRONMENT, type Binaries } from "./binaries.ts";
import type { Home } from "./home.ts";
import { settings } from "./settings.ts";
import { SOCKET } from "./socket-dir.ts";
import { hasCode } from "./trouble.ts";

const run = promisify(execFile);

/** The log is set aside at a start when it is larger than this; one older log is kept. */
const LOG_LIMIT = 1_000_000;

/** A server of this data directory that is alive, as its lock file names it. */
export interface Living {
  readonly pid: number;
  readonly socketDir: string;
}

/** A start of the server: whether its process still runs, and what it has written to the log. */
export interface Start {
  readonly ended: () => boolean;
  output(): Promise<string>;
}

/** The living server of this home, if there is one. */
export async function livingServer(home: Home): Promise<Living | undefined> {
  const lines = (await readLock(join(home.dataDir, "postmaster.pid")))?.split("\n") ?? [];
  const pid = Number(lines[0]);
  if (!(pid > 0) || !(await isServerOf(pid, home.dataDir))) return undefined;
  return { pid, socketDir: lines[4] ?? "" };
}

/** Asks the server to end its sessions and stop; it answers by closing them. The same signal as `pg_ctl stop -m fast`, without a process. */
export function stopServer({ pid }: Living): void {
  process.kill(pid, "SIGINT");
}

/**
 * Starts the server as a process of its own: a new session (so that neither Ctrl-C nor the end of its starter reaches it), no
 * descriptors of ours but the log, no environment. `pg_ctl start` does the same through a shell; without it we are told at
 * once when the server ends, and a loser of a race needs no polling.
 */
export async function startServer(
  home: Home,
  account: Account,
  binaries: Binaries,
  socketDir: string,
): Promise<Start> {
  const log = await openLog(home, account);
  const { size: from } = await log.stat();
  const [command = binaries.postgres, ...args] = [
    ...account.prefix,
    binaries.postgres,
    "-D",
    home.dataDir,
    ...settings(socketDir).flatMap((setting) => ["-c", setting]),
  ];
  let ended = false;
  // cwd is `/` because ours may be unreadable for the server's user, or gone.
  const child = spawn(command, args, {
    cwd: "/",
    env: BARE_ENVIRONMENT,
    detached: true,
    stdio: ["ignore", log.fd, log.fd],
  });
  child.on("exit", () => {
    ended = true;
  });
  child.on("error", () => {
    ended = true;
  });
  child.unref();
  await log.close();
  return {
    ended: () => ended,
    output: async () =>
      (await readFile(home.log).catch(() => Buffer.alloc(0))).subarray(from).toString("utf8"),
  };
}

async function openLog(home: Home, account: Account) {
  const size = await lstat(home.log).then(
    (found) => found.size,
    () => 0,
  );
  if (size > LOG_LIMIT) await rename(home.log, `${home.log}.1`);
  // O_NOFOLLOW: root may be opening it in a directory of an ordinary user, who could have put a link to any file there.
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;
  const log = await open(home.log, flags, 0o600);
  if (process.getuid?.() === 0 && account.uid === home.uid) await log.chown(home.uid, home.gid);
  return log;
}

/**
 * Removes lock files that would block a start for ever: PostgreSQL believes any living process of its user, also a stranger
 * who got the number after a crash, and an empty file. A file that names a dead process stays: PostgreSQL takes care of it,
 * and looks for orphaned children at the same time.
 */
export async function clearStaleLocks(home: Home, socketDir: string): Promise<void> {
  for (const file of [join(home.dataDir, "postmaster.pid"), join(socketDir, `${SOCKET}.lock`)]) {
    let found = await readLock(file);
    if (found === "") {
      // A server that starts makes the file first and fills it then.
      await sleep(100);
      found = await readLock(file);
    }
    if (found === undefined) continue;
    const pid = Math.abs(Number(found.split("\n")[0]));
    const blocks = !(pid > 0) || (isAlive(pid) && !(await isServerOf(pid, home.dataDir)));
    if (blocks) await removeUnchanged(file, found);
  }
}

/** Takes the file away and looks at it again: another process may have cleared it and started a server since we read it. */
async function removeUnchanged(file: string, judged: string): Promise<void> {
  const aside = `${file}.stale-${process.pid}-${Math.random().toString(36).slice(2)}`;
  try {
    await rename(file, aside);
  } catch (thrown) {
    if (hasCode(thrown, "ENOENT")) return;
    throw thrown;
  }
  if ((await readLock(aside)) !== judged) await link(aside, file).catch(() => {});
  await rm(aside, { force: true });
}

async function readLock(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, "utf8");
  } catch (thrown) {
    if (hasCode(thrown, "ENOENT", "ENOTDIR")) return undefined;
    throw thrown;
  }
}

/** Whether a process of this number lives on this machine, whoever owns it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (thrown) {
    return hasCode(thrown, "EPERM");
  }
}

/** Whether this process is a PostgreSQL that runs in this data directory; compared by inode, so that a moved home still counts. */
async function isServerOf(pid: number, dataDir: string): Promise<boolean> {
  if (!isAlive(pid)) return false;
  if (process.platform !== "linux") return isServerByList(pid, dataDir);
  const name = await readFile(`/proc/${pid}/comm`, "utf8").catch(() => "");
  if (name.trim() !== "postgres") return false;
  try {
    const [works, data] = await Promise.all([stat(`/proc/${pid}/cwd`), stat(dataDir)]);
    return works.ino === data.ino && works.dev === data.dev;
  } catch (thrown) {
    if (!hasCode(thrown, "EACCES", "EPERM")) return false;
    return !(await namesAnother(pid, dataDir));
  }
}

/**
 * Root of a container may not look into processes of other users (no CAP_SYS_PTRACE), but sees their arguments. In doubt the
 * server is ours: taking the lock file of a living server from it would end it.
 */
async function namesAnother(pid: number, dataDir: string): Promise<boolean> {
  const args = (await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "")).split("\0");
  const named = args[args.indexOf("-D") + 1] ?? "";
  if (!args.includes("-D") || named === dataDir) return false;
  const [theirs, ours] = await Promise.all([stat(named).catch(() => undefined), stat(dataDir)]);
  return theirs !== undefined && (theirs.ino !== ours.ino || theirs.dev !== ours.dev);
}

async function isServerByList(pid: number, dataDir: string): Promise<boolean> {
  const { stdout } = await run("ps", ["-ww", "-o", "args=", "-p", String(pid)], { cwd: "/" }).catch(() => ({
    stdout: "",
  }));
  return stdout.includes("postgres") && stdout.includes(` -D ${dataDir} `);
}

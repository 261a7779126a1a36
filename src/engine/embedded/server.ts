import { setTimeout as sleep } from "node:timers/promises";
import { LockstepError } from "../../core/errors.ts";
import { shellWord } from "../../core/shell.ts";
import { type Account, accountFor } from "./account.ts";
import { checkBinaries as checkTheBinaries, findBinaries } from "./binaries.ts";
import { createCluster, hasCluster, ROLE, writeAccess } from "./cluster.ts";
import { dataDirOf, type Home, majorDiffers, openHome } from "./home.ts";
import { clearStaleLocks, livingServer, type Start, startServer, stopServer } from "./postmaster.ts";
import { attach, type Session } from "./session.ts";
import { PORT, socketDirFor } from "./socket-dir.ts";
import { hasCode, homeTrouble, silentTrouble, startFailed, troubleInOutput, unreachable } from "./trouble.ts";

/** The embedded PostgreSQL of one home directory, in use by this process until {@link EmbeddedServer.close}. */
export interface EmbeddedServer {
  /** `postgresql://lockstep@localhost:5432/lockstep?host=<socket directory>`; no password, no TLS. */
  readonly url: string;
  readonly dataDir: string;
  /** Called once, when the server was stopped or killed under us; the next {@link openEmbedded} starts it again. */
  onLost(callback: () => void): void;
  /** Stops using it; the last user stops the server, without waiting until its process has ended. Close pools before. */
  close(): Promise<void>;
}

/** How to open; all of it for tests and for packaging. */
export interface EmbeddedOptions {
  /** Where `initdb` and `postgres` are; else LOCKSTEP_POSTGRES_BIN, else the optional package of this platform. */
  readonly binDir?: string;
  /** How long a server may take to let us in, recovery after a crash included. Default 60,000 ms. */
  readonly timeoutMs?: number;
  /** Called, perhaps often, when there is only the server to wait for: it was started, or hears us. The time for work of one's own. */
  readonly onWaiting?: () => void;
}

/** Whether this home directory has a database, so that {@link openEmbedded} makes nothing there. */
export async function hasDatabase(home: string): Promise<boolean> {
  return hasCluster({ dataDir: dataDirOf(home) });
}

/** Opens the PostgreSQL of a home directory (`.lockstep`): attaches to the running one, or makes and starts it. */
export async function openEmbedded(home: string, options: EmbeddedOptions = {}): Promise<EmbeddedServer> {
  const opened = await openHome(home);
  try {
    const account = await accountFor(opened);
    const ownSocketDir = await socketDirFor(opened, account);
    const { session, socketDir } = await enter(opened, account, ownSocketDir, options);
    return {
      url: `postgresql://${ROLE}@localhost:${PORT}/${ROLE}?host=${encodeURIComponent(socketDir)}&sslmode=disable`,
      dataDir: opened.dataDir,
      onLost: (callback) => session.onLost(callback),
      close: () => session.leave(() => stop(opened)),
    };
  } catch (thrown) {
    throw homeTrouble(thrown, opened.path);
  }
}

/** For setup and doctor: does the binary really start on this machine? Throws POSTGRES_MISSING with what to do. */
export function checkBinaries(options: Pick<EmbeddedOptions, "binDir"> = {}): Promise<{ version: string }> {
  return checkTheBinaries(options.binDir);
}

/** Attach, else start, again until in: another process may start or stop the server at any moment between two lines here. */
async function enter(
  home: Home,
  account: Account,
  ownSocketDir: string,
  options: EmbeddedOptions,
): Promise<{ session: Session; socketDir: string }> {
  const deadline = Date.now() + (options.timeoutMs ?? 60_000);
  let start: Start | undefined;
  let failures = 0;
  let socketDir = ownSocketDir;
  for (let pause = 2; ; pause = Math.min(pause * 1.2, 50)) {
    const attempt = await attach(socketDir, options.onWaiting).catch((thrown: unknown) =>
      refused(thrown, home),
    );
    if (attempt.kind === "in") return { session: attempt.session, socketDir };
    const living = await livingServer(home);
    // A home that was moved while its server ran: the server still listens where the old path said.
    socketDir = living?.socketDir || ownSocketDir;
    if (Date.now() > deadline)
      throw tooLate(home, living?.pid, attempt.kind === "busy" ? attempt.cause : undefined);
    if (start?.ended()) {
      failures += failureOf(await start.output(), home);
      if (failures > 2) throw await keepsFailing(home);
      start = undefined;
    } else if (attempt.kind === "nobody" && living === undefined && start === undefined) {
      start = await startFresh(home, account, socketDir, options);
      options.onWaiting?.();
      pause = 2;
    }
    await sleep(pause);
  }
}

async function startFresh(
  home: Home,
  account: Account,
  socketDir: string,
  options: EmbeddedOptions,
): Promise<Start> {
  const binaries = await findBinaries(options.binDir);
  if (!(await hasCluster(home))) {
    await createCluster(home, account, binaries);
    // Who runs the server is decided by who owns its files, and another process may have made them.
    return startServer(home, await accountFor(home), binaries, socketDir);
  }
  await clearStaleLocks(home, socketDir);
  await writeAccess(home.dataDir, account);
  return startServer(home, account, binaries, socketDir);
}

/** 1 for a start that failed by itself, 0 for one that lost to another; throws where the output names the cause. */
function failureOf(output: string, home: Home): 0 | 1 {
  if (/lock file .* already exists|pre-existing shared memory block|lock file .* is empty/.test(output))
    return 0;
  if (/database files are incompatible with server/.test(output)) {
    throw majorDiffers(home.dataDir, "another version of PostgreSQL");
  }
  const trouble = troubleInOutput(output, home.path);
  if (trouble !== undefined) throw trouble;
  return 1;
}

async function keepsFailing(home: Home): Promise<LockstepError> {
  return (
    (await silentTrouble(home.path)) ??
    startFailed(
      "the database server does not start",
      `lockstep doctor    tries again; tail '${home.log}' shows why it failed`,
    )
  );
}

async function stop(home: Home): Promise<void> {
  // Not ours to see (it runs in another container that shares the directory): it stays, and the next command finds it.
  const living = await livingServer(home);
  if (living === undefined) return;
  try {
    stopServer(living);
  } catch (thrown) {
    if (!hasCode(thrown, "ESRCH", "EPERM")) throw thrown;
  }
}

function refused(thrown: unknown, home: Home): never {
  if (thrown instanceof LockstepError) throw thrown;
  throw unreachable(
    `the database server of ${home.path} does not let this user in`,
    `lockstep doctor    as the owner of ${home.path}; if you are, after kill -INT $(head -1 ${shellWord(`${home.dataDir}/postmaster.pid`)})`,
    thrown,
  );
}

function tooLate(home: Home, pid: number | undefined, cause: unknown): LockstepError {
  if (pid === undefined)
    return startFailed(
      "the database server does not stay up",
      `lockstep doctor    tries again; tail '${home.log}' shows why it failed`,
      cause,
    );
  return unreachable(
    `the database server of ${home.path} runs (process ${pid}) and does not answer`,
    `lockstep doctor    after kill -INT ${pid}, which stops the server; the end of ${home.log} says more`,
    cause,
  );
}

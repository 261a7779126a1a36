import { chmod, lstat, mkdir, readdir, readFile, realpath, rename, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { LockstepError } from "../../core/errors.ts";
import { shellWord } from "../../core/shell.ts";
import { hasCode, homeTrouble } from "./trouble.ts";

/** The format of the home directory that this Lockstep writes and reads. */
const HOME_FORMAT = 1;

/** The major version of the cluster that this Lockstep runs; it stands in the directory's name. */
export const POSTGRES_MAJOR = 18;

/** The home directory, checked, and where its parts lie. All paths are absolute and real. */
export interface Home {
  readonly path: string;
  readonly uid: number;
  readonly gid: number;
  /** `postgres-18`: the cluster, its log and, where the path is short enough, its socket. Ours, mode 0700. */
  readonly cluster: string;
  /** The cluster's own files; they belong to whoever runs the server. */
  readonly dataDir: string;
  readonly log: string;
}

/** Creates the home directory where it is missing, and refuses one of a newer Lockstep or of another PostgreSQL. */
export async function openHome(asked: string): Promise<Home> {
  try {
    await mkdir(asked, { recursive: true, mode: 0o700 });
    const path = await realpath(resolve(asked));
    const { uid, gid, mode } = await lstat(path);
    const me = process.getuid?.();
    if (me !== 0 && uid !== me) throw foreignHome(path, uid);
    await checkFormat(path);
    await checkMajor(path);
    if ((mode & 0o077) !== 0) await chmod(path, 0o700);
    const cluster = clusterOf(path);
    return { path, uid, gid, cluster, dataDir: dataDirOf(path), log: join(cluster, "server.log") };
  } catch (thrown) {
    throw homeTrouble(thrown, asked);
  }
}

function clusterOf(home: string): string {
  return join(home, `postgres-${POSTGRES_MAJOR}`);
}

/** Where the cluster's own files lie in a home directory. */
export function dataDirOf(home: string): string {
  return join(clusterOf(home), "data");
}

function foreignHome(path: string, uid: number): LockstepError {
  return new LockstepError({
    code: "HOME_NOT_WRITABLE",
    message: `${path} belongs to another user (uid ${uid})`,
    because: "its database may be opened only by the user who owns it, or by root",
    next: `lockstep doctor    as that user, or after sudo chown -R "$(id -un)" ${shellWord(path)}`,
  });
}

async function checkFormat(home: string): Promise<void> {
  const file = join(home, "version");
  const found = await readFile(file, "utf8").catch((thrown: unknown) => {
    if (hasCode(thrown, "ENOENT")) return "";
    throw thrown;
  });
  // An empty file is what a full disk or a power cut leaves of ours: it says nothing, so it is written again.
  if (found.trim() === "") return writeFormat(file);
  if (Number(found.trim()) === HOME_FORMAT) return;
  throw new LockstepError({
    code: "HOME_TOO_NEW",
    message: `${home} has format ${JSON.stringify(found.trim().slice(0, 20))}; this Lockstep reads format ${HOME_FORMAT}`,
    because: "a newer Lockstep wrote it, and an older one could misread its runs",
    next: "npm install lockstep@latest",
  });
}

/** By rename, so that no process ever reads half a file. */
async function writeFormat(file: string): Promise<void> {
  const draft = `${file}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  try {
    await writeFile(draft, `${HOME_FORMAT}\n`, { mode: 0o600, flag: "wx" });
    await rename(draft, file);
  } catch (thrown) {
    await rm(draft, { force: true }).catch(() => {});
    throw thrown;
  }
}

async function checkMajor(home: string): Promise<void> {
  const majors = (await readdir(home))
    .flatMap((name) => /^postgres-(\d+)$/.exec(name)?.[1] ?? [])
    .map(Number);
  if (majors.length === 0 || majors.includes(POSTGRES_MAJOR)) return;
  throw majorDiffers(join(home, `postgres-${Math.max(...majors)}`), `PostgreSQL ${Math.max(...majors)}`);
}

/** The cluster on disk, or the binaries, are of another major than the one this Lockstep runs. */
export function majorDiffers(what: string, found: string): LockstepError {
  return new LockstepError({
    code: "POSTGRES_MAJOR_DIFFERS",
    message: `${what} is of ${found}; this Lockstep runs PostgreSQL ${POSTGRES_MAJOR}`,
    because: "PostgreSQL does not read the files of another major version",
    next: "lockstep doctor    of the release that wrote it; or serve it from your own PostgreSQL: export LOCKSTEP_DATABASE_URL=…",
  });
}

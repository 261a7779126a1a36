import { statfs } from "node:fs/promises";
import { LockstepError } from "../../core/errors.ts";

/** Whether a thrown thing carries one of these system or SQLSTATE codes. */
export function hasCode(thrown: unknown, ...codes: readonly string[]): boolean {
  return codes.includes(codeOf(thrown) ?? "");
}

/** The system or SQLSTATE code of a thrown thing. */
export function codeOf(thrown: unknown): string | undefined {
  if (typeof thrown !== "object" || thrown === null || !("code" in thrown)) return undefined;
  return typeof thrown.code === "string" ? thrown.code : undefined;
}

/** The disk below `path` has no room. */
function diskFull(path: string, cause?: unknown): LockstepError {
  return new LockstepError(
    {
      code: "DISK_FULL",
      message: `no space is left on the disk of ${path}`,
      because: "Lockstep records each step before it takes it, and it cannot record",
      next: `lockstep doctor    after you have made room: df -h '${path}' shows it, and a new database needs about 60 MB`,
    },
    { cause },
  );
}

/** `path` cannot be written by this user. */
function notWritable(path: string, cause?: unknown): LockstepError {
  return new LockstepError(
    {
      code: "HOME_NOT_WRITABLE",
      message: `${path} cannot be written`,
      because: "the journal of every run lives there",
      next: `lockstep doctor    after you have made it writable for you (ls -ld '${path}'), or in another directory`,
    },
    { cause },
  );
}

/** What a failed file operation on the home directory means; what is already ours, or not about the disk, passes through. */
export function homeTrouble(thrown: unknown, path: string): unknown {
  if (thrown instanceof LockstepError) return thrown;
  if (hasCode(thrown, "ENOSPC", "EDQUOT")) return diskFull(path, thrown);
  if (hasCode(thrown, "EACCES", "EPERM", "EROFS", "ENOTDIR", "EEXIST", "ENOENT"))
    return notWritable(path, thrown);
  return thrown;
}

/** The server, or one of its tools, did not do its work, and its output names no cause that we know. */
export function startFailed(message: string, next: string, cause?: unknown): LockstepError {
  return new LockstepError(
    {
      code: "POSTGRES_START_FAILED",
      message,
      because: "without LOCKSTEP_DATABASE_URL the journal lives in an embedded PostgreSQL",
      next,
    },
    { cause },
  );
}

/** The server is there, or should be, and does not let us in. */
export function unreachable(message: string, next: string, cause?: unknown): LockstepError {
  return new LockstepError(
    {
      code: "DATABASE_UNREACHABLE",
      message,
      because: "every step is journaled in this database before it is taken",
      next,
    },
    { cause },
  );
}

/**
 * What PostgreSQL's own output says about a failure. Its messages are in English, because its tools are
 * always started with LC_ALL=C.
 */
export function troubleInOutput(output: string, path: string): LockstepError | undefined {
  // A disk that fills up in the middle of a block shows as a short write, without the system's words.
  if (/No space left on device|Disk quota exceeded|wrote only \d+ of|Check free disk space/.test(output)) {
    return diskFull(path);
  }
  if (/Read-only file system|Permission denied|Operation not permitted/.test(output))
    return notWritable(path);
  return undefined;
}

/** A failure without a word: a full disk also takes the log's last lines, so the disk itself is asked. */
export async function silentTrouble(path: string): Promise<LockstepError | undefined> {
  const disk = await statfs(path).catch(() => undefined);
  // One segment of the write-ahead log, which a start may have to make.
  const needed = 16 * 1024 * 1024;
  return disk !== undefined && disk.bavail * disk.bsize < needed ? diskFull(path) : undefined;
}

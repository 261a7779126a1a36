import { createHash } from "node:crypto";
import { chmod, lchown, lstat, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { shellWord } from "../../core/shell.ts";
import type { Account } from "./account.ts";
import type { Home } from "./home.ts";
import { hasCode, startFailed } from "./trouble.ts";

/** PostgreSQL's port, which is only a part of the socket's name here. */
export const PORT = 5432;

/** The name of the socket in its directory. */
export const SOCKET = `.s.PGSQL.${PORT}`;

/** The longest socket path that both Linux (107) and macOS (103) accept, in bytes. */
const LONGEST = 103;

/**
 * The directory of the server's socket: inside the home, or a short one below /tmp where that path is too long. The choice
 * depends on nothing but the path: $XDG_RUNTIME_DIR and $TMPDIR were rejected because a login shell and a cron job of one
 * user disagree about them, and $XDG_RUNTIME_DIR goes at logout, below a running server.
 */
export async function socketDirFor(home: Home, account: Account): Promise<string> {
  if (Buffer.byteLength(join(home.cluster, SOCKET)) <= LONGEST) return home.cluster;
  const hash = createHash("sha256").update(home.path).digest("hex").slice(0, 16);
  const path = `/tmp/lockstep-${home.uid}-${hash}`;
  await mkdir(path, { mode: 0o700 }).then(
    // Root made it for a home of somebody else: the server, who has only that user's rights, writes there.
    () => (account.uid === home.uid ? lchown(path, home.uid, home.gid) : undefined),
    (thrown: unknown) => {
      if (!hasCode(thrown, "EEXIST")) throw thrown;
    },
  );
  await refuseStrangers(path, home.uid);
  return path;
}

/** /tmp belongs to everybody: a directory or link of another user there could hold a server that only poses as ours. */
async function refuseStrangers(path: string, owner: number): Promise<void> {
  const found = await lstat(path);
  // Between root's mkdir and its lchown another process may see root as the owner; root is no stranger.
  if (!found.isDirectory() || (found.uid !== owner && found.uid !== 0)) {
    throw startFailed(
      `${path} is not a directory of uid ${owner}`,
      `lockstep doctor    after sudo rm -r ${shellWord(path)}, or in a directory whose path is short enough for a socket`,
    );
  }
  if ((found.mode & 0o077) !== 0) await chmod(path, 0o700);
}

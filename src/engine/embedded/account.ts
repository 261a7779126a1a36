import { execFile } from "node:child_process";
import { lstat, readFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { promisify } from "node:util";
import type { Home } from "./home.ts";
import { startFailed } from "./trouble.ts";

const run = promisify(execFile);

/** Who runs the server of a home directory, and who may speak to it. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
  /** What stands before the command of a server's process: nothing, or `setpriv` and its arguments. */
  readonly prefix: readonly string[];
  /** Operating-system users who are let in as the role `lockstep`. */
  readonly guests: readonly string[];
}

/** What root asks of the system before it runs a server: an ordinary user, who has the right to pass closed directories. */
const KEEP_DAC_OVERRIDE = [
  "--clear-groups",
  // Without it the kernel drops every capability together with uid 0.
  "--securebits=+no_setuid_fixup",
  "--inh-caps=-all,+dac_override",
  "--ambient-caps=-all,+dac_override",
  "--bounding-set=-all,+dac_override",
];

/**
 * Picks the user who runs the server. PostgreSQL refuses root, so root hands over:
 *
 * - a home of an ordinary user: to that user, without any capability (else the role `lockstep` would be a way to root's rights);
 * - a home of root: to `nobody`, who keeps `dac_override` to reach a data directory below directories of mode 0700.
 *   `nobody` itself gets in neither through the files (they lie in a directory of root, 0700) nor through the socket (not in
 *   the map). Rejected: a user of our own (changes the machine), and opening the directories (changes what is not ours).
 */
export async function accountFor(home: Home): Promise<Account> {
  const me = process.getuid?.() ?? -1;
  if (me !== 0) {
    return { uid: me, gid: process.getgid?.() ?? -1, prefix: [], guests: [ownName(), "root"] };
  }
  const data = await lstat(home.dataDir).catch(() => undefined);
  if (home.uid !== 0 && (data === undefined || data.uid === home.uid)) {
    const name = await nameOf(home.uid);
    return {
      uid: home.uid,
      gid: home.gid,
      prefix: [...(await setpriv(home.uid, home.gid)), "--clear-groups", "--inh-caps=-all", "--"],
      guests: [name, "root"],
    };
  }
  const nobody = data !== undefined && data.uid !== 0 ? data : await unprivileged();
  const { uid, gid } = nobody;
  return { uid, gid, prefix: [...(await setpriv(uid, gid)), ...KEEP_DAC_OVERRIDE, "--"], guests: ["root"] };
}

/** The prefix with which `postgres --version` runs as the server would, for a check before any home directory exists. */
export async function trialPrefix(): Promise<readonly string[]> {
  if (process.getuid?.() !== 0) return [];
  const { uid, gid } = await unprivileged();
  return [...(await setpriv(uid, gid)), ...KEEP_DAC_OVERRIDE, "--"];
}

async function setpriv(uid: number, gid: number): Promise<readonly string[]> {
  // Looked for where the system keeps it and not along PATH: this runs as root.
  for (const path of ["/usr/bin/setpriv", "/bin/setpriv", "/run/current-system/sw/bin/setpriv"]) {
    const found = await lstat(path).catch(() => undefined);
    if (found !== undefined) return [path, `--reuid=${uid}`, `--regid=${gid}`];
  }
  throw startFailed(
    "PostgreSQL does not run as root, and setpriv is missing to hand over to an ordinary user",
    "lockstep doctor    as an ordinary user, or after apt-get install util-linux, or with LOCKSTEP_DATABASE_URL",
  );
}

function ownName(): string {
  try {
    return userInfo().username;
  } catch (cause) {
    throw noName(process.getuid?.() ?? -1, cause);
  }
}

async function nameOf(uid: number): Promise<string> {
  // `id` and not /etc/passwd: the owner of a home may come from a directory service.
  const { stdout } = await run("id", ["-nu", String(uid)], { cwd: "/" }).catch((cause: unknown) => {
    throw noName(uid, cause);
  });
  return stdout.trim();
}

function noName(uid: number, cause: unknown): Error {
  return startFailed(
    `uid ${uid} has no name on this system`,
    `lockstep doctor    with LOCKSTEP_DATABASE_URL, or after echo 'lockstep:x:${uid}:0::/:/bin/false' >> /etc/passwd: PostgreSQL looks its users up by name`,
    cause,
  );
}

/** An ordinary user whom every system has; `daemon` where there is no `nobody`. */
async function unprivileged(): Promise<{ uid: number; gid: number }> {
  const lines = (await readFile("/etc/passwd", "utf8").catch(() => ""))
    .split("\n")
    .map((line) => line.split(":"));
  for (const wanted of ["nobody", "daemon"]) {
    const [, , uid, gid] = lines.find(([name]) => name === wanted) ?? [];
    if (Number(uid) > 0 && Number(gid) > 0) return { uid: Number(uid), gid: Number(gid) };
  }
  throw startFailed(
    "PostgreSQL does not run as root, and this system has no user `nobody` to hand over to",
    "lockstep doctor    as an ordinary user, or with LOCKSTEP_DATABASE_URL",
  );
}

import { randomBytes } from "node:crypto";
import { link, mkdir, open, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { LockstepError } from "../core/errors.ts";
import { shellWord } from "../core/shell.ts";
import {
  FINGERPRINT_ID,
  isKeyId,
  jsonOfMaterial,
  KEY_BYTES,
  type KeyMaterial,
  materialFromJson,
  wipeMaterial,
} from "./key-material.ts";
import { brokenRing, codeOf, exposedRing, refusedChange, unwritableRing } from "./ring-trouble.ts";

/** How long one change waits for others, in milliseconds; each takes a few, and much longer on a disk that is busy. */
const LOCK_PATIENCE_MS = 10_000;

/** Reads a key file; undefined when there is none. Throws KEYRING_EXPOSED and KEYRING_BROKEN. */
export async function readKeyFile(file: string): Promise<KeyMaterial | undefined> {
  let handle: Awaited<ReturnType<typeof open>>;
  try {
    handle = await open(file, "r");
  } catch (thrown) {
    if (codeOf(thrown) === "ENOENT" || codeOf(thrown) === "ENOTDIR") return undefined;
    throw unreadable(file, thrown);
  }
  try {
    // Of the opened file and not of the path, which may be another one by now.
    const { mode, uid } = await handle.stat();
    const me = process.getuid?.();
    if (me !== undefined && (mode & 0o077) !== 0) {
      throw exposedRing(
        file,
        "can be read or changed by others than its owner",
        `lockstep doctor    after chmod 600 ${shellWord(file)}`,
      );
    }
    if (me !== undefined && me !== 0 && uid !== me) {
      throw exposedRing(
        file,
        `belongs to another user (uid ${uid})`,
        `lockstep doctor    as its owner, or after chown ${me} ${shellWord(file)}`,
      );
    }
    const text = await handle.readFile("utf8").catch((thrown: unknown) => {
      throw unreadable(file, thrown);
    });
    return materialFromJson(text, file);
  } finally {
    await handle.close();
  }
}

function unreadable(file: string, thrown: unknown): LockstepError {
  const next = `lockstep doctor    as its owner; ls -l ${shellWord(file)} shows who that is`;
  return brokenRing(file, `it cannot be read (${codeOf(thrown) ?? "unknown"})`, next, thrown);
}

/** Makes a key file with one key and a fingerprint root, unless somebody was faster: `link` lets only one name it. */
export async function makeKeyFile(file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 }).catch((thrown: unknown) => {
    throw unwritableRing(file, thrown);
  });
  const id = newKeyId(new Date());
  const material = {
    keys: new Map([[id, randomBytes(KEY_BYTES)]]),
    writes: id,
    fingerprint: randomBytes(KEY_BYTES),
  };
  const draft = await writeDraft(file, material);
  wipeMaterial(material);
  try {
    await link(draft, file);
    await syncDirectory(file);
  } catch (thrown) {
    if (codeOf(thrown) !== "EEXIST") throw thrown;
  } finally {
    await rm(draft, { force: true });
  }
}

/** Adds a new key of that id that is only read with; {@link promoteKey} makes it the one that writes. */
export async function addKey(file: string, id: string): Promise<void> {
  await change(file, (material) => {
    if (!isKeyId(id) || id === FINGERPRINT_ID)
      throw refusedChange(file, `${JSON.stringify(id)} cannot be a key's id`);
    if (material.keys.has(id)) throw refusedChange(file, `the id ${id} is taken`);
    const keys = new Map([...material.keys, [id, randomBytes(KEY_BYTES)] as const]);
    return { ...material, keys };
  });
}

/** Makes a key of the file the one that writes; every process must be able to read it by then. Idempotent. */
export async function promoteKey(file: string, id: string): Promise<void> {
  await change(file, (material) => {
    if (!material.keys.has(id)) throw refusedChange(file, `it has no key ${id}`);
    return { ...material, writes: id };
  });
}

/** `k20261121-5f3a`: the day for people, the rest so that two makers never choose the same. */
export function newKeyId(now: Date): string {
  return `k${now.toISOString().slice(0, 10).replaceAll("-", "")}-${randomBytes(2).toString("hex")}`;
}

/** Reads, changes and replaces the file under its lock: of two changes at once, one would otherwise lose its key for ever. */
async function change(file: string, edit: (material: KeyMaterial) => KeyMaterial): Promise<void> {
  const unlock = await lock(`${file}.lock`);
  try {
    const before = await readKeyFile(file);
    if (before === undefined) throw refusedChange(file, "it does not exist");
    const material = edit(before);
    const draft = await writeDraft(file, material);
    await rename(draft, file);
    await syncDirectory(file);
    wipeMaterial(material);
  } finally {
    await unlock();
  }
}

/**
 * Holds `path` until the answer is called. A lock that was left behind by a crash is for a person to remove: whether its process
 * lives cannot be told from another container, and a lock taken from a living one would lose a key for ever.
 */
async function lock(path: string): Promise<() => Promise<void>> {
  for (const deadline = Date.now() + LOCK_PATIENCE_MS; ; await sleep(20)) {
    try {
      const handle = await open(path, "wx", 0o600);
      await handle.close();
      return () => rm(path, { force: true });
    } catch (thrown) {
      if (codeOf(thrown) !== "EEXIST") throw unwritableRing(path, thrown);
    }
    if (Date.now() > deadline) {
      const next = `lockstep keys list    after rm '${path}', if no other lockstep keys command runs`;
      throw brokenRing(path, "another process is changing it, or ended while it did", next);
    }
  }
}

/** A complete copy beside the file, on disk before it gets the file's name: a key that was used must survive a power cut. */
async function writeDraft(file: string, material: KeyMaterial): Promise<string> {
  const draft = `${file}.${process.pid}.${randomBytes(4).toString("hex")}`;
  try {
    const handle = await open(draft, "wx", 0o600);
    try {
      await handle.writeFile(jsonOfMaterial(material));
      // Root in somebody's home directory must not leave a file there that its owner cannot read.
      const home = await stat(dirname(file));
      if (process.getuid?.() === 0 && home.uid !== 0) await handle.chown(home.uid, home.gid);
      await handle.sync();
    } finally {
      await handle.close();
    }
    return draft;
  } catch (thrown) {
    await rm(draft, { force: true });
    throw unwritableRing(file, thrown);
  }
}

async function syncDirectory(file: string): Promise<void> {
  const handle = await open(dirname(file), "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

import { createSecretKey, hkdfSync, type KeyObject, randomBytes, type webcrypto } from "node:crypto";
import { makeKeyFile, newKeyId, readKeyFile } from "./key-file.ts";
import { KEY_BYTES, type KeyMaterial, materialFromText, wipeMaterial } from "./key-material.ts";
import { missingRing } from "./ring-trouble.ts";

/** A sealing key in memory; it cannot be exported, so nothing can print it. */
export type SealingKey = webcrypto.CryptoKey;

/** Named 256-bit keys: all open, one seals. */
export interface KeyRing {
  /** The id of the key that seals. */
  readonly writing: string;
  readonly ids: readonly string[];
  /** The key of that id, without looking further than this process. */
  get(id: string): SealingKey | undefined;
  /** As {@link get}, but reads the key file again first where the id is unknown: another process may have added it. */
  find(id: string): Promise<SealingKey | undefined>;
  /** Reads the key file again, so that a promoted key is written with from now on. Nothing to do for other sources. */
  refresh(): Promise<void>;
  /** For HMAC-SHA256 of values; derived from a root that stays when sealing keys change. */
  readonly fingerprintKey: KeyObject;
}

/** Where the keys are: the text of LOCKSTEP_KEYS, which wins, or a key file. */
export interface KeySource {
  readonly text?: string;
  readonly file: string;
}

/**
 * Opens the ring. A missing file is made (mode 0600, simultaneous makers agree on one) if `mayMake` says that nothing was ever
 * sealed in this database. Throws KEYRING_MISSING, KEYRING_BROKEN, KEYRING_EXPOSED.
 */
export async function openKeyRing(source: KeySource, mayMake: () => Promise<boolean>): Promise<KeyRing> {
  if (source.text !== undefined && source.text.trim() !== "") return ringOf(materialFromText(source.text));
  const { file } = source;
  const reread = (): Promise<KeyMaterial | undefined> => readKeyFile(file);
  let material = await reread();
  if (material === undefined) {
    const make = await mayMake();
    if (make) await makeKeyFile(file);
    // Also where we may not: somebody may have made it, and sealed with it, between our two looks.
    material = await reread();
  }
  if (material === undefined) throw missingRing(file);
  return ringOf(material, reread);
}

/** A ring of one new key in memory only, for tests and simulation. */
export function newKeyRing(): Promise<KeyRing> {
  const id = newKeyId(new Date());
  const keys = new Map([[id, randomBytes(KEY_BYTES)]]);
  return ringOf({ keys, writes: id, fingerprint: randomBytes(KEY_BYTES) });
}

async function ringOf(
  material: KeyMaterial,
  reread?: () => Promise<KeyMaterial | undefined>,
): Promise<KeyRing> {
  const keys = new Map<string, SealingKey>();
  let writing = "";
  async function take(read: KeyMaterial): Promise<void> {
    for (const [id, bytes] of read.keys) if (!keys.has(id)) keys.set(id, await imported(bytes));
    // Last: the id must never be seen before its key.
    writing = read.writes;
  }
  async function refresh(): Promise<void> {
    const read = await reread?.();
    if (read === undefined) return;
    await take(read);
    wipeMaterial(read);
  }
  const fingerprintKey = derived(material.fingerprint, "lockstep fingerprints of values v1");
  await take(material);
  wipeMaterial(material);
  return {
    fingerprintKey,
    refresh,
    get writing() {
      return writing;
    },
    get ids() {
      return [...keys.keys()];
    },
    get: (id) => keys.get(id),
    find: async (id) => {
      if (!keys.has(id)) await refresh();
      return keys.get(id);
    },
  };
}

function imported(bytes: Buffer): Promise<SealingKey> {
  return crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
}

function derived(root: Buffer, info: string): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync("sha256", root, Buffer.alloc(0), info, KEY_BYTES)));
}

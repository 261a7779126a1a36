import { brokenRing, noFingerprintRoot } from "./ring-trouble.ts";

/** Length of every key in bytes. */
export const KEY_BYTES = 32;

/** The name of the entry that fingerprints are derived from; no sealing key may have it. */
export const FINGERPRINT_ID = "fingerprint";

/** A ring's keys as bytes, between their source and the ring. Zero them with {@link wipeMaterial} once they are imported. */
export interface KeyMaterial {
  /** Never empty. */
  readonly keys: ReadonlyMap<string, Buffer>;
  /** The id of the key that new values are sealed with; one of `keys`. */
  readonly writes: string;
  readonly fingerprint: Buffer;
}

/** Overwrites all keys with zeros. */
export function wipeMaterial({ keys, fingerprint }: KeyMaterial): void {
  for (const key of keys.values()) key.fill(0);
  fingerprint.fill(0);
}

/**
 * Reads `<id>:<base64url of 32 bytes>[,…]`, as LOCKSTEP_KEYS has it: the first key writes, the others only read, and
 * `fingerprint:` is the root of fingerprints. Throws KEYRING_BROKEN.
 */
export function materialFromText(text: string): KeyMaterial {
  const where = "LOCKSTEP_KEYS";
  const entries = new Map<string, Buffer>();
  for (const [index, part] of text.trim().split(",").entries()) {
    const colon = part.indexOf(":");
    // By number and not by text: what stands before a missing colon may be the key.
    if (colon < 0) throw brokenRing(where, `entry ${index + 1} is not <id>:<key>`);
    const id = part.slice(0, colon).trim();
    if (!isKeyId(id)) throw brokenRing(where, `entry ${index + 1} has no usable id`);
    if (entries.has(id)) throw brokenRing(where, `the id ${id} stands there twice`);
    entries.set(id, keyBytes(part.slice(colon + 1).trim(), where, id));
  }
  const fingerprint = entries.get(FINGERPRINT_ID);
  entries.delete(FINGERPRINT_ID);
  const writes = entries.keys().next().value;
  if (writes === undefined) throw brokenRing(where, "it has no sealing key");
  if (fingerprint === undefined) throw noFingerprintRoot();
  return { keys: entries, writes, fingerprint };
}

/** Reads the JSON of a key file. Throws KEYRING_BROKEN; no message quotes the file. */
export function materialFromJson(text: string, where: string): KeyMaterial {
  let file: unknown;
  try {
    file = JSON.parse(text);
  } catch {
    // Without the cause: the parser's message quotes what it found.
    throw brokenRing(where, "it is not JSON");
  }
  if (!isRecord(file) || file["format"] !== 1) throw brokenRing(where, "its format is not 1");
  const { keys: entries, writes, fingerprint } = file;
  if (!isRecord(entries) || typeof writes !== "string" || typeof fingerprint !== "string") {
    throw brokenRing(where, "it lacks keys, writes or fingerprint");
  }
  const keys = new Map<string, Buffer>();
  for (const [id, key] of Object.entries(entries)) {
    if (!isKeyId(id) || id === FINGERPRINT_ID) throw brokenRing(where, "a key has no usable id");
    if (typeof key !== "string") throw brokenRing(where, `the key ${id} is not text`);
    keys.set(id, keyBytes(key, where, id));
  }
  if (!keys.has(writes)) throw brokenRing(where, "the writing key is not among its keys");
  return { keys, writes, fingerprint: keyBytes(fingerprint, where, FINGERPRINT_ID) };
}

/** The JSON of a key file. It holds the keys: for the file only. */
export function jsonOfMaterial({ keys, writes, fingerprint }: KeyMaterial): string {
  const entries = [...keys].map(([id, key]) => [id, key.toString("base64url")]);
  const file = {
    format: 1,
    writes,
    keys: Object.fromEntries(entries),
    fingerprint: fingerprint.toString("base64url"),
  };
  return `${JSON.stringify(file, undefined, 2)}\n`;
}

/** What a key may be called: it stands in clear in everything sealed and in messages. Too short for a key that stands in its place. */
export function isKeyId(id: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/.test(id);
}

function keyBytes(text: string, where: string, id: string): Buffer {
  const bytes = Buffer.from(text, "base64url");
  // Node's decoder skips what it does not know: only what it gives back unchanged was read whole.
  const whole = bytes.toString("base64url") === text.replace(/=+$/, "");
  if (!whole || bytes.length !== KEY_BYTES) {
    throw brokenRing(where, `the entry ${id} is not the base64url of ${KEY_BYTES} bytes`);
  }
  return bytes;
}

function isRecord(data: unknown): data is Record<string, unknown> {
  return typeof data === "object" && data !== null && !Array.isArray(data);
}

import type { Secret } from "../../core/secret-value.ts";

/**
 * Seals a value to a repository's public key (32 bytes in base64) as GitHub wants it: libsodium's `crypto_box_seal`, in
 * padded base64. Throws on a key of another length. libsodium is loaded here and not above: it is WebAssembly that
 * only a write needs.
 */
export async function sealedBox(value: Secret, publicKey: string): Promise<string> {
  const sodium = await sealingReady();
  const box = sodium.crypto_box_seal(value.reveal(), Buffer.from(publicKey, "base64"));
  return Buffer.from(box).toString("base64");
}

/** Loads libsodium; whoever fetches a key to seal to may begin with this meanwhile. */
export async function sealingReady() {
  const { default: sodium } = await import("libsodium-wrappers");
  await sodium.ready;
  return sodium;
}

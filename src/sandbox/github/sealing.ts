import sodium from "libsodium-wrappers";
import { integerId } from "../random.ts";
import type { World } from "../world.ts";
import type { SealingKey } from "./state.ts";

/** Resolves once libsodium is loaded; sealing works synchronously from then on. */
export async function sealingReady(): Promise<void> {
  await sodium.ready;
}

/** A new key pair, with an id in GitHub's form. */
export function newSealingKey(random: World["random"]): SealingKey {
  return {
    keyId: `${integerId(random)}${integerId(random)}`,
    seed: random(32).toString("base64"),
  };
}

/** The public half, in base64. */
export function publicKeyOf(key: SealingKey): string {
  return Buffer.from(pairOf(key).publicKey).toString("base64");
}

// Made when it is asked for: a sandbox has a key for each place, and most are never written to.
function pairOf({ seed }: SealingKey) {
  return sodium.crypto_box_seed_keypair(Buffer.from(seed, "base64"));
}

/** What a sealed box holds, or null where it was not sealed to this key. */
export function openSealed(key: SealingKey, sealed: string): string | null {
  try {
    const { publicKey, privateKey } = pairOf(key);
    const opened = sodium.crypto_box_seal_open(Buffer.from(sealed, "base64"), publicKey, privateKey);
    return Buffer.from(opened).toString("utf8");
  } catch {
    return null;
  }
}

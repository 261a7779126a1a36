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
  const pair = sodium.crypto_box_seed_keypair(random(32));
  return {
    keyId: `${integerId(random)}${integerId(random)}`,
    publicKey: Buffer.from(pair.publicKey).toString("base64"),
    privateKey: Buffer.from(pair.privateKey).toString("base64"),
  };
}

/** What a sealed box holds, or null where it was not sealed to this key. */
export function openSealed(key: SealingKey, sealed: string): string | null {
  try {
    const opened = sodium.crypto_box_seal_open(
      Buffer.from(sealed, "base64"),
      Buffer.from(key.publicKey, "base64"),
      Buffer.from(key.privateKey, "base64"),
    );
    return Buffer.from(opened).toString("utf8");
  } catch {
    return null;
  }
}

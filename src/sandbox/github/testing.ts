import sodium from "libsodium-wrappers";
import type { Sandbox } from "../sandbox.ts";
import { at, type Send } from "../testing.ts";

/** The repository of the estate, as acts and as paths name it. */
export const CALLED = "raxx-app/TradeMasterAPI";
export const REPO = `/repos/${CALLED}`;

/** The body of a write: a value sealed to the key of the place whose secrets have this path. */
export async function sealed(send: Send, base: string, value: string): Promise<Record<string, unknown>> {
  const { body } = await send("GET", `${base}/public-key`);
  const box = sodium.crypto_box_seal(value, Buffer.from(String(at(body, "key")), "base64"));
  return { key_id: at(body, "key_id"), encrypted_value: Buffer.from(box).toString("base64") };
}

/** The repository as GitHub holds it. */
export function repositoryOf(sandbox: Sandbox) {
  const [found] = sandbox.github.repositories;
  if (!found) throw new Error("no repository");
  return found;
}

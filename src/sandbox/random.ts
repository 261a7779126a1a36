import { createHash } from "node:crypto";
import type { World } from "./world.ts";

type Random = World["random"];

const ALPHANUMERIC = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** A version 4 UUID. */
export function uuid(random: Random): string {
  const bytes = Buffer.from(random(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** Letters and digits; the slight bias of the modulo does not matter for a simulated secret. */
export function alphanumeric(random: Random, length: number): string {
  let text = "";
  for (const byte of random(length)) text += ALPHANUMERIC[byte % ALPHANUMERIC.length];
  return text;
}

/** Lower-case hexadecimal digits of so many bytes. */
export function hex(random: Random, bytes: number): string {
  return random(bytes).toString("hex");
}

/** An integer identifier below 2^31, as GitHub uses. */
export function integerId(random: Random): number {
  return (random(4).readUInt32BE() % 2_000_000_000) + 100_000_000;
}

/** A UUID that this text always gives, for ids of things that are not worth a place in the state. */
export function uuidOf(text: string): string {
  return uuid(() => createHash("sha256").update(text).digest().subarray(0, 16));
}

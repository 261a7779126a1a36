import { createHmac, timingSafeEqual } from "node:crypto";
import type { Secret } from "../../core/secret-value.ts";

const SHOWN = /^lockstep-proof ([0-9a-f]{64})$/;

/** Title that the proof workflow gives its run (its `run-name`), by which the run is found again. */
export function proofTitle(nonce: string): string {
  return `lockstep proof ${nonce}`;
}

/** The proofs, 64 hexadecimal digits each, that a run's job names show. */
export function proofsIn(jobs: readonly string[]): readonly string[] {
  return jobs.flatMap((name) => SHOWN.exec(name)?.[1] ?? []);
}

/** Whether a job that showed this proof held the value: HMAC-SHA256 over the nonce, the value its key; in constant time. */
export function isProofOf(shown: string, value: Secret, nonce: string): boolean {
  const proof = createHmac("sha256", value.reveal()).update(nonce).digest();
  const other = Buffer.from(shown, "hex");
  return other.length === proof.length && timingSafeEqual(other, proof);
}

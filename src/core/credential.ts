import type { Instant } from "./time.ts";

/** Keyed HMAC of one field's value, 32 lower-case hex characters. Equal values of one installation have equal fingerprints. */
export type Fingerprint = string;

/** One fingerprint a field. */
export type Fingerprints = Readonly<Record<string, Fingerprint>>;

/** Whether both name the same fields with the same fingerprints. */
export function sameFingerprints(a: Fingerprints, b: Fingerprints): boolean {
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => a[name] !== undefined && a[name] === b[name])
  );
}

/** A short label for people: the first six characters of the first field's fingerprint. */
export function labelOf(fingerprints: Fingerprints): string {
  const first = Object.keys(fingerprints).sort()[0];
  return first === undefined ? "none" : (fingerprints[first] ?? "").slice(0, 6);
}

/** The identity of a credential at its issuer, without its value. */
export interface Credential {
  /** The issuer's id, exact and immutable: what an end names. */
  readonly id: string;
  /** The issuer's description or name, control characters removed. */
  readonly description: string;
  readonly scopes: readonly string[];
  readonly createdAt: Instant;
  /** The account it belongs to, as the issuer prints it (an email address, an account number). */
  readonly account: string;
}

/** Stands where a credential cannot be told: its id is empty, so nothing is ever ended by it. */
export const NOBODY: Credential = { id: "", description: "none", scopes: [], createdAt: "", account: "" };

/** Where a credential stands in a secret's line. */
export type GenerationState = "pending" | "current" | "previous" | "retired";

/** One credential in a secret's line, as recorded. */
export interface Generation {
  readonly secret: string;
  readonly credential: Credential;
  readonly fingerprints: Fingerprints;
  readonly state: GenerationState;
  readonly since: Instant;
}

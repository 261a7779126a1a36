import type { Values } from "../core/secret-value.ts";

/** Hands the plain text of each field over, for the one-time reveals that a person asks for (P7); the caller has audited it. */
export function handOver(values: Values, take: (field: string, text: string) => void): void {
  for (const [field, value] of Object.entries(values)) take(field, value.reveal());
}

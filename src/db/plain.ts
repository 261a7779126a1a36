import { LockstepError } from "../core/errors.ts";
import { holdsValue, Secret, withoutValues } from "../core/secret-value.ts";

/**
 * Throws INTERNAL if a {@link Secret} hides at any depth. The types forbid it already; this is for data whose type says
 * `unknown`, and it names the place, never the value (P7).
 */
function assertNoSecrets(data: unknown, place = "the entry"): void {
  walk(data, place, new Set());
}

function walk(data: unknown, place: string, seen: Set<object>): void {
  if (typeof data !== "object" || data === null || seen.has(data)) return;
  if (data instanceof Secret) {
    throw new LockstepError({
      code: "INTERNAL",
      message: `a secret value stands at ${place}`,
      because: "values are never recorded, not even masked: a mask hides that they came this far",
      next: "lockstep doctor",
    });
  }
  seen.add(data);
  if (data instanceof Map) walkAll([...data.keys(), ...data.values()], place, seen);
  else if (data instanceof Set) walkAll([...data], place, seen);
  else for (const [name, part] of Object.entries(data)) walk(part, `${place}.${name}`, seen);
}

function walkAll(parts: readonly unknown[], place: string, seen: Set<object>): void {
  for (const part of parts) walk(part, place, seen);
}

/** How JSON writes what `jsonb` refuses; also where it only looks like it. */
const UNFIT = /\\u(?:0000|d[89a-f])/;

/**
 * JSON for a `jsonb` parameter, checked by {@link assertNoSecrets}; null for undefined. What `jsonb` refuses (NUL, halves of
 * surrogate pairs) is removed: text of a vendor must never make an audit entry fail.
 */
export function jsonText(data: unknown, place?: string): string | null {
  if (data === undefined) return null;
  assertNoSecrets(data, place);
  // As a whole first: most records hold nothing to be removed, and to look into each of their texts takes longer than to write them.
  const json = JSON.stringify(data);
  if (!UNFIT.test(json) && !holdsValue(json)) return json;
  return JSON.stringify(data, (_name, part: unknown) => {
    if (typeof part === "string") return plainText(part);
    return isRecord(part) ? withPlainNames(part) : part;
  });
}

/**
 * JSON of what came from the configuration alone and must come back as it was: a plan's hash counts every character, and a
 * word of it (`production`) may well be the value of somebody's config var too.
 */
export function wholeJson(data: unknown, place?: string): string {
  assertNoSecrets(data, place);
  return JSON.stringify(data) ?? "null";
}

/** Text as PostgreSQL can hold it, without any value that a vendor may have quoted in it. */
export function plainText(text: string): string {
  return withoutValues(text).replaceAll("\u0000", "").toWellFormed();
}

function isRecord(part: unknown): part is Record<string, unknown> {
  return typeof part === "object" && part !== null && !Array.isArray(part);
}

function withPlainNames(part: Record<string, unknown>): Record<string, unknown> {
  const names = Object.keys(part);
  if (names.every((name) => plainText(name) === name)) return part;
  return Object.fromEntries(Object.entries(part).map(([name, value]) => [plainText(name), value]));
}

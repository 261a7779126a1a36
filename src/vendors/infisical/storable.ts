import type { Secret } from "../../core/secret-value.ts";

/**
 * Why Infisical would not keep this text as it is, or undefined where it would: it trims white space at both ends (but
 * for one line feed), and reads `${…}` as a reference to another secret (infisical.md, VALUE NORMALISATION).
 */
export function changedWhenStored(value: Secret): string | undefined {
  const text = value.reveal();
  if (text === "") return "it is empty";
  // A last line feed would survive, but a rule that is simple to say is worth more than a key with a line feed.
  if (text !== text.trim()) return "it begins or ends with white space, which Infisical removes";
  if (text.includes("${")) return "it contains ${, which Infisical reads as a reference to another secret";
  return undefined;
}

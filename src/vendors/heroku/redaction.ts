import type { Secret } from "../../core/secret-value.ts";

/** How a value compares with what Heroku shows of a token. */
export interface Fit {
  readonly fits: boolean;
  /** Whether the token was shown unredacted. */
  readonly whole: boolean;
  /** Visible characters before the asterisks, not counting the constant `HRKU-`; 0 where it does not fit. */
  readonly prefix: number;
  /** Visible characters after the asterisks; 0 where it does not fit. */
  readonly suffix: number;
}

const NONE: Fit = { fits: false, whole: false, prefix: 0, suffix: 0 };
/** Every token since 2022 starts with it, so that it tells nothing. */
const CONSTANT = "HRKU-";

/** Visible characters that tell one token from all others without a record, and how many of them at the end (HK-04). */
export const ENOUGH = 6;
export const ENOUGH_SUFFIX = 4;

/** Whether the comparison alone ties the value to the token. */
export function tells({ fits, whole, prefix, suffix }: Fit): boolean {
  return fits && (whole || (prefix + suffix >= ENOUGH && suffix >= ENOUGH_SUFFIX));
}

/**
 * Compares a value with a token as lists show it since 2026-05: `<prefix>**********<suffix>`, exactly ten asterisks,
 * either side possibly empty (heroku-cli-command#352). A token in full fits by equality; any other form fits nothing.
 */
export function fitOf(value: Secret, shown: Secret): Fit {
  const [text, visible] = [value.reveal(), shown.reveal()];
  const match = /^([^*]*)\*{10}([^*]*)$/.exec(visible);
  if (match === null) return text !== "" && text === visible ? { ...NONE, fits: true, whole: true } : NONE;
  const [, prefix = "", suffix = ""] = match;
  const longEnough = prefix.length + suffix.length <= text.length;
  if (!longEnough || !text.startsWith(prefix) || !text.endsWith(suffix)) return NONE;
  const constant = CONSTANT.startsWith(prefix)
    ? prefix.length
    : prefix.startsWith(CONSTANT)
      ? CONSTANT.length
      : 0;
  return { fits: true, whole: false, prefix: prefix.length - constant, suffix: suffix.length };
}

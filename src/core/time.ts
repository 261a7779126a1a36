/** A moment in UTC, ISO 8601 with milliseconds: `2026-11-21T08:30:00.000Z`. Sorts as text. */
export type Instant = string;

/** Milliseconds. */
export type Milliseconds = number;

/** Gives the time; the only source of "now" outside the engine and the vendors' replies. */
export interface Clock {
  now(): Instant;
}

/** The machine's clock. */
export const systemClock: Clock = { now: () => new Date().toISOString() };

/** The moment that many milliseconds after the Unix epoch. */
export function instantOf(ms: Milliseconds): Instant {
  return new Date(ms).toISOString();
}

/** Milliseconds since the Unix epoch. Throws RangeError on text that is no moment. */
export function msOf(at: Instant): Milliseconds {
  const ms = Date.parse(at);
  if (Number.isNaN(ms)) throw new RangeError(`not a moment: ${at}`);
  return ms;
}

/** The moment `ms` later (earlier when negative). */
export function after(at: Instant, ms: Milliseconds): Instant {
  return instantOf(msOf(at) + ms);
}

/** From `from` to `to`, in milliseconds; negative when `to` lies before. */
export function between(from: Instant, to: Instant): Milliseconds {
  return msOf(to) - msOf(from);
}

/** The beginning of its second. */
export function secondOf(at: Instant): Instant {
  return instantOf(Math.floor(msOf(at) / 1_000) * 1_000);
}

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A duration as people write it: `0`, `90s`, `30m`, `24h`, `90d`. */
export type DurationText = "0" | `${number}${keyof typeof UNITS}`;

/** Milliseconds of a {@link DurationText}; undefined when the text is none. */
export function durationOf(text: string): Milliseconds | undefined {
  if (text === "0") return 0;
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
  if (!match) return undefined;
  return Number(match[1]) * UNITS[match[2] as keyof typeof UNITS];
}

/** A duration for people: `45 s`, `12 min`, `3 h`, `90 days`. */
export function durationText(ms: Milliseconds): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 90_000) return `${Math.round(ms / 1_000)} s`;
  if (ms < 90 * 60_000) return `${Math.round(ms / 60_000)} min`;
  if (ms < 48 * UNITS.h) return `${Math.round(ms / UNITS.h)} h`;
  return `${Math.round(ms / UNITS.d)} days`;
}

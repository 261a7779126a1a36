const RealDate = globalThis.Date;
let now = RealDate.now();
let ahead = 0;

/** Texts of moments: a simulation asks for the same few thousands of times, and the platform writes each anew. */
const texts = new Map<number, string>();
const MOST_TEXTS = 512;

class SetDate extends RealDate {
  constructor(...given: [] | [number | string | Date]) {
    super(given.length === 0 ? now + ahead : given[0]);
  }

  static override now(): number {
    return now + ahead;
  }

  override toISOString(): string {
    const ms = this.getTime();
    const known = texts.get(ms);
    if (known !== undefined) return known;
    if (texts.size >= MOST_TEXTS) texts.clear();
    const text = super.toISOString();
    texts.set(ms, text);
    return text;
  }
}

/** Replaces the program's clock: from now on it stands at this moment, in milliseconds since the Unix epoch. */
export function dateAt(ms: number): void {
  now = ms;
  globalThis.Date = SetDate as DateConstructor;
}

/** Sets the program's clock so far ahead of that moment, or behind it, as a time server may. */
export function dateAhead(ms: number): void {
  ahead = ms;
}

/** The machine's clock again. */
export function dateOfMachine(): void {
  ahead = 0;
  globalThis.Date = RealDate;
}

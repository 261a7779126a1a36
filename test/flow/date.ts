const RealDate = globalThis.Date;
let now = RealDate.now();
let ahead = 0;

class SetDate extends RealDate {
  constructor(...given: [] | [number | string | Date]) {
    super(...((given.length === 0 ? [now + ahead] : given) as [number]));
  }

  static override now(): number {
    return now + ahead;
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

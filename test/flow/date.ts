const RealDate = globalThis.Date;
let now = RealDate.now();

class SetDate extends RealDate {
  constructor(...given: [] | [number | string | Date]) {
    super(...((given.length === 0 ? [now] : given) as [number]));
  }

  static override now(): number {
    return now;
  }
}

/** Replaces the program's clock: from now on it stands at this moment, in milliseconds since the Unix epoch. */
export function dateAt(ms: number): void {
  now = ms;
  globalThis.Date = SetDate as DateConstructor;
}

/** The machine's clock again. */
export function dateOfMachine(): void {
  globalThis.Date = RealDate;
}

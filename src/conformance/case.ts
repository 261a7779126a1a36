/** One thing that a suite checks. Any test runner can carry it out: it throws a plain Error that says what was expected. */
export interface Case {
  readonly name: string;
  run(): Promise<void>;
}

/** Throws unless it holds. What is said never quotes an adapter's text, which may hold a value. */
export function ensure(holds: boolean, expected: string, found?: string): asserts holds {
  if (!holds)
    throw new Error(found === undefined ? `expected ${expected}` : `expected ${expected}; found ${found}`);
}

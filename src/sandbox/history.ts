/** Earlier states of a vendor, each as it was just before a write, for replies from a lagging replica. */
export interface History<S> {
  /** The state comes serialized: the live one changes in place. */
  remember(path: string, at: number, state: string): void;
  /** The state before the last write at this path, or before the last write of all. */
  before(path: string): S | null;
  /** The state as it was at this time, if something was written since. */
  asOf(at: number): S | null;
}

/** An empty history; it keeps the states before the last 30 writes. */
export function createHistory<S>(): History<S> {
  const kept: { path: string; at: number; state: string }[] = [];
  const read = (entry: { state: string } | undefined): S | null => (entry ? JSON.parse(entry.state) : null);
  return {
    remember(path, at, state) {
      kept.push({ path, at, state });
      if (kept.length > 30) kept.shift();
    },
    before: (path) => read(kept.findLast((one) => related(one.path, path)) ?? kept.at(-1)),
    asOf: (at) => read(kept.find((one) => one.at > at)),
  };
}

// A list shows what a write to one of its items changed.
function related(written: string, read: string): boolean {
  return written === read || written.startsWith(`${read}/`) || read.startsWith(`${written}/`);
}

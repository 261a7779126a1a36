/** Numbers that only the seed decides. */
export interface Chance {
  /** A whole number from 0 to below `end`. */
  below(end: number): number;
  /** A whole number from `from` to `to`, both included. */
  between(from: number, to: number): number;
  /** True in so many of a hundred cases. */
  percent(part: number): boolean;
  pick<T>(list: readonly T[]): T;
  bytes(count: number): Buffer;
}

/** A stream of numbers of its own; the same seed and name give the same ones (mulberry32). */
export function chanceOf(seed: number, name: string): Chance {
  let state = mixed(seed, name);
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  };
  const below = (end: number) => next() % end;
  return {
    below,
    between: (from, to) => from + below(to - from + 1),
    percent: (part) => below(100) < part,
    pick: <T>(list: readonly T[]): T => {
      if (list.length === 0) throw new Error("nothing to pick from");
      return list[below(list.length)] as T;
    },
    bytes: (count) => {
      const bytes = Buffer.alloc(count);
      for (let i = 0; i < count; i += 1) bytes[i] = next() & 0xff;
      return bytes;
    },
  };
}

/** FNV-1a over the name, begun with the seed. */
function mixed(seed: number, name: string): number {
  let hash = 0x811c9dc5 ^ Math.imul(seed | 0, 0x9e3779b1);
  for (const letter of name) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193);
  return hash | 0;
}

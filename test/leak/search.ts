/** Looks for known values in bytes, in every form in which a value is commonly written down. Pure: no files, no processes. */

/** A value that must not be found. */
export interface Known {
  /** What it is called in a report; the value itself is never reported. */
  readonly name: string;
  readonly bytes: Buffer;
  /** So many leading bytes are the same in every value of its kind and tell nothing: `github_pat_`. */
  readonly constant?: number;
}

/** A way of writing a value. `raw` covers every part of it that is at least {@link WINDOW} bytes long. */
export type Form = "raw" | "base64" | "base64url" | "hex" | "HEX" | "url" | "json";

/** A value that was found, and where in the bytes. */
export interface Hit {
  readonly known: string;
  readonly form: Form;
  readonly at: number;
}

/** A part of this length of a value counts as the value. Heroku's lists rightly show 9 characters at the front and 4 at the end. */
export const WINDOW = 12;

/** All texts by which a value is looked for; whoever finds one of them has found the value. */
export function formsOf({ bytes, constant = 0 }: Known): readonly { form: Form; text: Buffer }[] {
  const told = bytes.subarray(constant);
  const text = told.toString("utf8");
  const isText = Buffer.from(text, "utf8").equals(told);
  // A few of the constant bytes stay here, so that a short beginning of the rest is found too.
  const raw = bytes.subarray(Math.max(0, constant - WINDOW / 2));
  const forms: { form: Form; text: Buffer }[] = [{ form: "raw", text: raw }];
  const add = (form: Form, written: string) => forms.push({ form, text: Buffer.from(written, "latin1") });
  for (const skip of [0, 1, 2]) {
    // Only whole groups of three bytes: what stands before and behind decides the rest.
    const whole = told.subarray(skip, skip + Math.floor((told.length - skip) / 3) * 3);
    add("base64", whole.toString("base64"));
    add("base64url", whole.toString("base64url"));
  }
  add("hex", told.toString("hex"));
  add("HEX", told.toString("hex").toUpperCase());
  const percents = [...told].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
  add("url", percents);
  add("url", percents.toUpperCase());
  if (isText) {
    add("url", encodeURIComponent(text));
    forms.push({ form: "json", text: Buffer.from(JSON.stringify(text).slice(1, -1), "utf8") });
  }
  return forms.filter((one) => one.text.length >= WINDOW);
}

const PERCENT = 0x25;
const NONE = Buffer.alloc(0);

interface Needle {
  readonly known: string;
  readonly form: Form;
  readonly bytes: Buffer;
  /** What must follow them: a window of `%41%42…` is but four bytes of a value, which others have by chance. */
  readonly rest: Buffer;
}

/** Raw at every offset; encoded forms at every WINDOW-th, so that a part of thrice that length is always found. */
function needlesOf(known: readonly Known[]): readonly Needle[] {
  const needles: Needle[] = [];
  const taken = new Set<string>();
  for (const one of known) {
    for (const { form, text } of formsOf(one)) {
      const last = text.length - WINDOW;
      const step = form === "raw" ? 1 : WINDOW;
      for (let at = 0; at < last + step; at += step) {
        const from = Math.min(at, last);
        const bytes = text.subarray(from, from + WINDOW);
        const rest =
          bytes.filter((byte) => byte === PERCENT).length > 1
            ? text.subarray(from + WINDOW, from + 2 * WINDOW)
            : NONE;
        // The window before it covers the end of a long text.
        if (rest !== NONE && rest.length < WINDOW && text.length >= 2 * WINDOW) continue;
        const key = Buffer.concat([bytes, rest]).toString("latin1");
        if (taken.has(key)) continue;
        taken.add(key);
        needles.push({ known: one.name, form, bytes, rest });
      }
    }
  }
  return needles;
}

const BLOCK = 4;
const FARTHEST = WINDOW - BLOCK + 1;
const BITS = 18;

function slotOf(block: number): number {
  return Math.imul(block, 0x9e3779b1) >>> (32 - BITS);
}

function blockAt(bytes: Buffer, at: number): number {
  return (
    (((bytes[at] ?? 0) << 24) |
      ((bytes[at + 1] ?? 0) << 16) |
      ((bytes[at + 2] ?? 0) << 8) |
      (bytes[at + 3] ?? 0)) >>>
    0
  );
}

/**
 * A function that finds these values in bytes, each value and form once. Thousands of needles in one pass over the bytes
 * (Wu and Manber: the last four bytes of a window say how far it may be moved); `indexOf` for each took minutes for a data
 * directory.
 */
export function searcherFor(known: readonly Known[]): (bytes: Buffer) => readonly Hit[] {
  const needles = needlesOf(known);
  const shifts = new Uint8Array(1 << BITS).fill(FARTHEST);
  const endings = new Map<number, Needle[]>();
  for (const needle of needles) {
    for (let end = BLOCK; end <= WINDOW; end += 1) {
      const slot = slotOf(blockAt(needle.bytes, end - BLOCK));
      shifts[slot] = Math.min(shifts[slot] ?? FARTHEST, WINDOW - end);
    }
    const ending = blockAt(needle.bytes, WINDOW - BLOCK);
    endings.set(ending, [...(endings.get(ending) ?? []), needle]);
  }
  return (bytes) => {
    const found = new Map<string, Hit>();
    for (let at = WINDOW - BLOCK; at <= bytes.length - BLOCK; ) {
      const block = blockAt(bytes, at);
      const shift = shifts[slotOf(block)] ?? 0;
      if (shift > 0) {
        at += shift;
        continue;
      }
      const start = at - (WINDOW - BLOCK);
      for (const needle of endings.get(block) ?? []) {
        if (bytes.compare(needle.bytes, 0, WINDOW, start, start + WINDOW) !== 0) continue;
        const { rest } = needle;
        if (!rest.equals(bytes.subarray(start + WINDOW, start + WINDOW + rest.length))) continue;
        const { known: name, form } = needle;
        const key = `${name} ${form}`;
        if (!found.has(key)) found.set(key, { known: name, form, at: start });
      }
      at += 1;
    }
    return [...found.values()];
  };
}

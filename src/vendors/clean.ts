const LONGEST = 200;
/** A repeated part of a value this long is no coincidence, and shorter ones tell nothing worth having. */
const WINDOW = 8;
const MARK = 4;

/**
 * A vendor's text made fit for errors and records: control characters removed, at most 200 characters, and empty when
 * it repeats a part of anything that was sent. Masking just the part was rejected: what is left around it tells its
 * length, and an encoding that we do not know would pass.
 */
export function cleaned(text: string, hidden: readonly string[]): string {
  if (repeats(text, hidden)) return "";
  const line = oneLine(text);
  return line.length > LONGEST ? `${line.slice(0, LONGEST - 1)}…` : line;
}

/** Text without control, format and bidirectional characters, runs of white space made one space. */
export function oneLine(text: string): string {
  if (!/[^ -~]| {2}|^ | $/.test(text)) return text;
  return text
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ")
    .replace(/\s+/g, " ")
    .trim();
}

/** Whether the text contains a part of a hidden value, plain or in base64, hex or URL encoding. */
export function repeats(text: string, hidden: readonly string[]): boolean {
  const folded = text.toLowerCase();
  return formsIn(hidden).some((form) =>
    form.length <= WINDOW ? folded.includes(form) : share(folded, form),
  );
}

/** The forms of what one call hides: several texts of its reply are looked through, and with the call they are gone. */
const known = new WeakMap<readonly string[], readonly string[]>();

function formsIn(hidden: readonly string[]): readonly string[] {
  const found = known.get(hidden);
  if (found) return found;
  const forms = hidden.flatMap((value) => {
    const all = formsOf(value).map((form) => form.toLowerCase());
    // As one text, which is looked through once; what would fit across two forms has a line's end in it, and is no loss.
    return value.length > WINDOW ? all.join("\n") : all;
  });
  known.set(hidden, forms);
  return forms;
}

/**
 * Whether both have a part of that length in common. Parts of the text are looked for in the form, not the other way round:
 * texts are the shorter ones. Each part covers one of the marks, few of which stand in a form by chance.
 */
function share(text: string, form: string): boolean {
  for (let mark = 0; mark + MARK <= text.length; mark += WINDOW - MARK + 1) {
    if (!form.includes(text.slice(mark, mark + MARK))) continue;
    const last = Math.min(mark, text.length - WINDOW);
    for (let at = Math.max(0, mark + MARK - WINDOW); at <= last; at += 1)
      if (form.includes(text.slice(at, at + WINDOW))) return true;
  }
  return false;
}

function formsOf(value: string): string[] {
  if (value === "") return [];
  const bytes = Buffer.from(value, "utf8");
  // The last character of base64 depends on what comes after the value, and so does the padding.
  const shifted = [0, 1, 2].map((skip) => {
    const left = bytes.length - skip;
    return bytes.toString("base64", skip).slice(0, Math.max(0, Math.ceil((left * 4) / 3) - 1));
  });
  return [
    value,
    ...shifted,
    bytes.toString("base64url"),
    bytes.toString("hex"),
    encodeURIComponent(value),
  ].filter((form) => form !== "");
}

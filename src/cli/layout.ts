/** What every terminal has; a pipe gets no more, so that what is pasted is what was seen. */
const WIDTH = 80;

/** What the text at the end of a line gets in any case, whatever stands before it. */
const NARROWEST = 24;

/** Rows with their columns padded to the widest cell; the last cell of a row is broken where it would be too wide. */
export function table(rows: readonly (readonly string[])[]): string {
  return padded(rows)
    .map(([head, last]) => hanging(head + last, head.length).trimEnd())
    .join("\n");
}

/** The same with every row on one line. */
export function tableLines(rows: readonly (readonly string[])[]): readonly string[] {
  return padded(rows).map(([head, last]) => (head + last).trimEnd());
}

function padded(rows: readonly (readonly string[])[]): readonly (readonly [head: string, last: string])[] {
  const widths: number[] = [];
  for (const row of rows)
    row.slice(0, -1).forEach((cell, i) => {
      widths[i] = Math.max(widths[i] ?? 0, cell.length + 2);
    });
  return rows.map((row) => {
    const head = row.slice(0, -1).map((cell, i) => cell.padEnd(widths[i] ?? 0));
    return [head.join(""), row.at(-1) ?? ""];
  });
}

/** Things, each with what is said of it on lines of their own below: beside it there would be no room. */
export function blocks(things: readonly (readonly [thing: string, ...says: string[]])[]): string {
  return things
    .map(([thing, ...says]) => [thing, ...says.map((one) => hanging(`    ${one}`, 4))].join("\n"))
    .join("\n");
}

/** A line broken between words where it is too wide; what follows stands `column` columns in. */
export function hanging(line: string, column: number): string {
  const [first = "", ...others] = wrapped(line.slice(column), Math.max(WIDTH - column, NARROWEST));
  return [line.slice(0, column) + first, ...others.map((one) => " ".repeat(column) + one)].join("\n");
}

/** A command, and below it what it does; it is never broken, so that it can be copied. */
export function commandLines(lead: string, text: string): readonly string[] {
  const [command = "", ...means] = text.split(/ {4,}/);
  return [lead + command, ...means.map((one) => " ".repeat(lead.length) + one)];
}

/** A figure stays with its unit. */
const BETWEEN_WORDS = / (?!(?<=\d )(?:ms|s|min|h|d)\b)/;

/** Lines of at most `width` columns, broken between words; a longer word stays whole, so that it can be copied. */
function wrapped(text: string, width: number): readonly string[] {
  const lines: string[] = [];
  for (const word of text.split(BETWEEN_WORDS)) {
    const line = lines.at(-1);
    if (line === undefined || line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${line} ${word}`;
  }
  return lines;
}

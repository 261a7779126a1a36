/**
 * Which items of a list were not typed back, and what was typed besides. Separators are commas and line ends, and an item may
 * hold commas itself, so the longest items are taken out first.
 */
export function typedBack(
  list: readonly string[],
  typed: string,
): { readonly missing: readonly string[]; readonly besides: string } {
  let left = squeezed(typed);
  const missing: string[] = [];
  for (const item of list.toSorted((a, b) => b.length - a.length)) {
    const at = left.indexOf(squeezed(item));
    if (at < 0) missing.push(item);
    else left = `${left.slice(0, at)},${left.slice(at + squeezed(item).length)}`;
  }
  return {
    missing: list.filter((item) => missing.includes(item)),
    besides: left.replace(/^[\s,]+|[\s,]+$/g, ""),
  };
}

function squeezed(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim();
}

/** A page of a list with the headers that announce the rest. */
export interface Page<T> {
  status: 200 | 206 | 416;
  items: T[];
  headers: Record<string, string>;
}

type Key = string | number;

/** Heroku's paging by the Range header: `id ]last..; max=200, order=desc`. */
export function page<T>(all: T[], range: string | null, keys: Record<string, (item: T) => Key>): Page<T> {
  const accept = Object.keys(keys).join(", ");
  const fallback = Object.keys(keys)[0] ?? "id";
  const asked: Asked | null = range === null || range === "" ? {} : parse(range, Object.keys(keys));
  const field = asked?.field ?? fallback;
  const key = keys[field];
  if (asked === null || key === undefined)
    return { status: 416, items: [], headers: { "accept-ranges": accept } };
  const direction = asked.descending ? -1 : 1;
  const sorted = all.toSorted((a, b) => direction * compare(key(a), key(b)));
  const from = asked.start;
  const rest = sorted.filter((item) => {
    if (from === undefined || from === "") return true;
    const distance = direction * compare(key(item), typeof key(item) === "number" ? Number(from) : from);
    return asked.exclusive ? distance > 0 : distance >= 0;
  });
  const max = Math.min(asked.max ?? 200, 1000);
  const items = rest.slice(0, max);
  const options = `max=${max}${asked.descending ? ",order=desc" : ""}`;
  const headers: Record<string, string> = { "accept-ranges": accept };
  const first = items[0];
  const last = items.at(-1);
  if (first !== undefined && last !== undefined)
    headers["content-range"] = `${field} ${key(first)}..${key(last)}; ${options}`;
  if (rest.length <= max || last === undefined) return { status: 200, items, headers };
  headers["next-range"] = `${field} ]${key(last)}..; ${options}`;
  return { status: 206, items, headers };
}

interface Asked {
  field?: string;
  start?: string;
  exclusive?: boolean;
  max?: number;
  descending?: boolean;
}

function parse(range: string, fields: string[]): Asked | null {
  const [bounds = "", ...options] = range.split(/[,;]/);
  const dots = bounds.indexOf("..");
  if (dots < 0) return null;
  // Both `]id X..` and `id ]X..` occur, and a start without a field name.
  const words = bounds.slice(0, dots).replace("]", " ").trim().split(/\s+/).filter(Boolean);
  const asked: Asked = { exclusive: bounds.includes("]") };
  if (words.length === 2 || (words[0] !== undefined && fields.includes(words[0])))
    asked.field = words.shift() ?? "";
  asked.start = words[0] ?? "";
  for (const option of options) {
    const [name, value] = option.trim().split("=");
    if (name === "max" && Number(value) > 0) asked.max = Number(value);
    if (name === "order" && value === "desc") asked.descending = true;
  }
  return asked;
}

function compare(a: Key, b: Key): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

import { z } from "zod";

/** One mistake: where, what stands there, what is allowed. */
export interface Mistake {
  readonly path: string;
  readonly found: string;
  readonly allowed: string;
}

/** What of the input a schema takes: fields and entries with a mistake are undefined, fields that are not known stay. */
export function understood(schema: z.core.$ZodType, input: unknown): unknown {
  const parsed = z.safeParse(schema, input);
  if (parsed.success) return parsed.data;
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault)
    return understood(schema.def.innerType, input);
  if (Array.isArray(input))
    return schema instanceof z.ZodArray ? input.map((one) => understood(schema.def.element, one)) : undefined;
  if (typeof input !== "object" || input === null) return undefined;
  const fields = (of: object, schemaOf: (key: string) => z.core.$ZodType | undefined) =>
    Object.keys(of).map((key) => {
      const field = schemaOf(key);
      return [key, field && understood(field, Reflect.get(input, key))] as const;
    });
  if (schema instanceof z.ZodRecord) return Object.fromEntries(fields(input, () => schema.def.valueType));
  if (schema instanceof z.ZodObject)
    return { ...input, ...Object.fromEntries(fields(schema.shape, (key) => schema.shape[key])) };
  return undefined;
}

/** A mistake where a name leads nowhere, or nothing is written. */
export function absent(
  path: readonly PropertyKey[],
  found: string | undefined,
  allowed: readonly string[],
): Mistake {
  return {
    path: pathText(path),
    found: found === undefined ? "nothing" : shown(found),
    allowed: allowed.join(", ") || "none is configured",
  };
}

type Issue = z.core.$ZodIssue;

/** One for each field that is not known, with what it may have been meant for; else the one. */
export function mistakesIn(
  issue: Issue,
  input: unknown,
  under: readonly PropertyKey[],
  schema: z.ZodType | undefined,
): readonly Mistake[] {
  const path = [...under, ...issue.path];
  if (issue.code === "unrecognized_keys") {
    const known = fieldsAt(schema, issue.path);
    return issue.keys.map((key) => ({
      path: pathText([...path, key]),
      found: "a field that is not known here",
      allowed: known.find((one) => isNear(one, key)) ?? (known.join(", ") || "no such field"),
    }));
  }
  if (issue.code === "invalid_key") {
    const allowed = issue.issues[0]?.message ?? issue.message;
    return [{ path: pathText(path), found: shown(String(issue.path.at(-1))), allowed }];
  }
  if (issue.code === "invalid_type" && issue.expected === "object") {
    const known = fieldsAt(schema, issue.path);
    const allowed = known.length > 0 ? `an object with ${known.join(", ")}` : "an object";
    return [{ path: pathText(path) || "the default export", found: foundAt(input, issue.path), allowed }];
  }
  const allowed = issue.message
    .replace(/^Invalid input: expected (\w+), received .*$/, "$1")
    .replace(/^Invalid input: expected /, "")
    .replace(/^Invalid option: expected /, "")
    .replace(/^Invalid /, "a valid ");
  return [{ path: pathText(path) || "the default export", found: foundAt(input, issue.path), allowed }];
}

/** The fields that a schema knows at a path; none where it takes any. */
function fieldsAt(schema: z.core.$ZodType | undefined, path: readonly PropertyKey[]): readonly string[] {
  const [key, ...rest] = path;
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodDefault)
    return fieldsAt(schema.def.innerType, path);
  if (schema instanceof z.ZodObject)
    return key === undefined ? Object.keys(schema.shape) : fieldsAt(schema.shape[String(key)], rest);
  if (schema instanceof z.ZodRecord) return key === undefined ? [] : fieldsAt(schema.def.valueType, rest);
  if (schema instanceof z.ZodArray) return fieldsAt(schema.def.element, rest);
  return [];
}

/** Whether one character more, less or other, or two in each other's place, makes one word of the other. */
export function isNear(one: string, other: string): boolean {
  const [a, b] = [one.toLowerCase(), other.toLowerCase()];
  let start = 0;
  while (start < a.length && a[start] === b[start]) start += 1;
  let end = 0;
  while (end < Math.min(a.length, b.length) - start && a.at(-1 - end) === b.at(-1 - end)) end += 1;
  const [left, right] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  return (
    Math.max(left.length, right.length) <= 1 ||
    (left.length === 2 && left === [...right].toReversed().join(""))
  );
}

/** What stands there: short plain text is shown, because a mistyped word is only found by reading it; long text never, it may be a pasted secret. */
function foundAt(input: unknown, path: readonly PropertyKey[]): string {
  let value: unknown = input;
  for (const key of path)
    value = value !== null && typeof value === "object" ? Reflect.get(value, key) : undefined;
  if (value === undefined) return "nothing";
  if (typeof value === "string") return shown(value);
  if (typeof value === "number" || typeof value === "boolean" || value === null) return String(value);
  return Array.isArray(value) ? "a list" : "an object";
}

function shown(text: string): string {
  return text.length <= 24 ? JSON.stringify(text) : `text of ${text.length} characters`;
}

/** A path as it is written: `secrets.key.destinations[0][1]`. */
export function pathText(path: readonly PropertyKey[]): string {
  return path
    .map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`))
    .join("")
    .replace(/^\./, "");
}

/** More different texts than we have; beyond them something makes texts up, and each would stay with the server for ever. */
const MOST = 300;

const names = new Map<string, string>();

/**
 * The name under which a connection keeps a statement that has parameters, so that the server parses and plans it once a
 * connection: of the short statements that a step consists of, that is a third of their time. Undefined for one that asks for
 * all columns: the server refuses its kept plan once a newer Lockstep has added one.
 */
export function nameFor(sql: string): string | undefined {
  const known = names.get(sql);
  if (known !== undefined) return known;
  if (names.size >= MOST || /\b(?:SELECT|RETURNING)\s+(?:\w+\.)?\*/i.test(sql)) return undefined;
  const name = `lockstep_${names.size}`;
  names.set(sql, name);
  return name;
}

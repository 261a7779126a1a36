/** Plain data, as JSON has it. */
export type Tree = string | number | boolean | null | readonly Tree[] | { readonly [name: string]: Tree };

/** One place of a tree that came to be, or was changed; without a value it went away. */
export type Change = readonly [path: Path, value?: Tree];

type Path = readonly (string | number)[];

/** What survives being written down and read again. */
export function treeOf(data: unknown): Tree {
  return JSON.parse(JSON.stringify(data)) as Tree;
}

/** What makes `after` of `before`: small where little changed, so that a file of them can be read. */
export function changesBetween(before: Tree, after: Tree, path: Path = []): readonly Change[] {
  if (before === after) return [];
  if (isList(before) && isList(after) && after.length >= before.length)
    return after.flatMap((item, i) => changesAt(before[i], item, [...path, i]));
  if (isNamed(before) && isNamed(after)) {
    const names = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...names].flatMap((name) => changesAt(before[name], after[name], [...path, name]));
  }
  return [[path, after]];
}

function changesAt(before: Tree | undefined, after: Tree | undefined, path: Path): readonly Change[] {
  if (after === undefined) return [[path]];
  return before === undefined ? [[path, after]] : changesBetween(before, after, path);
}

/** The tree after these changes; the given one stays as it is. */
export function changed(tree: Tree, changes: readonly Change[]): Tree {
  return changes.reduce<Tree>((now, [path, value]) => changedAt(now, path, value) ?? null, tree);
}

function changedAt(tree: Tree | undefined, path: Path, value: Tree | undefined): Tree | undefined {
  const [first, ...rest] = path;
  if (first === undefined) return value;
  if (typeof first === "number") {
    const list = isList(tree) ? [...tree] : [];
    list[first] = changedAt(list[first], rest, value) ?? null;
    return list;
  }
  const { [first]: before, ...others } = isNamed(tree) ? tree : {};
  const after = changedAt(before, rest, value);
  return after === undefined ? others : { ...others, [first]: after };
}

/** Every text and every object of a tree, replaced by what these make of it; an object is asked about before its parts. */
export function mapped(
  tree: Tree,
  make: { text(text: string): Tree; object?(object: Readonly<Record<string, Tree>>): Tree | undefined },
): Tree {
  if (typeof tree === "string") return make.text(tree);
  if (isList(tree)) return tree.map((item) => mapped(item, make));
  if (!isNamed(tree)) return tree;
  return (
    make.object?.(tree) ??
    Object.fromEntries(Object.entries(tree).map(([name, part]) => [name, mapped(part, make)]))
  );
}

function isList(tree: Tree | undefined): tree is readonly Tree[] {
  return Array.isArray(tree);
}

export function isNamed(tree: Tree | undefined): tree is Readonly<Record<string, Tree>> {
  return typeof tree === "object" && tree !== null && !isList(tree);
}

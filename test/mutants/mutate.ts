import { type Node, parseSync, visitorKeys } from "oxc-parser";

/**
 * What a fault is made of: a step loses a guard or another of its parts, a list a member, a condition is turned or moved, a flag
 * is turned, a call is left out, a trouble is not raised.
 */
export type Kind = "guard" | "part" | "member" | "condition" | "flag" | "call" | "trouble";

/** One small fault put into a source file. */
export interface Mutant {
  readonly file: string;
  readonly line: number;
  readonly kind: Kind;
  /** `if (a) → if (!(a))`. */
  readonly says: string;
  /** The whole file with the fault. */
  readonly text: string;
}

/** The names of what a list holds that is spread or named as a whole: each is left out once, and not only all together. */
export type Lists = Readonly<Record<string, readonly string[]>>;

interface Change {
  readonly start: number;
  readonly end: number;
  readonly by: string;
  readonly kind: Kind;
  /** Where the changed text does not tell it. */
  readonly says?: string;
}

interface Source {
  readonly text: string;
  readonly lists: Lists;
}

const OPPOSITE: Readonly<Record<string, string>> = {
  "===": "!==",
  "!==": "===",
  "<": "<=",
  "<=": "<",
  ">": ">=",
  ">=": ">",
  "&&": "||",
  "||": "&&",
};
const QUANTIFIERS: Readonly<Record<string, string>> = { every: "some", some: "every" };
/** What a step may do without, as far as the compiler knows. */
const PARTS = new Set(["looks", "settles", "proves", "reverts", "waits", "asks"]);
/** What stands under these names is read by people, or says what a plan costs, and decides nothing. */
const WORDS = /^(message|because|next|says|tells|title|lines|conditional|costs\w*)$/;

/**
 * Every fault of our kinds that fits into this source. What decides nothing is left as it is: words, a choice between two texts,
 * the costs of a plan.
 */
export function mutantsOf(file: string, text: string, lists: Lists = {}): readonly Mutant[] {
  const { program } = parseSync(file, text);
  const changes: Change[] = [];
  walk(program as unknown as Node, (node) => {
    if (decidesNothing(node)) return false;
    changes.push(...changesAt(node, { text, lists }));
    return true;
  });
  return changes.map(({ start, end, by, kind, says }) => ({
    file,
    line: text.slice(0, start).split("\n").length,
    kind,
    says: says ?? `${oneLine(text.slice(start, end))} → ${oneLine(by) || "(removed)"}`,
    text: text.slice(0, start) + by + text.slice(end),
  }));
}

function decidesNothing(node: Node): boolean {
  if (node.type === "Property" && node.key.type === "Identifier") return WORDS.test(node.key.name);
  if (node.type === "TSLiteralType") return true;
  if (node.type === "FunctionDeclaration") return node.id !== null && WORDS.test(node.id.name);
  return node.type === "ConditionalExpression" && isText(node);
}

function isText(node: Node): boolean {
  if (node.type === "ConditionalExpression") return [node.consequent, node.alternate].every(isText);
  return node.type === "TemplateLiteral" || (node.type === "Literal" && typeof node.value === "string");
}

function changesAt(node: Node, source: Source): readonly Change[] {
  switch (node.type) {
    case "IfStatement":
    case "ConditionalExpression":
      return negated(node.test, source);
    case "LogicalExpression":
    case "BinaryExpression":
      return turned(node, source);
    case "CallExpression":
      return quantifier(node);
    case "ExpressionStatement":
      return isCall(node.expression) ? [{ ...spanOf(node), by: ";", kind: "call" }] : [];
    case "ReturnStatement":
      return node.argument?.type === "ObjectExpression" && hasCode(node.argument)
        ? [{ ...spanOf(node), by: "return undefined as never;", kind: "trouble" }]
        : [];
    case "Property":
      return property(node, source);
    case "Literal":
      return typeof node.value === "boolean" ? [{ ...spanOf(node), by: `${!node.value}`, kind: "flag" }] : [];
    case "VariableDeclarator":
      return node.init?.type === "ArrayExpression" ? members(node.init, "member", source) : [];
    // `[a, b].map(…)`: a list that is made into another one.
    case "MemberExpression":
      return node.object.type === "ArrayExpression" &&
        node.property.type === "Identifier" &&
        node.property.name === "map"
        ? members(node.object, "member", source)
        : [];
    default:
      return [];
  }
}

function property(node: Extract<Node, { type: "Property" }>, source: Source): readonly Change[] {
  if (node.key.type !== "Identifier") return [];
  if (node.key.name === "needs") return members(node.value, "guard", source);
  if (!PARTS.has(node.key.name) || node.shorthand) return [];
  const says = `${node.key.name} → (removed)`;
  return [{ start: node.start, end: withComma(node, source), by: "", kind: "part", says }];
}

/** The end of a node, with the comma that follows it. */
function withComma({ end }: Node, { text }: Source): number {
  return end + (/^\s*,/.exec(text.slice(end))?.[0].length ?? 0);
}

/** A test that is one equation is turned where its sign stands. */
function negated(test: Node, { text }: Source): readonly Change[] {
  if (test.type === "BinaryExpression" && ["===", "!=="].includes(test.operator)) return [];
  return [{ ...spanOf(test), by: `!(${text.slice(test.start, test.end)})`, kind: "condition" }];
}

function turned(
  node: Extract<Node, { type: "LogicalExpression" | "BinaryExpression" }>,
  { text }: Source,
): readonly Change[] {
  const by = OPPOSITE[node.operator];
  if (by === undefined) return [];
  const start = node.left.end + text.slice(node.left.end, node.right.start).indexOf(node.operator);
  return [{ start, end: start + node.operator.length, by, kind: "condition" }];
}

function quantifier({ callee }: Extract<Node, { type: "CallExpression" }>): readonly Change[] {
  if (callee.type !== "MemberExpression" || callee.property.type !== "Identifier") return [];
  const by = QUANTIFIERS[callee.property.name];
  return by === undefined ? [] : [{ ...spanOf(callee.property), by, kind: "condition" }];
}

function isCall(node: Node): boolean {
  return node.type === "CallExpression" || (node.type === "AwaitExpression" && isCall(node.argument));
}

function hasCode({ properties }: Extract<Node, { type: "ObjectExpression" }>): boolean {
  return properties.some(
    (one) => one.type === "Property" && one.key.type === "Identifier" && one.key.name === "code",
  );
}

/** Each member of a list is left out once; of a list that is only named, each of those it holds. */
function members(list: Node, kind: Kind, source: Source): readonly Change[] {
  const { lists } = source;
  if (list.type === "Identifier") return heldBy(list, kind, lists);
  if (list.type !== "ArrayExpression") return [];
  return list.elements.flatMap((one): readonly Change[] => {
    if (one === null) return [];
    if (one.type === "SpreadElement" && one.argument.type === "Identifier" && lists[one.argument.name])
      return heldBy(one.argument, kind, lists);
    return [{ start: one.start, end: withComma(one, source), by: "", kind }];
  });
}

function heldBy(list: Extract<Node, { type: "Identifier" }>, kind: Kind, lists: Lists): readonly Change[] {
  return (lists[list.name] ?? []).map((held, i) => ({
    ...spanOf(list),
    by: `${list.name}.toSpliced(${i}, 1)`,
    kind,
    says: `${list.name} → without "${held}"`,
  }));
}

function spanOf({ start, end }: { start: number; end: number }): { start: number; end: number } {
  return { start, end };
}

function oneLine(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > 70 ? `${line.slice(0, 69)}…` : line;
}

/** Goes on below a node only where `see` says so. */
function walk(node: Node, see: (node: Node) => boolean): void {
  if (!see(node)) return;
  for (const key of visitorKeys[node.type] ?? []) {
    const child = (node as unknown as Readonly<Record<string, Node | readonly (Node | null)[] | null>>)[key];
    for (const one of [child].flat()) if (one && typeof one === "object") walk(one as Node, see);
  }
}

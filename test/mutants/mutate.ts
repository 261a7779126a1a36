import { type Node, parseSync, visitorKeys } from "oxc-parser";

/** One small fault put into a source file. */
export interface Mutant {
  readonly file: string;
  readonly line: number;
  /** `if (a) → if (!(a))`. */
  readonly says: string;
  /** The whole file with the fault. */
  readonly text: string;
}

interface Change {
  readonly start: number;
  readonly end: number;
  readonly by: string;
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

/** Every fault of our kinds that fits into this source. */
export function mutantsOf(file: string, source: string): readonly Mutant[] {
  const { program } = parseSync(file, source);
  const changes: Change[] = [];
  walk(program as unknown as Node, (node) => changes.push(...changesAt(node, source)));
  return changes.map(({ start, end, by }) => ({
    file,
    line: source.slice(0, start).split("\n").length,
    says: `${oneLine(source.slice(start, end))} → ${oneLine(by) || "(removed)"}`,
    text: source.slice(0, start) + by + source.slice(end),
  }));
}

function changesAt(node: Node, source: string): readonly Change[] {
  const textOf = ({ start, end }: { start: number; end: number }) => source.slice(start, end);
  switch (node.type) {
    case "IfStatement":
    case "ConditionalExpression":
      return [{ ...spanOf(node.test), by: `!(${textOf(node.test)})` }];
    case "LogicalExpression":
    case "BinaryExpression": {
      const by = OPPOSITE[node.operator];
      if (by === undefined) return [];
      const between = source.slice(node.left.end, node.right.start);
      const start = node.left.end + between.indexOf(node.operator);
      return [{ start, end: start + node.operator.length, by }];
    }
    case "CallExpression":
      return quantifier(node);
    case "ExpressionStatement":
      return isCall(node.expression) ? [{ ...spanOf(node), by: ";" }] : [];
    case "ReturnStatement":
      return node.argument?.type === "ObjectExpression" && hasCode(node.argument)
        ? [{ ...spanOf(node), by: "return undefined as never;" }]
        : [];
    case "Property":
      return guardsIn(node, source);
    case "VariableDeclarator":
      return node.init?.type === "ArrayExpression" ? elements(node.init, source) : [];
    default:
      return [];
  }
}

function quantifier({ callee }: Extract<Node, { type: "CallExpression" }>): readonly Change[] {
  if (callee.type !== "MemberExpression" || callee.property.type !== "Identifier") return [];
  const by = QUANTIFIERS[callee.property.name];
  return by === undefined ? [] : [{ ...spanOf(callee.property), by }];
}

function isCall(node: Node): boolean {
  return node.type === "CallExpression" || (node.type === "AwaitExpression" && isCall(node.argument));
}

function hasCode({ properties }: Extract<Node, { type: "ObjectExpression" }>): boolean {
  return properties.some(
    (one) => one.type === "Property" && one.key.type === "Identifier" && one.key.name === "code",
  );
}

/** `needs: [a, b]`: each guard is left out once. */
function guardsIn(node: Extract<Node, { type: "Property" }>, source: string): readonly Change[] {
  const named = node.key.type === "Identifier" && node.key.name === "needs";
  return named && node.value.type === "ArrayExpression" ? elements(node.value, source) : [];
}

function elements(list: Extract<Node, { type: "ArrayExpression" }>, source: string): readonly Change[] {
  return list.elements.flatMap((one) => {
    if (one === null) return [];
    const comma = /^\s*,/.exec(source.slice(one.end))?.[0].length ?? 0;
    return [{ start: one.start, end: one.end + comma, by: "" }];
  });
}

function spanOf({ start, end }: { start: number; end: number }): { start: number; end: number } {
  return { start, end };
}

function oneLine(text: string): string {
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > 70 ? `${line.slice(0, 69)}…` : line;
}

function walk(node: Node, see: (node: Node) => void): void {
  see(node);
  for (const key of visitorKeys[node.type] ?? []) {
    const child = (node as unknown as Readonly<Record<string, Node | readonly (Node | null)[] | null>>)[key];
    for (const one of [child].flat()) if (one && typeof one === "object") walk(one as Node, see);
  }
}

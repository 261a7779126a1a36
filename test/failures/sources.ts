import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import {
  type ArrowFunctionExpression,
  type CallExpression,
  type Function as FunctionNode,
  type Node,
  type Program,
  parseSync,
} from "oxc-parser";

const SRC = path.resolve(import.meta.dirname, "../../src");
/** Simulated vendors speak as vendors do, and helpers of tests are not shown to anybody. */
const OTHERS = /(^sandbox\/|\.test\.ts$|\/testing\/|\/testing\.ts$|\/harness[^/]*\.ts$)/;

/** One file of the program, parsed. */
export interface Module {
  readonly name: string;
  readonly text: string;
  readonly program: Program;
  /** Where a name comes from, for names that are imported from another of our modules. */
  readonly imports: ReadonlyMap<string, { readonly module: string; readonly name: string }>;
  readonly functions: ReadonlyMap<string, Callable>;
  /** Calls of each name. */
  readonly calls: ReadonlyMap<string, readonly Call[]>;
  /** What each name is declared as, by name; an array because scopes may repeat one. */
  readonly values: ReadonlyMap<string, readonly Node[]>;
}

/** A call, with the functions around it, innermost first. */
interface Call {
  readonly node: CallExpression;
  readonly within: readonly Callable[];
}

/** A function, however it is written. */
export type Callable = FunctionNode | ArrowFunctionExpression;

/** The files of the program, by their name below src. */
export function readModules(): ReadonlyMap<string, Module> {
  const names = readdirSync(SRC, { recursive: true, encoding: "utf8" });
  const ours = names.filter((name) => name.endsWith(".ts") && !OTHERS.test(name));
  return new Map(ours.map((name) => [name, readModule(name)]));
}

function readModule(name: string): Module {
  const text = readFileSync(path.join(SRC, name), "utf8");
  const { program, module, errors } = parseSync(name, text);
  if (errors.length > 0) throw new Error(`${name} does not parse`);
  const imports = new Map<string, { module: string; name: string }>();
  for (const { moduleRequest, entries } of module.staticImports) {
    if (!moduleRequest.value.startsWith(".")) continue;
    const from = path.join(path.dirname(name), moduleRequest.value);
    for (const { importName, localName } of entries)
      imports.set(localName.value, { module: from, name: importName.name ?? localName.value });
  }
  const functions = new Map<string, Callable>();
  const values = new Map<string, Node[]>();
  const calls = new Map<string, Call[]>();
  const made: Module = { name, text, program, imports, functions, calls, values };
  visit(made, (node, within) => {
    if (node.type === "CallExpression" && node.callee.type === "Identifier")
      calls.set(node.callee.name, [...(calls.get(node.callee.name) ?? []), { node, within }]);
    if (node.type === "FunctionDeclaration" && node.id) functions.set(node.id.name, node);
    if (node.type !== "VariableDeclarator" || node.id.type !== "Identifier" || !node.init) return;
    if (isCallable(node.init)) functions.set(node.id.name, node.init);
    else values.set(node.id.name, [...(values.get(node.id.name) ?? []), node.init]);
  });
  return made;
}

type Visitor = (node: Node, within: readonly Callable[], parent: Node | undefined) => void;

/** Every node of a module, with the functions around it, innermost first. */
export function visit(module: Module, visitor: Visitor): void {
  const go = (node: Node, within: readonly Callable[], parent: Node | undefined): void => {
    visitor(node, within, parent);
    const inside = isCallable(node) ? [node, ...within] : within;
    for (const child of childrenOf(node)) go(child, inside, node);
  };
  go(module.program, [], undefined);
}

/** The nodes right below one. */
export function childrenOf(node: Node): Node[] {
  return Object.values(node).flatMap((value: unknown) =>
    (Array.isArray(value) ? value : [value]).filter(isNode),
  );
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && "type" in value && typeof value.type === "string";
}

/** Whether a node is a function. */
export function isCallable(node: Node): node is Callable {
  return (
    node.type === "FunctionDeclaration" ||
    node.type === "FunctionExpression" ||
    node.type === "ArrowFunctionExpression"
  );
}

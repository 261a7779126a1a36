import type { Node } from "oxc-parser";
import { type Callable, childrenOf, isCallable, type Module, readModules, visit } from "./sources.ts";

/** A text that stands under the name in question, with `<x>` for whatever is filled in. */
export interface Said {
  readonly text: string;
  /** File and line, for the message of a test. */
  readonly at: string;
}

/** What cannot be followed must not count as looked at. */
const UNTOLD = "(cannot be told)";

/** Names under which commands stand; a text that is read from there was looked at where it was put there. */
const PASSED = new Set(["next", "command"]);

/** A node, and the functions around it, innermost first. */
interface Spot {
  readonly node: Node;
  readonly module: Module;
  readonly within: readonly Callable[];
}

interface Search {
  readonly property: string;
  readonly modules: ReadonlyMap<string, Module>;
  readonly found: Map<string, Said>;
  /** Parameters whose arguments were looked for. */
  readonly asked: Set<string>;
}

/** Every text that some object of the program has under a name, followed through constants, parameters and calls. */
export function textsUnder(property: "next" | "command"): Said[] {
  const search: Search = { property, modules: readModules(), found: new Map(), asked: new Set() };
  for (const module of search.modules.values()) {
    visit(module, (node, within, parent) => {
      if (node.type !== "Property" || parent?.type !== "ObjectExpression") return;
      if (node.key.type === "Identifier" && node.key.name === property)
        note(search, { node: node.value, module, within });
    });
  }
  return [...search.found.values()];
}

function note(search: Search, spot: Spot): void {
  for (const said of textsOf(search, spot)) search.found.set(`${said.at} ${said.text}`, said);
}

function textsOf(search: Search, spot: Spot): Said[] {
  const { node } = spot;
  const at = (other: Node): Said[] => textsOf(search, { ...spot, node: other });
  switch (node.type) {
    case "Literal":
      if (node.value === null) return [];
      return said(spot, typeof node.value === "string" ? node.value : UNTOLD);
    case "TemplateLiteral": {
      const [first = "", ...rest] = node.quasis.map((one) => one.value.cooked ?? "");
      const [leading] = node.expressions;
      if (!leading || first !== "") return said(spot, [first, ...rest].join("<x>"));
      return at(leading).map((one) => ({ ...one, text: one.text + rest.join("<x>") }));
    }
    case "ConditionalExpression":
      return [...at(node.consequent), ...at(node.alternate)];
    case "LogicalExpression":
      return [...at(node.left), ...at(node.right)];
    case "ArrayExpression":
      // A list that is put together begins as its first element does.
      return node.elements[0] ? at(node.elements[0]) : said(spot, UNTOLD);
    case "TSAsExpression":
    case "ChainExpression":
    case "ParenthesizedExpression":
      return at(node.expression);
    case "Identifier":
      return textsOfName(search, spot, node.name);
    case "MemberExpression":
      return PASSED.has(nameOf(node.property) ?? "") ? [] : said(spot, UNTOLD);
    case "CallExpression":
      return textsOfCall(search, spot, node.callee);
    default:
      return said(spot, UNTOLD);
  }
}

function textsOfCall(search: Search, spot: Spot, callee: Node): Said[] {
  if (callee.type === "MemberExpression" && /^(join|replace|replaceAll)$/.test(nameOf(callee.property) ?? ""))
    return textsOf(search, { ...spot, node: callee.object });
  const called = functionCalled(search, spot.module, nameOf(callee) ?? "");
  return called ? answersOf(called).flatMap((one) => textsOf(search, one)) : said(spot, UNTOLD);
}

function textsOfName(search: Search, spot: Spot, name: string): Said[] {
  if (name === "undefined") return [];
  const otherwise = name === search.property ? [] : said(spot, UNTOLD);
  for (const callable of spot.within) {
    const index = callable.params.findIndex((one) => nameOf(one) === name);
    if (index >= 0) return askCallers(search, { ...spot, node: callable }, callable, index);
    if (callable.params.some((one) => takesApart(one, name))) return otherwise;
  }
  const origin = spot.module.imports.get(name);
  const module = origin ? search.modules.get(origin.module) : spot.module;
  const values = module?.values.get(origin?.name ?? name);
  if (!module || !values) return otherwise;
  const within = origin ? [] : spot.within;
  return values.flatMap((node) => textsOf(search, { node, module, within }));
}

/** What callers give for a parameter, wherever they are. */
function askCallers(search: Search, { module, ...spot }: Spot, callable: Callable, index: number): Said[] {
  const name = [...module.functions].find(([, one]) => one === callable)?.[0];
  if (name === undefined) return said({ module, ...spot }, UNTOLD);
  const question = `${module.name} ${name} ${index}`;
  if (search.asked.has(question)) return [];
  search.asked.add(question);
  const parameter = callable.params[index];
  if (parameter?.type === "AssignmentPattern")
    note(search, { node: parameter.right, module, within: [callable] });
  for (const other of search.modules.values()) {
    for (const [called, calls] of other.calls) {
      if (functionCalled(search, other, called)?.callable !== callable) continue;
      for (const { node, within } of calls) {
        const given = node.arguments[index];
        if (given) note(search, { node: given, module: other, within });
      }
    }
  }
  return [];
}

interface Called {
  readonly module: Module;
  readonly callable: Callable;
}

function functionCalled({ modules }: Search, module: Module, name: string): Called | undefined {
  const origin = module.imports.get(name);
  const home = origin ? modules.get(origin.module) : module;
  const callable = home?.functions.get(origin?.name ?? name);
  return home && callable ? { module: home, callable } : undefined;
}

/** What a function answers with. */
function answersOf({ module, callable }: Called): Spot[] {
  const { body } = callable;
  const spot = (node: Node): Spot => ({ node, module, within: [callable] });
  if (!body) return [];
  if (body.type !== "BlockStatement") return [spot(body)];
  const found: Spot[] = [];
  const go = (node: Node): void => {
    if (isCallable(node)) return;
    if (node.type === "ReturnStatement" && node.argument) found.push(spot(node.argument));
    for (const child of childrenOf(node)) go(child);
  };
  go(body);
  return found;
}

function nameOf(node: Node): string | undefined {
  if (node.type === "Identifier") return node.name;
  return node.type === "AssignmentPattern" ? nameOf(node.left) : undefined;
}

/** Whether a parameter is taken apart, and the name is one of its parts. */
function takesApart(parameter: Node, name: string): boolean {
  if (parameter.type !== "ObjectPattern") return false;
  return parameter.properties.some((one) => one.type === "Property" && nameOf(one.value) === name);
}

function said({ node, module }: Spot, text: string): Said[] {
  return [{ text, at: `src/${module.name}:${module.text.slice(0, node.start).split("\n").length}` }];
}

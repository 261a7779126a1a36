import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { parseSync } from "oxc-parser";
import { describe, expect, it } from "vitest";

const SRC = path.resolve(import.meta.dirname, "..", "src");

/** Which rooms of the house a room may import; itself always. `app` and `index` compose, `sandbox` stands alone. */
const MAY: Readonly<Record<string, readonly string[]>> = {
  core: [],
  guards: ["core"],
  runbooks: ["core", "guards"],
  vendors: ["core"],
  issuers: ["core", "vendors"],
  stores: ["core", "vendors"],
  interlocks: ["core", "vendors"],
  probes: ["core", "vendors"],
  sealing: ["core"],
  db: ["core"],
  notify: ["core", "vendors"],
  audit: ["core", "db"],
  engine: ["core", "runbooks", "guards", "audit", "db", "sealing"],
  app: [
    "core",
    "guards",
    "runbooks",
    "vendors",
    "issuers",
    "stores",
    "interlocks",
    "probes",
    "sealing",
    "db",
    "audit",
    "notify",
    "engine",
    "sandbox",
  ],
  cli: ["core", "app", "db", "audit", "sealing"],
  sandbox: [],
  conformance: ["core"],
  "adapter.ts": ["core", "vendors"],
  "index.ts": ["app"],
};

/** The rooms of adapters: a folder in them is one adapter. */
const ADAPTERS = ["issuers", "stores", "interlocks", "probes"];

const CHANNEL_VENDOR: Readonly<Record<string, string>> = { slack: "slack", email: "smtp" };

/** Test helpers that cross rooms, as tests may. */
const HELPER = /(\.test\.ts|\/testing\/.*|\/testing\.ts|\/harness[^/]*\.ts)$/;

interface Import {
  readonly from: string;
  readonly to: string;
  readonly typeOnly: boolean;
}

const files = readdirSync(SRC, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
const sources = files.filter((name) => !HELPER.test(`/${name}`));
const imports = sources.flatMap(importsOf);

function importsOf(name: string): Import[] {
  const text = readFileSync(path.join(SRC, name), "utf8");
  const { module, errors } = parseSync(name, text);
  if (errors.length > 0) throw new Error(`${name} does not parse`);
  const still = module.staticImports.map((one) => ({
    to: one.moduleRequest.value,
    typeOnly: text.slice(one.start, one.end).startsWith("import type"),
  }));
  const reexported = module.staticExports.flatMap((one) =>
    one.entries.flatMap((entry) =>
      entry.moduleRequest ? [{ to: entry.moduleRequest.value, typeOnly: entry.isType }] : [],
    ),
  );
  const lazy = module.dynamicImports.map((one) => ({
    to: text.slice(one.moduleRequest.start, one.moduleRequest.end).replaceAll(/["'`]/g, ""),
    typeOnly: false,
  }));
  return [...still, ...reexported, ...lazy].map((one) => ({ from: name, ...one }));
}

function targetOf({ from, to }: Import): string | undefined {
  return to.startsWith(".") ? path.join(path.dirname(from), to) : undefined;
}

function roomOf(name: string): string {
  return name.split(path.sep)[0] ?? name;
}

describe("architecture", () => {
  it("knows every room of the house", () => {
    expect([...new Set(files.map(roomOf))].sort()).toEqual(Object.keys(MAY).sort());
  });

  it("imports only in the direction of design section 3", () => {
    const wrong = imports.filter((one) => {
      const target = targetOf(one);
      if (target === undefined) return false;
      const [here, there] = [roomOf(one.from), roomOf(target)];
      return here !== there && !MAY[here]?.includes(there);
    });
    expect(wrong.map((one) => `${one.from} imports ${one.to}`)).toEqual([]);
  });

  it("keeps adapters apart: none imports another, nor another's vendor", () => {
    const adapter = (name: string) => name.split(path.sep).slice(0, 2).join("/");
    // The one that its definition names.
    const vendorOf = (folder: string) =>
      sources
        .filter((name) => adapter(name) === folder)
        .flatMap(
          (name) => / {2}vendor: "([^"]+)"/.exec(readFileSync(path.join(SRC, name), "utf8"))?.[1] ?? [],
        )
        .join();
    const wrong = imports.filter((one) => {
      const target = targetOf(one);
      if (target === undefined) return false;
      const inAdapter = ADAPTERS.includes(roomOf(one.from));
      if (inAdapter && ADAPTERS.includes(roomOf(target))) return adapter(one.from) !== adapter(target);
      const vendorFolder = /^vendors\/([^/]+)\//.exec(target.replaceAll(path.sep, "/"))?.[1];
      if (inAdapter && vendorFolder) return vendorOf(adapter(one.from)) !== vendorFolder;
      // A way to people knows its own vendor only; what is common to all knows none.
      const channel = /^notify\/(?:([^/]+)\/)?[^/]+$/.exec(one.from.replaceAll(path.sep, "/"));
      if (channel && vendorFolder) return CHANNEL_VENDOR[channel[1] ?? ""] !== vendorFolder;
      const ownVendor = /^vendors\/([^/]+)\//.exec(one.from.replaceAll(path.sep, "/"))?.[1];
      return ownVendor !== undefined && vendorFolder !== undefined && ownVendor !== vendorFolder;
    });
    expect(wrong.map((one) => `${one.from} imports ${one.to}`)).toEqual([]);
  });

  it("lets only engine/ know the durable engine", () => {
    const wrong = imports.filter((one) => one.to.startsWith("@dbos-inc/") && roomOf(one.from) !== "engine");
    expect(wrong.map((one) => one.from)).toEqual([]);
  });

  it("keeps the core free of packages", () => {
    const wrong = imports.filter(
      (one) =>
        roomOf(one.from) === "core" &&
        !one.typeOnly &&
        !one.to.startsWith(".") &&
        !one.to.startsWith("node:"),
    );
    expect(wrong.map((one) => `${one.from} imports ${one.to}`)).toEqual([]);
  });

  it("keeps the conformance suites free of packages, so that any test runner can carry them out", () => {
    const wrong = imports.filter(
      (one) => roomOf(one.from) === "conformance" && !one.to.startsWith(".") && !one.to.startsWith("node:"),
    );
    expect(wrong.map((one) => `${one.from} imports ${one.to}`)).toEqual([]);
  });

  it("reveals values only in vendors/ and sealing/ (P7)", () => {
    const wrong = sources.filter(
      (name) =>
        !["vendors", "sealing"].includes(roomOf(name)) &&
        name !== path.join("core", "secret-value.ts") &&
        readFileSync(path.join(SRC, name), "utf8").includes(".reveal("),
    );
    expect(wrong).toEqual([]);
  });

  it("has no cycle of imports that run", () => {
    const edges = new Map<string, string[]>();
    for (const one of imports) {
      const target = one.typeOnly ? undefined : targetOf(one);
      if (target !== undefined) edges.set(one.from, [...(edges.get(one.from) ?? []), target]);
    }
    expect(cycleIn(edges)).toEqual([]);
  });

  it("keeps files under 500 lines", () => {
    const long = sources.filter(
      (name) => readFileSync(path.join(SRC, name), "utf8").split("\n").length > 500,
    );
    expect(long).toEqual([]);
  });
});

/** The first cycle found, as a path; empty when there is none. */
function cycleIn(edges: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const done = new Set<string>();
  const visit = (name: string, trail: readonly string[]): readonly string[] => {
    if (trail.includes(name)) return [...trail.slice(trail.indexOf(name)), name];
    if (done.has(name)) return [];
    for (const next of edges.get(name) ?? []) {
      const found = visit(next, [...trail, name]);
      if (found.length > 0) return found;
    }
    done.add(name);
    return [];
  };
  for (const name of edges.keys()) {
    const found = visit(name, []);
    if (found.length > 0) return found;
  }
  return [];
}

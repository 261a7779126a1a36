// What the documentation says is held against what is there.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { COVERAGE_FILE, coverageText, coverOfTests, requirementTexts } from "../scripts/sop-coverage.ts";
import { ioOf } from "../src/cli/io.ts";
import { commandFor } from "../src/cli/program.ts";
import { ERROR_CODES } from "../src/core/errors.ts";

const root = path.resolve(import.meta.dirname, "..");
const read = (name: string) => readFileSync(path.join(root, name), "utf8");
const filesUnder = (folder: string) =>
  readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" }).map((name) =>
    path.join(folder, name).replaceAll(path.sep, "/"),
  );

const pages = [
  ...["README.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md", "fidelity/README.md"],
  ...filesUnder("docs").filter((name) => name.endsWith(".md")),
];
const manifest = JSON.parse(read("package.json")) as {
  readonly scripts: Readonly<Record<string, string>>;
  readonly [kind: string]: Readonly<Record<string, string>>;
};

/** Blocks of code and code in a line: where a command is meant and not the English word. */
function codeIn(page: string): readonly string[] {
  const text = read(page);
  const blocks = [...text.matchAll(/^```\w*\n([\s\S]*?)^```/gm)].flatMap(([, block = ""]) =>
    block.split("\n"),
  );
  const spans = [...text.replaceAll(/^```[\s\S]*?^```/gm, "").matchAll(/`([^`\n]+)`/g)].map(
    ([, span = ""]) => span,
  );
  return [...blocks, ...spans];
}

const commands = [...read("src/cli/program.ts").matchAll(/\badd\(\s*"([a-z-]+)[^"]*"/g)].map(
  ([, name = ""]) => name,
);

/** Commands that are called in a line of code: at its beginning, after a prompt, or after `next`. */
function commandsIn(line: string): readonly string[] {
  return [...line.matchAll(/(?:^|[\s$"'])lockstep ([a-z][a-z-]*)/g)].map(([, name = ""]) => name);
}

describe("errors", () => {
  const rows = [...read("docs/errors.md").matchAll(/^\| `([A-Z_]+)` \| (.+?) \| (.+?) \| (.+?) \|$/gm)];
  const sources = filesUnder("src")
    .filter((name) => name.endsWith(".ts") && !/\.test\.ts$|\/testing|harness/.test(name))
    .filter((name) => name !== "src/core/errors.ts");
  const raised = [...sources, "bin/lockstep.js"].map(read).join("\n");

  it("every code is documented, in the order of the list, and nothing else is", () => {
    expect(rows.map(([, code]) => code)).toEqual([...ERROR_CODES]);
  });

  it("every code is raised somewhere, not only compared with", () => {
    expect(ERROR_CODES.filter((code) => !new RegExp(`(?<!=== )"${code}"`).test(raised))).toEqual([]);
  });
});

describe("links", () => {
  it.each(pages)("of %s lead somewhere", (page) => {
    const links = [...read(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = ""]) => link);
    const broken = links.filter((link) => {
      if (/^[a-z]+:/.test(link)) return false;
      const [file = "", anchor] = link.split("#");
      const target = file === "" ? path.join(root, page) : path.resolve(root, path.dirname(page), file);
      if (!existsSync(target)) return true;
      return anchor !== undefined && !anchorsOf(readFileSync(target, "utf8")).includes(anchor);
    });
    expect(broken).toEqual([]);
  });
});

/** Anchors as GitHub makes them from headings. */
function anchorsOf(text: string): readonly string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

describe("commands", () => {
  const own = pages.filter((page) => page !== "docs/sop-coverage.md");

  it("knows the commands of the command line", () => {
    expect(commands).toContain("rotate");
    expect(commands.length).toBeGreaterThan(10);
  });

  it.each(own)("that %s names exist", (page) => {
    const named = codeIn(page).flatMap(commandsIn);
    expect(named.filter((name) => !commands.includes(name))).toEqual([]);
  });

  it("are all in the README", () => {
    const named = codeIn("README.md").flatMap(commandsIn);
    expect(commands.filter((name) => !named.includes(name))).toEqual([]);
  });

  it.each(pages)("of npm that %s names exist", (page) => {
    const named = codeIn(page).flatMap((line) =>
      [...line.matchAll(/\bnpm (?:run ([\w:-]+)|(test)\b)/g)].map(([, script, test]) => script ?? test ?? ""),
    );
    expect(named.filter((name) => !(name in manifest.scripts))).toEqual([]);
  });
});

describe("promises", () => {
  it.each(["README.md", "SECURITY.md"])("P1 to P11 stand in %s, in order, once", (page) => {
    const found = [...read(page).matchAll(/^\| (P\d+) \|/gm)].map(([, promise]) => promise);
    expect(found).toEqual(Array.from({ length: 11 }, (_, i) => `P${i + 1}`));
  });
});

describe("coverage", () => {
  it("docs/sop-coverage.md says what the names of the tests say; `npm run docs` writes it", () => {
    expect(readFileSync(COVERAGE_FILE, "utf8")).toBe(coverageText(requirementTexts(), coverOfTests()));
  });

  it("no test carries the number of a requirement that does not exist", () => {
    const texts = requirementTexts();
    expect([...coverOfTests().keys()].filter((number) => !texts.get(number))).toEqual([]);
  });
});

describe("dependencies", () => {
  const wanted = Object.entries({
    ...manifest["dependencies"],
    ...manifest["optionalDependencies"],
    ...manifest["devDependencies"],
  });
  const rows = [
    ...read("docs/decisions/2026-11-21-dependencies.md").matchAll(
      /^\| (\S+) \| (\d\S*) \| (.+?) \| .+ \|$/gm,
    ),
  ];

  it("are listed with the versions of package.json", () => {
    const listed = rows.map(([, name, version]) => `${name} ${version}`);
    expect(listed.toSorted()).toEqual(wanted.map(([name, version]) => `${name} ${version}`).toSorted());
  });

  it("have the licences that are listed", () => {
    const differ = rows.filter(([, name = "", , licence]) => {
      const file = path.join(root, "node_modules", name, "package.json");
      // The packages of other platforms are not installed.
      return (
        existsSync(file) &&
        (JSON.parse(readFileSync(file, "utf8")) as { license: string }).license !== licence
      );
    });
    expect(differ.map(([row]) => row)).toEqual([]);
  });
});

describe("words", () => {
  // The requirements' own texts speak of people's and programs' shells.
  const own = pages.filter((page) => page !== "docs/sop-coverage.md");

  it.each(own)("%s speaks of the project alone", (page) => {
    const found = read(page).match(
      /\/(?:work|root|home|tmp)\/\S*|\bagents?\b|\bsub-?agents?\b|\bassistants?\b|\bsessions? of\b/gi,
    );
    expect(found).toBeNull();
  });
});

describe("options", () => {
  const program = commandFor(ioOf(false, {}), [], async () => {});
  const known = new Map(
    program.commands.map((one) => [
      one.name(),
      [
        "--help",
        ...one.options.map(({ long }) => long ?? ""),
        ...one.options.map(({ short }) => short ?? ""),
      ],
    ]),
  );

  /** Commands in a line of code with the options that stand behind each: a remark follows after four spaces or a `#`. */
  function optionsIn(line: string): readonly (readonly [command: string, option: string])[] {
    const [called = ""] = line.split(/ {4,}(?=\S)(?<=\S {4,})|\s#\s/);
    return called.split(/(?=\blockstep [a-z])/).flatMap((part) => {
      const command = /^lockstep ([a-z][a-z-]*)/.exec(part)?.[1] ?? "";
      const plain = part.replaceAll(/"[^"]*"/g, '""');
      return command === ""
        ? []
        : [...plain.matchAll(/\s(--[a-z-]+)/g)].map(([, one = ""]) => [command, one] as const);
    });
  }

  it("are read out of a line without its remark", () => {
    expect(optionsIn('$ lockstep rollback x --because "no --such" --yes    lockstep show --no')).toEqual([
      ["rollback", "--because"],
      ["rollback", "--yes"],
    ]);
  });

  it.each(pages)("that %s names belong to their commands", (page) => {
    const named = codeIn(page).flatMap(optionsIn);
    expect(named.filter(([command, option]) => known.get(command)?.includes(option) !== true)).toEqual([]);
  });
});

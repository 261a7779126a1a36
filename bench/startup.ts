// The command line's start, as it is installed: what the compiler makes of src/, run through a link like npm's.
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, symlinkSync } from "node:fs";
import path from "node:path";
import { openEmbedded } from "../src/engine/embedded/server.ts";
import { atMost, type Figure, folder, median, root, round, start } from "./common.ts";

const ROUNDS = 21;
const STATUS_ROUNDS = 9;

/** All commands in turn, so that what else the machine does hits them alike. */
export async function startupFigures(): Promise<readonly Figure[]> {
  const dir = folder();
  const installed = install(dir);
  // The compile cache is warm after the first; the second start of a version is the common one.
  await seconds(dir, [installed, "rotate", "--help"]);
  const node: number[] = [];
  const help: number[] = [];
  const ofCommand: number[] = [];
  for (let n = 0; n < ROUNDS; n += 1) {
    node.push(await seconds(dir, ["node", "-e", "0"]));
    help.push(await seconds(dir, [installed, "--help"]));
    ofCommand.push(await seconds(dir, [installed, "rotate", "--help"]));
  }
  await seconds(dir, [installed, "status"]);
  const cold: number[] = [];
  const warm: number[] = [];
  for (let n = 0; n < STATUS_ROUNDS; n += 1) {
    cold.push(await seconds(dir, [installed, "status"]));
    const server = await openEmbedded(path.join(dir, ".lockstep"));
    warm.push(await seconds(dir, [installed, "status"]));
    await server.close();
  }
  const ms = (sample: readonly number[]) => Math.round(median(sample) * 1_000);
  return [
    atMost("help.ratio", median(help) / median(node), "ratio", 1.9, {
      is: `the installed command over node -e 0, medians of ${ROUNDS} in turn; the text comes from a file`,
      helpMs: ms(help),
      nodeMs: ms(node),
      fastest: round(Math.min(...help) / Math.min(...node)),
    }),
    {
      name: "help.command.ratio",
      value: round(median(ofCommand) / median(node)),
      unit: "ratio",
      detail: { is: "rotate --help, for which the program is loaded; warm compile cache" },
    },
    atMost("status.seconds", median(warm), "s", 0.4, {
      is: "the database runs already, for another process",
    }),
    atMost("status.seconds.cold", median(cold), "s", 0.4, { is: "status starts the database and stops it" }),
  ];
}

async function seconds(dir: string, program: readonly string[]): Promise<number> {
  const since = performance.now();
  const child = start(dir, program);
  const code = await child.ended;
  if (code !== 0) throw new Error(`${program.join(" ")} ended with ${code}: ${child.err}`);
  return (performance.now() - since) / 1_000;
}

/** The package as it would be installed, without a registry: the dependencies are those of this clone. */
function install(dir: string): string {
  const home = path.join(dir, "installed", "lockstep");
  mkdirSync(home, { recursive: true });
  cpSync(path.join(root, "bin"), path.join(home, "bin"), { recursive: true });
  cpSync(path.join(root, "package.json"), path.join(home, "package.json"));
  symlinkSync(path.join(root, "node_modules"), path.join(home, "node_modules"));
  const compiler = path.join(root, "node_modules", ".bin", "tsc");
  // Unchecked: types are `npm run check`'s business, and a bench next to unfinished work shall still measure.
  const how = ["-p", "tsconfig.build.json", "--noCheck", "--declaration", "false"];
  execFileSync(compiler, [...how, "--outDir", path.join(home, "dist")], { cwd: root });
  const link = path.join(dir, "installed", "lockstep-command");
  chmodSync(path.join(home, "bin", "lockstep.js"), 0o755);
  symlinkSync(path.join(home, "bin", "lockstep.js"), link);
  return link;
}

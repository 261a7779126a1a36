// `npm run docs`: what `lockstep --help` prints, as a file that needs no program to be printed.
import { writeFileSync } from "node:fs";
import path from "node:path";
import { helpText } from "../src/cli/program.ts";

writeFileSync(path.join(import.meta.dirname, "..", "bin", "help.txt"), helpText());

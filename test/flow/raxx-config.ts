import { createRequire, registerHooks } from "node:module";
import type { Configuration } from "../../src/app/define-config.ts";

const entry = new URL("../../src/index.ts", import.meta.url).href;
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === "lockstep" ? { url: entry, shortCircuit: true } : next(specifier, context),
});
// Not imported: the test runner would look for "lockstep" among the packages.
const example = createRequire(import.meta.url)("../../examples/raxx/lockstep.config.ts") as {
  default: Configuration;
};

type Open<T> = T extends object ? { -readonly [K in keyof T]: Open<T[K]> } : T;

/** The configuration of the example as it is written, a copy that a test may change. */
export function raxx(): Open<Configuration> {
  return structuredClone(example.default) as Open<Configuration>;
}

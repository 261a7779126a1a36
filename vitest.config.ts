import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    // Most of these tests wait for real processes; two at a time keep two cores busy without starving each other.
    maxWorkers: 2,
    // Ends what hangs. No test is a measure of the machine: the slowest takes a minute on a slow one.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    reporters: ["default", ["json", { outputFile: "reports/test.json" }]],
  },
});

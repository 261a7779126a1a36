// Adds up the reports of the test runs, names what failed, and prints `N passed, N failed`. A missing report counts as a
// failure. The names come last, because a log is often cut at its front.
import { existsSync, readFileSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const tell = (suite, test, why) =>
  console.error(`failed: ${relative(root, suite.name)}${test}\n  ${String(why).split("\n")[0]}`);

let passed = 0;
let failed = 0;
let skipped = 0;
for (const name of ["test", "fidelity"]) {
  const file = new URL(`../reports/${name}.json`, import.meta.url);
  if (!existsSync(file)) {
    console.error(`no report of ${name}`);
    failed += 1;
    continue;
  }
  const report = JSON.parse(readFileSync(file, "utf8"));
  passed += report.numPassedTests;
  failed += report.numFailedTests;
  skipped += report.numPendingTests;
  for (const suite of report.testResults) {
    const bad = suite.assertionResults.filter((test) => test.status === "failed");
    for (const test of bad) tell(suite, ` > ${test.fullName}`, test.failureMessages[0]);
    if (suite.status === "failed" && bad.length === 0) tell(suite, "", suite.message);
  }
  // A file that could not even be loaded has no failed test.
  if (!report.success && report.numFailedTests === 0) failed += 1;
}
// Red checks must show in the line that is read, not only in the exit code.
if (process.argv[2] === "1" && failed === 0) failed = 1;
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exit(failed === 0 ? 0 : 1);

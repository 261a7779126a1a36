import { runbook } from "../core/runbook.ts";
import { lateFirst, lateLast, lateSecond } from "./steps/late.ts";

/** Looks for what a lost request of an ended run has made after all; beside other runs of the secret, which it does not block (HK-13). */
export const followUp = runbook("follow-up@1", () => [
  lateFirst, // a slow request
  lateSecond, // a queue that was emptied
  lateLast, // a day later, for good
]);

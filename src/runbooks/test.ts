import { runbook } from "../core/runbook.ts";
import { check } from "./steps/check.ts";
import { identify } from "./steps/identify.ts";

/** Read only: the present key works, is identified, and this identity may rotate it. */
export const test = runbook("test@1", () => [check, identify]);

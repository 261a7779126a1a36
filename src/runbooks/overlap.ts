import { runbook } from "../core/runbook.ts";
import { each } from "../core/step.ts";
import { check } from "./steps/check.ts";
import { dead } from "./steps/dead.ts";
import { identify } from "./steps/identify.ts";
import { mint } from "./steps/mint.ts";
import { propagate } from "./steps/propagate.ts";
import { record } from "./steps/record.ts";
import { revoke } from "./steps/revoke.ts";
import { soak } from "./steps/soak.ts";
import { store } from "./steps/store.ts";
import { tidy } from "./steps/tidy.ts";
import { validate } from "./steps/validate.ts";

/** Rotation where old and new work side by side until the old one is ended: prove everything, then revoke. */
export const overlap = runbook("overlap@1", (s) => [
  check, // make sure the present key works and every place can be reached
  identify, // make sure we know exactly which credential will be ended
  mint, // one new credential, tagged with this run
  validate, // make sure it is what was asked for, before anything is written
  store(s.vault), // the vault first
  each("copies", s.waves, propagate), // then every destination, wave by wave
  soak, // old and new side by side
  tidy, // make sure this run leaves one credential
  revoke, // make sure no copy holds the old one, then end it
  dead, // make sure it is refused, and stays refused
  record,
]);

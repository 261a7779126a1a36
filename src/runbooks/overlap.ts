import { runbook, withWayBack } from "../core/runbook.ts";
import { each } from "../core/step.ts";
import { breakGlass } from "./steps/break-glass.ts";
import { check } from "./steps/check.ts";
import { claim } from "./steps/claim.ts";
import { closed } from "./steps/closed.ts";
import { dead } from "./steps/dead.ts";
import { drain, drainBack } from "./steps/drain.ts";
import { endNew } from "./steps/end-new.ts";
import { identify } from "./steps/identify.ts";
import { mint } from "./steps/mint.ts";
import { propagate } from "./steps/propagate.ts";
import { record } from "./steps/record.ts";
import { restore, restoreVault } from "./steps/restore.ts";
import { revoke } from "./steps/revoke.ts";
import { soak } from "./steps/soak.ts";
import { store } from "./steps/store.ts";
import { tidy } from "./steps/tidy.ts";
import { validate } from "./steps/validate.ts";

const there = runbook("overlap@1", (s) => [
  check, // make sure the present key works and every place can take a new one
  identify, // make sure we know exactly which credential will be ended
  claim, // make sure no other installation rotates it
  mint, // one new credential, tagged with this run
  validate, // make sure it is what was asked for, before anything is written
  store(s.vault), // the vault first
  each("copies", s.waves, propagate), // then every destination, wave by wave, each until its consumers run on it
  soak, // old and new side by side
  drain(s), // make sure nothing runs any more that took the old value
  closed, // make sure no approval can put another value into the vault later
  tidy, // make sure this run leaves one credential
  revoke, // make sure no copy holds the old one, then end it
  dead, // make sure it is refused, and stays refused
  record,
]);

/** Rotation where old and new work side by side until the old one is ended: prove everything, then revoke. */
export const overlap = withWayBack(there, {
  // In the reverse order: the vault keeps the new value, which works, until every copy has the old one again.
  back: (s) => [
    each("restored", s.waves.map((wave) => wave.toReversed()).toReversed(), restore),
    restoreVault(s.vault),
    drainBack(s),
    closed,
    endNew,
  ],
  breakGlass,
});

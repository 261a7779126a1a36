import { runbook, withWayBack } from "../core/runbook.ts";
import { each } from "../core/step.ts";
import { announce } from "./steps/announce.ts";
import { breakGlass } from "./steps/break-glass.ts";
import { checkSupplied } from "./steps/check-supplied.ts";
import { claim } from "./steps/claim.ts";
import { closed } from "./steps/closed.ts";
import { drain, drainBack } from "./steps/drain.ts";
import { deadFormer, endFormer } from "./steps/end-former.ts";
import { endSupplied } from "./steps/end-supplied.ts";
import { identifyFormer } from "./steps/former.ts";
import { propagate } from "./steps/propagate.ts";
import { ready } from "./steps/ready.ts";
import { record } from "./steps/record.ts";
import { restore, restoreVault } from "./steps/restore.ts";
import { soakFormer } from "./steps/soak-former.ts";
import { storeSupplied } from "./steps/store.ts";
import { supply } from "./steps/supply.ts";
import { tidy } from "./steps/tidy.ts";
import { validate } from "./steps/validate.ts";

const there = runbook("supplied@1", (s) => [
  checkSupplied, // make sure every place can take a new key, before a person is asked for one
  identifyFormer, // find out what stands there, if that can be told
  claim, // make sure no other installation rotates it
  announce, // from here on there may be a credential of this run
  supply, // a person creates it and pastes its value, which is checked
  validate, // make sure it is what was asked for; from here on it is the access
  ready, // make sure of every place once more, with that access
  storeSupplied(s.vault), // the vault first
  each("copies", s.waves, propagate), // then every destination, wave by wave
  soakFormer, // side by side, where the old one still works
  drain(s), // make sure nothing runs any more that took the old value
  closed, // make sure no approval can put another value into the vault later
  tidy, // make sure this run leaves one credential
  endFormer, // end the old one, where there is one to end
  deadFormer, // make sure it is refused, and stays refused
  record,
]);

/** Rotation without a mint: no living key is left, or the account may not issue any, and a person supplies the new one (HK-24). */
export const supplied = withWayBack(there, {
  back: (s) => [
    each("restored", s.waves.map((wave) => wave.toReversed()).toReversed(), restore),
    restoreVault(s.vault),
    drainBack(s),
    closed,
    endSupplied,
  ],
  breakGlass,
});

import { runbook } from "../core/runbook.ts";
import { endOne, proveEnded, recordEnd } from "./steps/end-one.ts";
import { findEnding, lookAtVault } from "./steps/find-ending.ts";

/** Ends one credential now, without a successor; with broken glass also the one that copies hold. */
export const revoke = runbook("revoke@1", (s) => [
  lookAtVault, // what must stay, or what is to go
  findEnding, // make sure that exactly one is meant, and that it is this secret's
  endOne(s), // make sure that no copy holds it, then end it
  proveEnded, // make sure it stays refused, or gone
  recordEnd,
]);

// What `lockstep/conformance` exports: the suites that every adapter runs, ours and anybody else's.
export type { Case } from "./case.ts";
export { testInterlock } from "./interlock.ts";
export { testIssuer } from "./issuer.ts";
export { testProbe } from "./probe.ts";
export { testStore } from "./store.ts";
export type {
  InterlockHarness,
  InterlockWorld,
  IssuerHarness,
  IssuerWorld,
  LivingCredential,
  PlainValues,
  ProbeHarness,
  ProbeWorld,
  StoreHarness,
  StoreWorld,
  VendorWorld,
} from "./supplied.ts";

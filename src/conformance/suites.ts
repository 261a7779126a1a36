// What `lockstep/conformance` exports: the suites that every adapter runs, ours and anybody else's.
export type { Case } from "./case.ts";
export { testIssuer } from "./issuer.ts";
export { testStore } from "./store.ts";
export type {
  IssuerHarness,
  IssuerWorld,
  LivingCredential,
  PlainValues,
  StoreHarness,
  StoreWorld,
  VendorWorld,
} from "./supplied.ts";

// What `lockstep/adapter` exports: all that somebody who writes an adapter needs of us.
export {
  type AdapterDeps,
  type ConnectionOptions,
  defineInterlock,
  defineIssuer,
  defineProbe,
  defineStore,
  defineVault,
  defineVendor,
  type StoreDeps,
} from "./core/adapter.ts";
export type { Credential, Fingerprints } from "./core/credential.ts";
export type { ErrorCode, Trouble } from "./core/errors.ts";
export type { Interlock, Position, Standing, Turn } from "./core/interlock.ts";
export type { Introspection, Issuer, Minted, MintIntent, RecordedIdentity } from "./core/issuer.ts";
export { done, type Outcome, type Proof, refused, type Sighting, unknown } from "./core/outcome.ts";
export type { Probe } from "./core/probe.ts";
export { Secret, type Values } from "./core/secret-value.ts";
export type { Holding, Observation, Readiness, Receipt, Store, Vault } from "./core/store.ts";
export { createHttp, retryAfterMs } from "./vendors/http.ts";
export { type Answer, type Ask, type Dialect, outcomeOf } from "./vendors/reply.ts";
export { moment, plainText, secretText, shaped } from "./vendors/shaped.ts";

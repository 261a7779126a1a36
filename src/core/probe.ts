import type { Proof } from "./outcome.ts";

/** What a probe's answers are worth. */
export interface ProbeCapabilities {
  /** It can show that something is not so; else it proves or leaves open. */
  readonly refutes: boolean;
  /** What it takes for proof has a structure of its own, so that nobody else's reply passes for it. */
  readonly ownShape: boolean;
}

/** A check that gathers evidence about a credential, a store or a consumer. */
export interface Probe {
  /**
   * One look; read only. `proved` and `refuted` only by the place's own reply: a proxy's page, a redirect, a cut reply or
   * silence is `unknown`. No part of the answer holds a value.
   */
  look(): Promise<Proof>;
}

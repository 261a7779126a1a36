import type { IssuerCapabilities } from "./issuer.ts";
import type { Flow, Reason } from "./record.ts";
import type { StoreCapabilities } from "./store.ts";
import type { Milliseconds } from "./time.ts";

/** How many vendor calls each operation of an adapter makes when nothing goes wrong. */
export type Costs<Operation extends string> = Readonly<Record<Operation, number>>;

/** A copy of the secret as the configuration described it when the plan was made. */
export interface CopySnapshot {
  /** Unique inside the secret, made from the vendor and the place: `heroku:raxx-api-prod`. */
  readonly id: string;
  readonly kind: string;
  readonly vendor: string;
  readonly connection: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** The place in words: `heroku raxx-api-prod HEROKU_API_KEY`. */
  readonly target: string;
  readonly capabilities: StoreCapabilities;
  readonly costs: Costs<"observe" | "write" | "prove">;
}

/** The issuer's side of the snapshot. */
export interface IssuerSnapshot {
  readonly kind: string;
  readonly vendor: string;
  readonly connection: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** The vendor's word for what it issues: `Heroku authorization`. */
  readonly target: string;
  /** The account that must answer, as the vendor prints it. */
  readonly account: string;
  readonly scope: string;
  /** The convention's description for this run, date filled in, without the tag. */
  readonly description: string;
  /** Ids (or id prefixes) that belong to somebody else and are never ended here (HK-03). */
  readonly known: readonly { readonly id: string; readonly description: string }[];
  readonly capabilities: IssuerCapabilities;
  readonly costs: Costs<
    "introspect" | "identify" | "mint" | "findByTag" | "validate" | "end" | "isListed" | "probe"
  >;
}

/**
 * What the configuration said about a secret when its plan was made, without values. It travels as the run's input, so
 * that a change of the configuration does not touch a run in flight (design 4, rule 4).
 */
export interface Snapshot {
  readonly secret: string;
  readonly flow: Flow;
  readonly reason: Reason;
  readonly environment: string;
  readonly system: string;
  readonly owner: string;
  readonly role: string;
  readonly sop?: string;
  readonly cadenceDays: number;
  readonly issuer: IssuerSnapshot;
  readonly vault: CopySnapshot;
  /** Destinations in declared order; copies of one wave are written side by side. */
  readonly waves: readonly (readonly CopySnapshot[])[];
  /** The minimum overlap: from the last write to the revoke. */
  readonly soakMs: Milliseconds;
  /** How long the issuer may still accept an ended credential somewhere; the refusal is shown again after it (P4). */
  readonly propagationMs: Milliseconds;
}

/** All destinations in written order. */
export function copiesOf(snapshot: Snapshot): readonly CopySnapshot[] {
  return snapshot.waves.flat();
}

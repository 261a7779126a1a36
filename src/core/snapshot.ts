import type { Fingerprints } from "./credential.ts";
import type { IssuerCapabilities } from "./issuer.ts";
import type { Assurance, Flow, Reason, Role, RunId } from "./record.ts";
import type { StoreCapabilities } from "./store.ts";
import type { TaskField } from "./task.ts";
import type { Instant, Milliseconds } from "./time.ts";

/** How many vendor calls each operation of an adapter makes when nothing goes wrong. */
type Costs<Operation extends string> = Readonly<Record<Operation, number>>;

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
  /** Each field's place, as a survey names it. */
  readonly places: readonly string[];
  /** What a survey from here is confined to; absent where it sees all that its access does. */
  readonly surveyed?: string;
  /** Set where a person writes it, with the way there; Lockstep leads and checks (DR-13). */
  readonly byHand?: { readonly command: readonly string[]; readonly lines: readonly string[] };
  /** What a plan has to say of this copy besides, such as what cannot be looked at. */
  readonly remarks: readonly string[];
  readonly capabilities: StoreCapabilities;
  /** `claim` and `openApprovals` are 0 where it is no vault. */
  readonly costs: Costs<
    "ready" | "observe" | "write" | "prove" | "drained" | "survey" | "claim" | "openApprovals"
  > & { readonly surveyOfEach?: number };
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
  /** How a person creates one, where a person can; `{description}` stands for the description with the run's tag (HK-24). */
  readonly byHand?: { readonly lines: readonly string[]; readonly fields: readonly TaskField[] };
  /** Ids (or id prefixes) that belong to somebody else and are never ended here (HK-03). */
  readonly known: readonly { readonly id: string; readonly description: string }[];
  readonly capabilities: IssuerCapabilities;
  readonly costs: Costs<
    "introspect" | "identify" | "mint" | "findByTag" | "validate" | "end" | "isListed" | "probe"
  >;
}

/** Whatever a list holds, this many characters are needed to name a credential by the beginning of its id. */
export const SHORTEST_PREFIX = 8;

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
  readonly role: Role;
  readonly assurance: Assurance;
  readonly sop?: string;
  readonly cadenceDays: number;
  /** Why this installation takes the entry over from another one, where a person asked for it. */
  readonly takeOver?: string;
  /** Connections that work with this very secret; given only where it may be dead (HK-24). */
  readonly ownConnections?: readonly string[];
  /** The credential that a `revoke` is to end: its id, or a unique beginning of it of at least {@link SHORTEST_PREFIX} characters. */
  readonly ending?: { readonly id: string; readonly breakGlass?: string };
  /** The run whose late duplicates are looked for (HK-13). */
  readonly follows?: Followed;
  readonly issuer: IssuerSnapshot;
  readonly vault: CopySnapshot;
  /** Destinations in declared order; copies of one wave are written side by side. */
  readonly waves: readonly (readonly CopySnapshot[])[];
  /** Calls of the sign-ins of all its connections, by vendor. */
  readonly signIns: Readonly<Record<string, number>>;
  /** The minimum overlap: from the last write to the revoke. */
  readonly soakMs: Milliseconds;
  /** How long consumers must have been up with the new value before its copy counts as proved (HK-21). */
  readonly steadyMs: Milliseconds;
  /** How long what still uses the old value is waited for before a person decides (HK-23). */
  readonly drainMs: Milliseconds;
  /** Within which time of its start the run must end the old key, where the reason demands it (HK-14). */
  readonly revokeWithinMs?: Milliseconds;
  /** How long the issuer may still accept an ended credential somewhere; the refusal is shown again after it (P4). */
  readonly propagationMs: Milliseconds;
}

/** What a follow-up has to know of the run that it follows. */
export interface Followed {
  readonly run: RunId;
  readonly tag: string;
  /** When the run first announced that it creates a credential; its end, where a person was to. */
  readonly mintedAt: Instant;
  /** What the vault held at the end of the run. */
  readonly held?: { readonly id: string; readonly fingerprints: Fingerprints };
  /** A person was asked to create the credential, and knows its value. */
  readonly byHand?: true;
}

/** All destinations in written order. */
export function copiesOf(snapshot: Snapshot): readonly CopySnapshot[] {
  return snapshot.waves.flat();
}

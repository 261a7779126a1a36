import type { ProofGrade } from "../core/outcome.ts";
import type { Assurance, Role } from "../core/record.ts";
import type { DurationText } from "../core/time.ts";
import type {
  InterlockEntry,
  IssuerEntry,
  ProbeEntry,
  StoreEntry,
  VaultEntry,
  VendorName,
} from "./adapters.ts";

/** The name of an environment variable that holds a value; configurations never hold values themselves. */
export interface FromEnvironment {
  readonly env: string;
}

/** Says that a value comes from the environment variable of that name. */
export function env(name: string): FromEnvironment {
  return { env: name };
}

/** How a vendor is reached. The credential comes from the environment, field by field, or is another secret under management. */
export interface Connection {
  readonly vendor: VendorName;
  /** For a self-hosted vendor and for pages (`web`); the vendor's own address otherwise. */
  readonly url?: string;
  /** Sent with every call, for example an access proxy's. */
  readonly headers?: Readonly<Record<string, string | FromEnvironment>>;
  readonly credential?: { readonly secret: string } | Readonly<Record<string, FromEnvironment>>;
}

/** What uses a value at run time, and how it gets it (HK-02). */
export interface Consumer {
  readonly name: string;
  readonly reads: string;
  /** It fetches the value itself, such as a shell's bootstrap. */
  readonly pulls?: boolean;
}

/** One credential under management. */
export interface ManagedSecret {
  readonly system: string;
  readonly owner: string;
  /** Who may rotate it. */
  readonly role: Role;
  /** How sure Lockstep must be of who starts a run; any local user where absent. */
  readonly assurance?: Assurance;
  readonly environment: "production" | "staging" | "development";
  /** How often it is rotated. */
  readonly cadence: DurationText;
  /** Where the written procedure lies. */
  readonly sop?: string;
  readonly issuer: IssuerEntry;
  /** The canonical store. */
  readonly vault: VaultEntry;
  /** Waves in the order in which they are written; copies of one wave are written side by side. */
  readonly destinations?: readonly (readonly StoreEntry[])[];
  readonly consumers?: readonly Consumer[];
  /** From the last write to the revoke; 30 minutes where absent, none for a compromised key. */
  readonly soak?: DurationText;
  /** How long consumers must have been up with the new value before its copy counts as proved; 2 minutes where absent. */
  readonly steady?: DurationText;
  /** How long jobs and one-off processes on the old value are waited for before a person decides; 4 hours where absent. */
  readonly drain?: DurationText;
  /** Within which time of its start a run for a compromised key asks for break-glass; 1 hour where absent. */
  readonly revokeWithin?: DurationText;
  /** The weakest proof that a destination may have; a production secret may demand "behaviour". */
  readonly leastProof?: ProofGrade;
  /** After the revoke, until the refusal is shown again; 60 seconds where absent. */
  readonly propagation?: DurationText;
}

/** Something that is closed before a run and opened after it, such as a trading kill switch. */
export type ManagedInterlock = InterlockEntry & {
  /** Who may open it, `superadmin` where absent; whoever has the role ops may close it. */
  readonly role?: Role;
  /** How long a proof is waited for after it was turned; 10 minutes where absent. */
  readonly within?: DurationText;
  /** What must be proved besides, where it stands closed or open: that what consults it says so itself. */
  readonly probes?: { readonly closed?: ProbeEntry; readonly open?: ProbeEntry };
};

/** A person, by the name of the operating system's user. */
export interface Operator {
  readonly role: Role;
  readonly email?: string;
  /** The Slack member id. */
  readonly slack?: string;
}

/** How people are told of tasks, holds, failures and alarms; every message goes by each way for which there is an address. */
interface Notify {
  /** A direct message of a bot. */
  readonly slack?: {
    /** A key of `connections`, of the vendor slack. */
    readonly connection: string;
    /** Member ids of those who are told besides the operators. */
    readonly also?: readonly string[];
  };
  readonly email?: {
    /** `smtp://host:587`, or `smtps://host:465`. */
    readonly url: string;
    readonly from: string;
    /** Where absent the server is used without signing in. */
    readonly credential?: { readonly user: FromEnvironment; readonly password: FromEnvironment };
    /** Addresses that are told besides the operators. */
    readonly also?: readonly string[];
  };
}

/** All that Lockstep manages. */
export interface Configuration {
  /** Who may do what. Without it, whoever can read the key ring may do everything. */
  readonly operators?: Readonly<Record<string, Operator>>;
  /** How operators are told, each with at least the secret's role. Without it nobody is. */
  readonly notify?: Notify;
  readonly connections: Readonly<Record<string, Connection>>;
  readonly secrets: Readonly<Record<string, ManagedSecret>>;
  readonly interlocks?: Readonly<Record<string, ManagedInterlock>>;
}

/** Types a configuration; it is checked when it is loaded, all mistakes at once. */
export function defineConfig(configuration: Configuration): Configuration {
  return configuration;
}

import type { DurationText } from "../core/time.ts";
import type { IssuerEntry, StoreEntry, VaultEntry, VendorName } from "./adapters.ts";

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
  /** For a self-hosted vendor; the vendor's own address otherwise. */
  readonly url?: string;
  /** Sent with every call, for example an access proxy's. */
  readonly headers?: Readonly<Record<string, string | FromEnvironment>>;
  readonly credential: { readonly secret: string } | Readonly<Record<string, FromEnvironment>>;
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
  readonly role: "viewer" | "ops" | "superadmin";
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
  /** From the last write to the revoke; 30 minutes where absent. */
  readonly soak?: DurationText;
  /** After the revoke, until the refusal is shown again; 60 seconds where absent. */
  readonly propagation?: DurationText;
}

/** All that Lockstep manages. */
export interface Configuration {
  readonly connections: Readonly<Record<string, Connection>>;
  readonly secrets: Readonly<Record<string, ManagedSecret>>;
}

/** Types a configuration; it is checked when it is loaded, all mistakes at once. */
export function defineConfig(configuration: Configuration): Configuration {
  return configuration;
}

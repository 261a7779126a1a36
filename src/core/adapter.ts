import type { ZodType } from "zod";
import type { Interlock, InterlockCapabilities } from "./interlock.ts";
import type { Issuer, IssuerCapabilities } from "./issuer.ts";
import type { Probe, ProbeCapabilities } from "./probe.ts";
import type { Budget } from "./record.ts";
import type { Fingerprinter } from "./sealed.ts";
import type { Values } from "./secret-value.ts";
import type { Store, StoreCapabilities, Vault } from "./store.ts";
import type { TaskField } from "./task.ts";
import type { Clock, Milliseconds } from "./time.ts";

/** How a vendor is reached: one connection of the configuration, its credential not yet fetched. */
export interface ConnectionOptions {
  /** Scheme, host and base path, without a slash at the end: `https://api.heroku.com`. */
  readonly baseUrl: string;
  /** Whose rate limit the calls are charged to; part of the budget's key beside vendor and host. */
  readonly account: string;
  readonly budget: Budget;
  readonly clock: Clock;
  /** The access that Lockstep works with now; asked again when it may have changed, so that a run can switch to its own new key. */
  credential(): Promise<Values>;
  /** Sent with every call, e.g. an access proxy's. */
  readonly headers?: Readonly<Record<string, string>>;
  /** For tests and simulation; the global one otherwise. */
  readonly fetch?: typeof globalThis.fetch;
  /** The longest that one call may take; 30 s where absent. */
  readonly deadlineMs?: Milliseconds;
  /** The longest that a call waits for its turn in the budget; 30 s where absent. */
  readonly patienceMs?: Milliseconds;
}

/** A vendor: where it lives by default, what its credential consists of, and its client. */
export interface VendorDefinition<Client, Name extends string = string> {
  /** Folder, prefix of budget keys and name in the record of calls: `heroku`. */
  readonly name: Name;
  /** Empty where each connection names its own. */
  readonly defaultUrl: string;
  /** How many calls an account may save up, and how many come back each minute, where the vendor says so. */
  readonly rate?: { readonly capacity: number; readonly perMinute: number };
  /** Checks the fields of the connection's credential, as text; their names are those of {@link ConnectionOptions.credential}. */
  readonly connection: ZodType<Readonly<Record<string, string>>>;
  /** Calls of a sign-in, which a connection makes once in the life of a process; 0 where absent. */
  readonly signIn?: number;
  connect(options: ConnectionOptions): Client;
}

/** What an adapter is connected with. */
export interface AdapterDeps<Client> {
  readonly client: Client;
  readonly fingerprint: Fingerprinter;
  readonly clock: Clock;
}

/** What a store is connected with. */
export interface StoreDeps<Client> extends AdapterDeps<Client> {
  /** The id of this copy in the plan, for its receipts. */
  readonly copy: string;
  /** How long a consumer must have been up with the value before the write counts as proved (HK-21). */
  readonly steadyMs: Milliseconds;
}

/** What the plan says of an issuer. */
interface IssuerDescription {
  /** The thing it mints, for people: `Heroku authorization`. */
  readonly target: string;
  /** The account that credentials must belong to. */
  readonly account: string;
  readonly scope?: string;
  /** The convention for descriptions, `{YYYY-MM}` standing for the month; a new credential's description is made of it. */
  readonly convention?: string;
  /** How a person creates one, for `rotate --supplied`; `{description}` stands for the description with the run's tag, `"{description}"` for it as a shell takes it. */
  readonly byHand?: { readonly lines: readonly string[]; readonly fields: readonly TaskField[] };
}

/** Vendor calls of each operation on the happy path, for the plan's estimate and its budget check. */
interface IssuerCosts<Config> {
  readonly introspect: number;
  readonly identify: number;
  readonly mint: number;
  readonly findByTag: number;
  validate(config: Config): number;
  readonly end: number;
  readonly isListed: number;
  readonly probe: number;
}

/** Vendor calls of each operation on the happy path, where the value differs and is written. */
interface StoreCosts<Config> {
  ready(config: Config): number;
  observe(config: Config): number;
  write(config: Config): number;
  /** `steadyMs` is {@link StoreDeps.steadyMs}: while that passes, the place may be looked at several times. */
  prove(config: Config, steadyMs: Milliseconds): number;
  drained(config: Config): number;
  /** Calls of a survey; where it is one of the access, besides {@link surveyOfEach} for each declared copy of the same kind and connection. */
  readonly survey: number;
  /** 1 where absent. */
  readonly surveyOfEach?: number;
}

/** The same of a vault. */
interface VaultCosts<Config> extends StoreCosts<Config> {
  /** Of a look at the claim. */
  claim(config: Config): number;
  readonly openApprovals: number;
}

/** An issuer kind: with it in the one list of `app/`, a configuration can name it. */
export interface IssuerDefinition<Config, Client, Kind extends string = string, Input = unknown> {
  /** Its folder's name, which configurations use: `heroku-authorization`. */
  readonly kind: Kind;
  /** Name of the vendor whose client it is connected with. */
  readonly vendor: string;
  readonly config: ZodType<Config, Input>;
  readonly capabilities: IssuerCapabilities;
  /** The names of the parts of its values; the fields of every copy carry them. */
  readonly fields: readonly string[];
  describe(config: Config): IssuerDescription;
  readonly costs: IssuerCosts<Config>;
  connect(config: Config, deps: AdapterDeps<Client>): Issuer;
}

/** What the plan says of a copy. */
export interface StoreDescription {
  /** The place for people: `heroku raxx-api-prod HEROKU_API_KEY`. */
  readonly target: string;
  /** Each field's place, spelled as {@link Holding.place} is. */
  readonly places: readonly string[];
  /** What the plan has to say besides, such as what may not be visible. */
  readonly remarks?: readonly string[];
  /** What a survey from here is confined to, where the access may see more, such as a project's id. */
  readonly surveyed?: string;
  /** Set where a person writes it: the command that takes the value on stdin, and the lines that lead there. */
  readonly byHand?: { readonly command: readonly string[]; readonly lines: readonly string[] };
}

/** What every store kind says of itself. */
interface StoreKind<Config, Kind extends string, Input> {
  /** Its folder's name, which configurations use: `github-actions-secret`. */
  readonly kind: Kind;
  /** Name of the vendor whose client it is connected with. */
  readonly vendor: string;
  readonly config: ZodType<Config, Input>;
  /** May depend on the configuration: a proof workflow makes a stronger grade. */
  capabilities(config: Config): StoreCapabilities;
  describe(config: Config): StoreDescription;
}

/** A store kind that can only be a destination. */
export interface StoreDefinition<Config, Client, Kind extends string = string, Input = unknown>
  extends StoreKind<Config, Kind, Input> {
  readonly canonical: false;
  readonly costs: StoreCosts<Config>;
  connect(config: Config, deps: StoreDeps<Client>): Store;
}

/** A store kind whose values can be read, so that it may also be the canonical one. */
export interface VaultDefinition<Config, Client, Kind extends string = string, Input = unknown>
  extends StoreKind<Config, Kind, Input> {
  readonly canonical: true;
  readonly costs: VaultCosts<Config>;
  connect(config: Config, deps: StoreDeps<Client>): Vault;
}

/** What is said of an interlock or a probe. */
interface Description {
  /** The place for people: `heroku raxx-api-prod TRADING_LIVE_DISABLED`. */
  readonly target: string;
  /** What has to be said besides, such as what cannot be shown. */
  readonly remarks?: readonly string[];
}

/** An interlock kind. */
export interface InterlockDefinition<Config, Client, Kind extends string = string, Input = unknown> {
  /** Its folder's name, which configurations use: `heroku-flag`. */
  readonly kind: Kind;
  /** Name of the vendor whose client it is connected with. */
  readonly vendor: string;
  readonly config: ZodType<Config, Input>;
  readonly capabilities: InterlockCapabilities;
  describe(config: Config): Description;
  connect(config: Config, deps: AdapterDeps<Client>): Interlock;
}

/** A probe kind. */
export interface ProbeDefinition<Config, Client, Kind extends string = string, Input = unknown> {
  /** Its folder's name, which configurations use: `http`. */
  readonly kind: Kind;
  /** Name of the vendor whose client it is connected with. */
  readonly vendor: string;
  readonly config: ZodType<Config, Input>;
  /** Depends on the configuration: what is expected decides what it is worth. */
  capabilities(config: Config): ProbeCapabilities;
  describe(config: Config): Description;
  connect(config: Config, deps: AdapterDeps<Client>): Probe;
}

/** Checks a definition where it is written, and keeps its types. */
export function defineVendor<const Name extends string, Client>(
  definition: VendorDefinition<Client, Name>,
): VendorDefinition<Client, Name> {
  return definition;
}

/** Checks a definition where it is written, and keeps its types. */
export function defineIssuer<const Kind extends string, Config, Client, Input>(
  definition: IssuerDefinition<Config, Client, Kind, Input>,
): IssuerDefinition<Config, Client, Kind, Input> {
  return definition;
}

/** Checks a definition where it is written, and keeps its types. */
export function defineStore<const Kind extends string, Config, Client, Input>(
  definition: StoreDefinition<Config, Client, Kind, Input>,
): StoreDefinition<Config, Client, Kind, Input> {
  return definition;
}

/** Checks a definition where it is written, and keeps its types. */
export function defineVault<const Kind extends string, Config, Client, Input>(
  definition: VaultDefinition<Config, Client, Kind, Input>,
): VaultDefinition<Config, Client, Kind, Input> {
  return definition;
}

/** Checks a definition where it is written, and keeps its types. */
export function defineInterlock<const Kind extends string, Config, Client, Input>(
  definition: InterlockDefinition<Config, Client, Kind, Input>,
): InterlockDefinition<Config, Client, Kind, Input> {
  return definition;
}

/** Checks a definition where it is written, and keeps its types. */
export function defineProbe<const Kind extends string, Config, Client, Input>(
  definition: ProbeDefinition<Config, Client, Kind, Input>,
): ProbeDefinition<Config, Client, Kind, Input> {
  return definition;
}

import type { ZodType } from "zod";
import type {
  AdapterDeps,
  ConnectionOptions,
  InterlockDefinition,
  IssuerDefinition,
  ProbeDefinition,
  StoreDefinition,
  StoreDeps,
  StoreDescription,
  VaultDefinition,
} from "../core/adapter.ts";
import type { Interlock, InterlockCapabilities } from "../core/interlock.ts";
import type { Issuer, IssuerCapabilities } from "../core/issuer.ts";
import type { Probe, ProbeCapabilities } from "../core/probe.ts";
import type { CopySnapshot, IssuerSnapshot } from "../core/snapshot.ts";
import type { Store, StoreCapabilities, Vault } from "../core/store.ts";
import type { Milliseconds } from "../core/time.ts";
import { herokuFlag } from "../interlocks/heroku-flag/interlock.ts";
import { herokuAuthorization } from "../issuers/heroku-authorization/issuer.ts";
import { httpProbe } from "../probes/http/probe.ts";
import { githubActionsSecret } from "../stores/github-actions-secret/store.ts";
import { herokuConfigVar } from "../stores/heroku-config-var/store.ts";
import { infisicalVault } from "../stores/infisical/store.ts";
import { github } from "../vendors/github/client.ts";
import { heroku } from "../vendors/heroku/client.ts";
import { infisical } from "../vendors/infisical/client.ts";
import { slack } from "../vendors/slack/client.ts";
import { web } from "../vendors/web/client.ts";

// The one list of adapters. A new vendor, issuer, store, interlock or probe is a folder of its own and one line here.
const vendors = [heroku, github, infisical, slack, web] as const;
const issuers = [issuer(herokuAuthorization)] as const;
const stores = [store(infisicalVault), store(githubActionsSecret), store(herokuConfigVar)] as const;
const interlocks = [interlock(herokuFlag)] as const;
const probes = [probe(httpProbe)] as const;

/** Carries the type of an adapter's entry in a configuration; never there at run time. */
interface Typed<Kind, Input, Canonical = false> {
  readonly entry?: {
    readonly kind: Kind /** A key of `connections`. */;
    readonly connection: string;
  } & Input;
  readonly mayBeVault?: Canonical;
}

type EntryOf<D extends { readonly entry?: unknown }> = NonNullable<D["entry"]>;

/** What a configuration may say of an issuer. */
export type IssuerEntry = EntryOf<(typeof issuers)[number]>;
/** What it may say of a destination. */
export type StoreEntry = EntryOf<(typeof stores)[number]>;
/** What it may say of the canonical store. */
export type VaultEntry = EntryOf<Extract<(typeof stores)[number], Typed<string, unknown, true>>>;
/** What it may say of an interlock's place. */
export type InterlockEntry = EntryOf<(typeof interlocks)[number]>;
/** What it may say of a probe. */
export type ProbeEntry = EntryOf<(typeof probes)[number]>;
/** The vendors that a connection may lead to. */
export type VendorName = (typeof vendors)[number]["name"];

/** A vendor whose client type is let go; adapters of the same vendor get it back. */
export interface AnyVendor {
  readonly name: string;
  readonly defaultUrl: string;
  readonly connection: ZodType<Readonly<Record<string, string>>>;
  readonly rate?: { readonly capacity: number; readonly perMinute: number };
  readonly signIn?: number;
  connect(options: ConnectionOptions): unknown;
}

/** An issuer whose configuration is checked where it is used. */
export interface AnyIssuer {
  readonly kind: string;
  readonly vendor: string;
  readonly config: ZodType;
  readonly capabilities: IssuerCapabilities;
  readonly fields: readonly string[];
  describe(config: unknown): ReturnType<IssuerDefinition<never, never>["describe"]>;
  costs(config: unknown): IssuerSnapshot["costs"];
  connect(config: unknown, deps: AdapterDeps<unknown>): Issuer;
}

/** A store whose configuration is checked where it is used. */
export interface AnyStore {
  readonly kind: string;
  readonly vendor: string;
  readonly config: ZodType;
  capabilities(config: unknown): StoreCapabilities;
  /** Whether it may be the vault. */
  readonly canonical: boolean;
  describe(config: unknown): StoreDescription;
  costs(config: unknown, steadyMs: Milliseconds): CopySnapshot["costs"];
  connect(config: unknown, deps: StoreDeps<unknown>): Store | Vault;
}

/** An interlock whose configuration is checked where it is used. */
interface AnyInterlock {
  readonly kind: string;
  readonly vendor: string;
  readonly config: ZodType;
  readonly capabilities: InterlockCapabilities;
  describe(config: unknown): ReturnType<InterlockDefinition<never, never>["describe"]>;
  connect(config: unknown, deps: AdapterDeps<unknown>): Interlock;
}

/** A probe whose configuration is checked where it is used. */
interface AnyProbe {
  readonly kind: string;
  readonly vendor: string;
  readonly config: ZodType;
  capabilities(config: unknown): ProbeCapabilities;
  describe(config: unknown): ReturnType<ProbeDefinition<never, never>["describe"]>;
  connect(config: unknown, deps: AdapterDeps<unknown>): Probe;
}

/** All vendors by name. */
export const VENDORS: Readonly<Record<string, AnyVendor>> = Object.fromEntries(
  vendors.map((one) => [one.name, one]),
);
/** All issuers by kind. */
export const ISSUERS: Readonly<Record<string, AnyIssuer>> = Object.fromEntries(
  issuers.map((one) => [one.kind, one]),
);
/** All stores by kind. */
export const STORES: Readonly<Record<string, AnyStore>> = Object.fromEntries(
  stores.map((one) => [one.kind, one]),
);
/** All interlocks by kind. */
export const INTERLOCKS: Readonly<Record<string, AnyInterlock>> = Object.fromEntries(
  interlocks.map((one) => [one.kind, one]),
);
/** All probes by kind. */
export const PROBES: Readonly<Record<string, AnyProbe>> = Object.fromEntries(
  probes.map((one) => [one.kind, one]),
);

function issuer<Kind extends string, Config, Client, Input>(
  definition: IssuerDefinition<Config, Client, Kind, Input>,
): AnyIssuer & Typed<Kind, Input> {
  const read = readOnce(definition.config);
  return {
    ...definition,
    describe: (config) => definition.describe(read(config)),
    costs: (config) => ({ ...definition.costs, validate: definition.costs.validate(read(config)) }),
    connect: (config, deps) => definition.connect(read(config), deps as AdapterDeps<Client>),
  };
}

function store<Kind extends string, Config, Client, Input, Canonical extends boolean>(
  definition: (
    | StoreDefinition<Config, Client, Kind, Input>
    | VaultDefinition<Config, Client, Kind, Input>
  ) & { readonly canonical: Canonical },
): AnyStore & Typed<Kind, Input, Canonical> {
  const read = readOnce(definition.config);
  return {
    ...definition,
    capabilities: (config) => definition.capabilities(read(config)),
    describe: (config) => definition.describe(read(config)),
    costs: (config, steadyMs) => costsOf(definition, read(config), steadyMs),
    connect: (config, deps) => definition.connect(read(config), deps as StoreDeps<Client>),
  };
}

/** Checks a configuration; the same object once only, because every step connects its adapters anew. */
function readOnce<Config>(schema: ZodType<Config>): (config: unknown) => Config {
  const known = new WeakMap<object, Config>();
  return (config) => {
    const before = config instanceof Object ? known.get(config) : undefined;
    if (before !== undefined) return before;
    const read = schema.parse(config);
    if (config instanceof Object) known.set(config, read);
    return read;
  };
}

function interlock<Kind extends string, Config, Client, Input>(
  definition: InterlockDefinition<Config, Client, Kind, Input>,
): AnyInterlock & Typed<Kind, Input> {
  const read = readOnce(definition.config);
  return {
    ...definition,
    describe: (config) => definition.describe(read(config)),
    connect: (config, deps) => definition.connect(read(config), deps as AdapterDeps<Client>),
  };
}

function probe<Kind extends string, Config, Client, Input>(
  definition: ProbeDefinition<Config, Client, Kind, Input>,
): AnyProbe & Typed<Kind, Input> {
  const read = readOnce(definition.config);
  return {
    ...definition,
    capabilities: (config) => definition.capabilities(read(config)),
    describe: (config) => definition.describe(read(config)),
    connect: (config, deps) => definition.connect(read(config), deps as AdapterDeps<Client>),
  };
}

function costsOf<Config, Client>(
  definition: StoreDefinition<Config, Client> | VaultDefinition<Config, Client>,
  config: Config,
  steadyMs: Milliseconds,
): CopySnapshot["costs"] {
  const { costs } = definition;
  const ofVault = definition.canonical
    ? { claim: definition.costs.claim(config), openApprovals: definition.costs.openApprovals }
    : { claim: 0, openApprovals: 0 };
  return {
    ...ofVault,
    ready: costs.ready(config),
    observe: costs.observe(config),
    write: costs.write(config),
    prove: costs.prove(config, steadyMs),
    drained: costs.drained(config),
    survey: costs.survey,
    ...(costs.surveyOfEach !== undefined && { surveyOfEach: costs.surveyOfEach }),
  };
}

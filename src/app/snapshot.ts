import { LockstepError } from "../core/errors.ts";
import type { Flow, Reason } from "../core/record.ts";
import type { CopySnapshot, Followed, IssuerSnapshot, Snapshot } from "../core/snapshot.ts";
import type { Instant, Milliseconds } from "../core/time.ts";
import { ISSUERS, STORES, VENDORS } from "./adapters.ts";
import type { Config, Placed, SecretConfig } from "./config.ts";
import { isNear } from "./config-mistake.ts";

const DAY = 86_400_000;

/** What is asked for when a plan is made. */
export interface PlanRequest {
  readonly secret: string;
  readonly flow: Flow;
  readonly reason: Reason;
  readonly now: Instant;
  /** The sandbox has no propagation to wait for: waits are cut to this many milliseconds there. */
  readonly longestWaitMs?: number;
  /** A person supplies the new credential (HK-24). */
  readonly supplied?: boolean;
  /** Why the entry is taken over from another installation (X-10). */
  readonly takeOver?: string;
  /** Which credential a `revoke` is to end, and why without a sweep, where the glass is broken (X-01, X-12). */
  readonly ending?: Snapshot["ending"];
  /** The run that a follow-up follows (HK-13). */
  readonly follows?: Followed;
}

/** One secret of a checked configuration as it stands now, without values. Throws SECRET_UNKNOWN. */
export function snapshotOf(config: Config, request: PlanRequest): Snapshot {
  const one = secretIn(config, request.secret);
  if (request.supplied && !ISSUERS[one.issuer.kind]?.describe(settingsOf(one.issuer)).byHand)
    throw notByHand(request.secret);
  const longest = request.longestWaitMs ?? Number.POSITIVE_INFINITY;
  const steadyMs = Math.min(one.steady, longest);
  const waves = one.destinations.map((wave) => wave.map((placed) => copyOf(placed, steadyMs)));
  return {
    secret: request.secret,
    flow: request.flow,
    reason: request.reason,
    environment: one.environment,
    system: one.system,
    owner: one.owner,
    // What is ended although copies hold it is a superadmin's decision (X-12).
    role: request.ending?.breakGlass === undefined ? one.role : "superadmin",
    assurance: one.assurance,
    ...(request.supplied && { ownConnections: ownConnections(config, request.secret) }),
    ...(request.ending && { ending: request.ending }),
    ...(request.follows && { follows: request.follows }),
    ...(request.takeOver !== undefined && { takeOver: request.takeOver }),
    ...(one.sop !== undefined && { sop: one.sop }),
    cadenceDays: Math.round(one.cadence / DAY),
    issuer: issuerOf(one, request.now),
    vault: copyOf(one.vault),
    waves,
    signIns: signInsOf(config, one),
    // A compromised key is not kept alive for the sake of the overlap (HK-23).
    soakMs: request.reason === "compromise" ? 0 : Math.min(one.soak, longest),
    steadyMs,
    // Nor for the sake of what still uses it: past the time within which it must be ended a person decides (HK-14).
    drainMs: request.reason === "compromise" ? Math.min(one.drain, one.revokeWithin) : one.drain,
    ...(request.reason === "compromise" && { revokeWithinMs: one.revokeWithin }),
    propagationMs: Math.min(one.propagation, longest),
  };
}

function issuerOf(one: SecretConfig, now: Instant): IssuerSnapshot {
  const { kind, connection } = one.issuer;
  const config = settingsOf(one.issuer);
  const definition = ISSUERS[kind];
  if (!definition) throw new Error(`issuer ${kind} passed the configuration check but is not in the list`);
  const said = definition.describe(config);
  return {
    kind,
    vendor: definition.vendor,
    connection,
    config,
    target: said.target,
    account: said.account,
    scope: said.scope ?? "as the vendor gives it",
    description: (said.convention ?? `lockstep-{YYYY-MM}`).replace("{YYYY-MM}", now.slice(0, 7)),
    ...(said.byHand && { byHand: said.byHand }),
    known: knownOf(config),
    capabilities: definition.capabilities,
    costs: definition.costs(config),
  };
}

/** Each connection signs in once, and so does the vault of another secret that a connection works with. */
function signInsOf(config: Config, one: SecretConfig): Snapshot["signIns"] {
  const named = [one.issuer, one.vault, ...one.destinations.flat()].map(({ connection }) => connection);
  const behind = named.flatMap((id) => {
    const managed = config.connections[id]?.credential["secret"];
    const vault = typeof managed === "string" ? config.secrets[managed]?.vault : undefined;
    return vault ? [vault.connection] : [];
  });
  const counts: Record<string, number> = {};
  for (const id of new Set([...named, ...behind])) {
    const vendor = config.connections[id]?.vendor ?? "";
    const signIn = VENDORS[vendor]?.signIn ?? 0;
    if (signIn > 0) counts[vendor] = (counts[vendor] ?? 0) + signIn;
  }
  return counts;
}

/** Connections whose access is this very secret. */
function ownConnections(config: Config, secret: string): readonly string[] {
  return Object.entries(config.connections)
    .filter(([, connection]) => connection.credential["secret"] === secret)
    .map(([id]) => id);
}

/** What an adapter's entry says besides its kind and connection. */
function settingsOf({ kind: _kind, connection: _connection, ...settings }: Placed): Record<string, unknown> {
  return settings;
}

/** The declared credentials of others, where the kind of issuer has such a list (HK-03). */
function knownOf(config: Readonly<Record<string, unknown>>): IssuerSnapshot["known"] {
  const known = config["known"];
  return Array.isArray(known) ? known : [];
}

/** One copy of a secret; its id is made from vendor and place, so that it stays the same when waves are reordered. */
export function copyOf(placed: Placed, steadyMs: Milliseconds = 0): CopySnapshot {
  const { kind, connection, ...config } = placed;
  const definition = STORES[kind];
  if (!definition) throw new Error(`store ${kind} passed the configuration check but is not in the list`);
  const { target, places, surveyed, remarks = [], byHand } = definition.describe(config);
  return {
    id: target.replaceAll(" ", ":"),
    kind,
    vendor: definition.vendor,
    connection,
    config,
    target,
    places,
    ...(surveyed !== undefined && { surveyed }),
    ...(byHand && { byHand }),
    remarks,
    capabilities: definition.capabilities(config),
    costs: definition.costs(config, steadyMs),
  };
}

function notByHand(secret: string): LockstepError {
  return new LockstepError({
    code: "USAGE",
    message: `${secret} cannot be supplied by a person`,
    because: "its kind of issuer does not say how a person creates a credential",
    next: `lockstep plan ${secret}`,
  });
}

/** What a configuration says of a secret. Throws SECRET_UNKNOWN. */
export function secretIn({ secrets }: Pick<Config, "secrets">, name: string): SecretConfig {
  const one = Object.hasOwn(secrets, name) ? secrets[name] : undefined;
  if (one) return one;
  const names = Object.keys(secrets);
  const meant = names.find((other) => isNear(name, other));
  throw new LockstepError({
    code: "SECRET_UNKNOWN",
    message: `There is no secret ${JSON.stringify(name)}${meant === undefined ? "" : `; did you mean ${meant}?`}`,
    because: `the configuration has ${names.join(", ") || "none"}`,
    next: "lockstep status",
  });
}

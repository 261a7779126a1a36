import { LockstepError } from "../core/errors.ts";
import type { Flow, Reason } from "../core/record.ts";
import type { CopySnapshot, IssuerSnapshot, Snapshot } from "../core/snapshot.ts";
import type { Instant } from "../core/time.ts";
import { ISSUERS, STORES } from "./adapters.ts";
import type { Config, Placed, SecretConfig } from "./config.ts";

const DAY = 86_400_000;

/** What is asked for when a plan is made. */
export interface PlanRequest {
  readonly secret: string;
  readonly flow: Flow;
  readonly reason: Reason;
  readonly now: Instant;
  /** The sandbox has no propagation to wait for: waits are cut to this many milliseconds there. */
  readonly longestWaitMs?: number;
}

/** One secret of a checked configuration as it stands now, without values. Throws SECRET_UNKNOWN. */
export function snapshotOf(config: Config, request: PlanRequest): Snapshot {
  const one = config.secrets[request.secret];
  if (!one) throw secretUnknown(request.secret, Object.keys(config.secrets));
  const longest = request.longestWaitMs ?? Number.POSITIVE_INFINITY;
  return {
    secret: request.secret,
    flow: request.flow,
    reason: request.reason,
    environment: one.environment,
    system: one.system,
    owner: one.owner,
    role: one.role,
    ...(one.sop !== undefined && { sop: one.sop }),
    cadenceDays: Math.round(one.cadence / DAY),
    issuer: issuerOf(one, request.now),
    vault: copyOf(one.vault),
    waves: one.destinations.map((wave) => wave.map(copyOf)),
    soakMs: Math.min(one.soak, longest),
    propagationMs: Math.min(one.propagation, longest),
  };
}

function issuerOf(one: SecretConfig, now: Instant): IssuerSnapshot {
  const { kind, connection, ...config } = one.issuer;
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
    known: knownOf(config),
    capabilities: definition.capabilities,
    costs: definition.costs(config),
  };
}

/** The declared credentials of others, where the kind of issuer has such a list (HK-03). */
function knownOf(config: Readonly<Record<string, unknown>>): IssuerSnapshot["known"] {
  const known = config["known"];
  return Array.isArray(known) ? known : [];
}

/** One copy of a secret; its id is made from vendor and place, so that it stays the same when waves are reordered. */
export function copyOf(placed: Placed): CopySnapshot {
  const { kind, connection, ...config } = placed;
  const definition = STORES[kind];
  if (!definition) throw new Error(`store ${kind} passed the configuration check but is not in the list`);
  const { target } = definition.describe(config);
  return {
    id: target.replaceAll(" ", ":"),
    kind,
    vendor: definition.vendor,
    connection,
    config,
    target,
    capabilities: definition.capabilities,
    costs: definition.costs(config),
  };
}

function secretUnknown(name: string, known: readonly string[]): LockstepError {
  return new LockstepError({
    code: "SECRET_UNKNOWN",
    message: `There is no secret ${JSON.stringify(name)}`,
    because: `the configuration has ${known.join(", ") || "none"}`,
    next: "lockstep status",
  });
}

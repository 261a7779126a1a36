import { LockstepError, type Trouble } from "../core/errors.ts";
import type { Interlock, Position } from "../core/interlock.ts";
import type { Proof } from "../core/outcome.ts";
import type { Probe } from "../core/probe.ts";
import type { Role } from "../core/record.ts";
import type { Values } from "../core/secret-value.ts";
import { type Instant, type Milliseconds, systemClock } from "../core/time.ts";
import { INTERLOCKS, PROBES } from "./adapters.ts";
import { type Config, type InterlockConfig, ownOf, type Placed } from "./config.ts";
import type { SecretAccess } from "./connections.ts";
import type { Home } from "./home.ts";
import { type LastTurn, lastTurns } from "./interlock-record.ts";
import { depsOf } from "./run-deps.ts";
import { type RunDeps, readVault } from "./run-ports.ts";

/** An interlock of the configuration, connected. */
export interface BoundInterlock {
  readonly name: string;
  readonly target: string;
  /** What its proof does not show. */
  readonly remarks: readonly string[];
  /** Where it stands can be read. */
  readonly read: boolean;
  readonly interlock: Interlock;
  /** What must be proved besides, where it stands so. */
  readonly probes: Partial<Readonly<Record<Position, Probe>>>;
  /** Who may open it. */
  readonly role: Role;
  readonly within: Milliseconds;
}

/** How an interlock stands, with its proof. */
export interface InterlockStatus {
  readonly interlock: string;
  readonly target: string;
  readonly is: Position | "unknown";
  /** By the vendor's own word; null where it does not say. */
  readonly since: Instant | null;
  /** Whether all that consults it sees it so. */
  readonly proof: { readonly is: Proof["is"]; readonly says: string };
  /** The last turn of this installation that is on record. */
  readonly last: LastTurn | null;
  readonly remarks: readonly string[];
  readonly trouble?: Trouble;
}

/** Connects an interlock of the configuration. Throws INTERLOCK_UNKNOWN. */
export function bindInterlock(home: Home, name: string, deps: RunDeps = depsOf(home)): BoundInterlock {
  const entry = interlockIn(home.config, name);
  const definition = INTERLOCKS[entry.kind];
  if (definition === undefined) throw new Error(`interlock ${entry.kind} is not in the list`);
  const config = ownOf(entry);
  const { target, remarks = [] } = definition.describe(config);
  const { closed, open } = entry.probes;
  const asked = [closed, open].filter((probe) => probe !== undefined);
  return {
    name,
    target,
    remarks: [
      ...remarks,
      ...asked.flatMap((probe) => PROBES[probe.kind]?.describe(fieldsOf(probe)).remarks ?? []),
      ...(closed ? [] : ["what consults it is not asked while it is closed: no probe is declared for that"]),
      ...(open ? [] : ["what consults it is not asked while it is open: no probe is declared for that"]),
    ],
    read: definition.capabilities.read,
    interlock: definition.connect(config, partsFor(deps, entry.connection)),
    probes: {
      ...(closed && { closed: probeOf(deps, closed) }),
      ...(open && { open: probeOf(deps, open) }),
    },
    role: entry.role,
    within: entry.within,
  };
}

/** Looks where each of them stands, and whether that is proved; all of the configuration where no name is given. */
export async function statusOf(home: Home, name?: string): Promise<readonly InterlockStatus[]> {
  const deps = depsOf(home);
  const names = name === undefined ? Object.keys(home.config.interlocks) : [name];
  const bound = names.map((one) => bindInterlock(home, one, deps));
  const turns = await lastTurns(home.database);
  return Promise.all(bound.map((one) => standingOf(one, turns.get(one.name))));
}

async function standingOf(bound: BoundInterlock, last: LastTurn | undefined): Promise<InterlockStatus> {
  const { name, target, remarks } = bound;
  const standing = { interlock: name, target, remarks, last: last ?? null };
  const seen = await bound.interlock.observe();
  if (seen.is !== "done") {
    const trouble = forInterlock(seen.trouble, name);
    const proof = { is: "unknown", says: trouble.message } as const;
    return { ...standing, is: "unknown", since: null, proof, trouble };
  }
  const { is, since = null } = seen.value;
  const proof = await proveAll(bound, is);
  if (proof.is === "proved") return { ...standing, is, since, proof: { is: "proved", says: proof.says } };
  const trouble = forInterlock(proof.trouble, name);
  return { ...standing, is, since, proof: { is: proof.is, says: trouble.message }, trouble };
}

/** Its own proof, and with it that of the probe for this position. */
export async function proveAll(
  { interlock, probes }: Pick<BoundInterlock, "interlock" | "probes">,
  position: Position,
): Promise<Proof> {
  const own = await interlock.prove(position);
  const probe = probes[position];
  if (own.is !== "proved" || probe === undefined) return own;
  const said = await probe.look();
  return said.is === "proved" ? { ...said, says: `${own.says}; ${said.says}` } : said;
}

/** Adapters know no names, so what they say to do next has a placeholder, or another command that looks. */
export function forInterlock(trouble: Trouble, name: string): Trouble {
  const next = trouble.next
    .replaceAll("<interlock>", name)
    .replaceAll("lockstep test <secret>", `lockstep interlock status ${name}`);
  return { ...trouble, next };
}

function probeOf(deps: RunDeps, entry: Placed): Probe {
  const definition = PROBES[entry.kind];
  if (definition === undefined) throw new Error(`probe ${entry.kind} is not in the list`);
  return definition.connect(fieldsOf(entry), partsFor(deps, entry.connection));
}

function fieldsOf({ kind: _kind, connection: _connection, ...own }: Placed): object {
  return own;
}

function partsFor(deps: RunDeps, connection: string) {
  const client = deps.connections.client(connection, accessOf(deps));
  return { client, fingerprint: deps.fingerprint, clock: systemClock };
}

/** Outside of a run Lockstep works with what the vault holds; read once. */
function accessOf(deps: RunDeps): SecretAccess {
  const kept = new Map<string, Promise<Values>>();
  return (secret) => {
    const found = kept.get(secret) ?? readVault(deps, secret);
    kept.set(secret, found);
    return found;
  };
}

/** What a configuration says of an interlock. Throws INTERLOCK_UNKNOWN. */
export function interlockIn({ interlocks }: Pick<Config, "interlocks">, name: string): InterlockConfig {
  const one = Object.hasOwn(interlocks, name) ? interlocks[name] : undefined;
  if (one) return one;
  const names = Object.keys(interlocks);
  throw new LockstepError({
    code: "INTERLOCK_UNKNOWN",
    message: `There is no interlock ${name}`,
    because:
      names.length === 0
        ? "the configuration declares none, in its section `interlocks`"
        : `the configuration declares ${names.join(", ")}`,
    next: "lockstep interlock status",
  });
}

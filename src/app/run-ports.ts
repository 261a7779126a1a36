import { setTimeout as sleep } from "node:timers/promises";
import type { StepPorts } from "../core/circumstances.ts";
import { LockstepError, type Trouble } from "../core/errors.ts";
import type { Facts } from "../core/facts.ts";
import type { Issuer } from "../core/issuer.ts";
import type { AuditLog, Escalation, Ledger, Progress, RunId } from "../core/record.ts";
import type { Fingerprinter, SealedValues } from "../core/sealed.ts";
import type { Values } from "../core/secret-value.ts";
import { type CopySnapshot, copiesOf, type Followed } from "../core/snapshot.ts";
import type { StepContext } from "../core/step.ts";
import type { Store, Vault } from "../core/store.ts";
import type { Task } from "../core/task.ts";
import { between, type Instant, type Milliseconds, systemClock } from "../core/time.ts";
import { ISSUERS, STORES } from "./adapters.ts";
import type { Config } from "./config.ts";
import { type Connections, configuredOtherwise, type SecretAccess } from "./connections.ts";
import { credentialsOf, ended } from "./run-end.ts";
import type { RunInput } from "./run-input.ts";
import { noteOf, peoplePorts } from "./run-people.ts";
import { copyOf } from "./snapshot.ts";

/** What the runs of one process share. */
export interface RunDeps {
  readonly config: Config;
  readonly connections: Connections;
  readonly audit: AuditLog;
  readonly progress: Progress;
  readonly ledger: Ledger;
  readonly fingerprint: Fingerprinter;
  sealedFor(run: RunId, secret: string): SealedValues;
  stopAsked(run: RunId): Promise<boolean>;
  readonly installation: string;
  /** Whether a person has frozen the installation, and why. */
  frozen(): Promise<Trouble | undefined>;
  /** The configuration as it stands now; that of the process may be older. */
  configNow(): Promise<Config>;
  readonly tasks: Tasks;
  /** Tells people; delivered beside the run, once an event. */
  escalate(event: Escalation): Promise<void>;
  /** Looks for late duplicates of a run after its end (HK-13); `held` is what the vault holds by then. Idempotent by run. */
  followUp(run: RunId, input: RunInput, held: Followed["held"]): Promise<void>;
}

/** Operators' tasks, as runs open them. */
interface Tasks {
  open(task: {
    readonly run: RunId;
    readonly question: string;
    readonly step: string;
    readonly task: Task;
  }): Promise<void>;
}

/** Binds one run to this process: adapters, credentials, record. */
export function runPorts(deps: RunDeps, run: RunId, input: RunInput): StepPorts {
  const { snapshot, tag } = input;
  const { secret } = snapshot;
  const sealed = deps.sealedFor(run, secret);
  const note = noteOf(deps, run, input);
  return {
    run,
    tag,
    secret,
    audit: deps.audit,
    progress: deps.progress,
    context: (facts) => contextOf(deps, run, input, sealed, facts),
    stopAsked: () => deps.stopAsked(run),
    frozen: deps.frozen,
    pause: async (ms) => sleep(ms),
    began: async () => {
      const { runbook, planHash: plan, because } = input;
      await note("started", { reason: snapshot.reason, because, runbook, plan });
      await deps.progress.run(run, { status: "running" });
    },
    learned: (facts) => deps.progress.run(run, { status: "running", ...credentialsOf(facts) }),
    waiting: (step, until) => deps.progress.step(run, step.id, { state: "waiting", says: `until ${until}` }),
    ...peoplePorts(deps, run, input),
    ended: (end, facts, how) => ended(deps, run, input, { end, facts, how }),
  };
}

/** What a step of this run works with. */
export function contextOf(
  deps: RunDeps,
  run: RunId,
  { snapshot, tag, actor }: RunInput,
  sealed: SealedValues,
  facts: Partial<Facts>,
): StepContext {
  const access = accessOf(deps, snapshot.secret, sealed, facts);
  const parts = { fingerprint: deps.fingerprint, clock: systemClock };
  const issuer = ISSUERS[snapshot.issuer.kind];
  if (!issuer) throw new Error(`issuer ${snapshot.issuer.kind} is not in the list`);
  const connect = (copy: CopySnapshot) => connectStore(deps, copy, access, snapshot.steadyMs);
  const connected: { issuer?: Issuer; vault?: Vault } = {};
  return {
    run,
    tag,
    actor,
    snapshot,
    // Connected when they are asked for: a context is also made for what is only noted.
    get issuer() {
      connected.issuer ??= issuer.connect(snapshot.issuer.config, {
        ...parts,
        client: deps.connections.client(snapshot.issuer.connection, access),
      });
      return connected.issuer;
    },
    get vault() {
      connected.vault ??= vaultOf(connect(snapshot.vault));
      return connected.vault;
    },
    store: (id) => {
      const copy = copiesOf(snapshot).find((one) => one.id === id);
      if (!copy) throw new Error(`${id} is not in the plan`);
      return connect(copy);
    },
    sealed,
    fingerprint: deps.fingerprint,
    ledger: deps.ledger,
    installation: deps.installation,
    announced: (step) => deps.audit.intendedAt(run, step),
    configured: async () => {
      const one = (await deps.configNow()).secrets[snapshot.secret];
      return one ? [one.vault, ...one.destinations.flat()].map((placed) => copyOf(placed)) : [];
    },
    now: () => systemClock.now(),
  };
}

/** Connects one store with the access that is right at this point of a run. */
function connectStore(deps: RunDeps, copy: CopySnapshot, access: SecretAccess, steadyMs = 0): Store | Vault {
  const definition = STORES[copy.kind];
  if (!definition) throw new Error(`store ${copy.kind} is not in the list`);
  return definition.connect(copy.config, {
    copy: copy.id,
    steadyMs,
    client: deps.connections.client(copy.connection, access),
    fingerprint: deps.fingerprint,
    clock: systemClock,
  });
}

function vaultOf(store: Store | Vault): Vault {
  if ("read" in store) return store;
  throw new Error("the canonical store cannot be read");
}

/** How long another secret's value is worked with before it is read again: its own run may replace it while a step here waits. */
const KEPT_FOR: Milliseconds = 60_000;

/**
 * What Lockstep works with at this point. Where a run rotates the very credential that Lockstep uses, that is the old
 * value until the new one is validated, and the new one from then on (design 4, rule 7).
 */
function accessOf(deps: RunDeps, own: string, sealed: SealedValues, facts: Partial<Facts>): SecretAccess {
  const kept = new Map<string, { readonly at: Instant; readonly values: Promise<Values> }>();
  const find = async (secret: string): Promise<Values> => {
    if (secret !== own) return readVault(deps, secret);
    if (facts.validated && facts.pending) return sealed.open(facts.pending.sealed);
    // Where the old one is refused, the supplied one is the only access there is, also to take it back.
    const supplied = facts.checked?.liveness === "dead" ? (await sealed.find("pending"))[0] : undefined;
    if (supplied) return sealed.open(supplied.id);
    const old = (await sealed.find("old"))[0];
    return old ? sealed.open(old.id) : readVault(deps, secret);
  };
  return (secret) => {
    const at = systemClock.now();
    const last = kept.get(secret);
    if (last && (secret === own || between(last.at, at) < KEPT_FOR)) return last.values;
    const values = find(secret);
    kept.set(secret, { at, values });
    // What could not be read is asked for again by the next call.
    values.catch(() => kept.delete(secret));
    return values;
  };
}

/** The present value of a managed secret, from its vault. */
export async function readVault(deps: RunDeps, secret: string): Promise<Values> {
  const one = deps.config.secrets[secret];
  if (!one) throw configuredOtherwise(`secret ${secret}`);
  const vault = vaultOf(
    connectStore(deps, copyOf(one.vault), () => {
      throw new Error("a vault cannot be reached with a credential that it holds itself");
    }),
  );
  const read = await vault.read();
  if (read.is === "done") return read.value.values;
  throw new LockstepError(read.trouble);
}

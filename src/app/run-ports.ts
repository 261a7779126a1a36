import { setTimeout as sleep } from "node:timers/promises";
import type { StepPorts } from "../core/carry-out.ts";
import { labelOf } from "../core/credential.ts";
import { LockstepError } from "../core/errors.ts";
import type { Facts } from "../core/facts.ts";
import type { AuditEntry, AuditLog, Ledger, Progress, RunEnd, RunId } from "../core/record.ts";
import type { Fingerprinter, SealedValues } from "../core/sealed.ts";
import type { Values } from "../core/secret-value.ts";
import { type CopySnapshot, copiesOf, type Snapshot } from "../core/snapshot.ts";
import type { StepContext } from "../core/step.ts";
import type { Store, Vault } from "../core/store.ts";
import { systemClock } from "../core/time.ts";
import { ISSUERS, STORES } from "./adapters.ts";
import type { Config } from "./config.ts";
import type { Connections, SecretAccess } from "./connections.ts";
import type { RunInput } from "./run-input.ts";
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
}

/** Binds one run to this process: adapters, credentials, record. */
export function runPorts(deps: RunDeps, run: RunId, input: RunInput): StepPorts {
  const { snapshot, actor } = input;
  const sealed = deps.sealedFor(run, snapshot.secret);
  const note = (what: string, context: AuditEntry["context"]) =>
    deps.audit.append({
      action: `secret.${snapshot.flow}.${what}`,
      actor,
      secret: snapshot.secret,
      run,
      context,
    });
  return {
    run,
    secret: snapshot.secret,
    audit: deps.audit,
    progress: deps.progress,
    context: (facts) => contextOf(deps, run, input, sealed, facts),
    stopAsked: () => deps.stopAsked(run),
    pause: async (ms) => sleep(ms),
    began: async () => {
      await note("started", { reason: snapshot.reason, runbook: input.runbook, plan: input.planHash });
      await deps.progress.run(run, { status: "running" });
    },
    learned: (facts) => deps.progress.run(run, { status: "running", ...credentialsOf(facts) }),
    waiting: (step, until) => deps.progress.step(run, step.id, { state: "waiting", says: `until ${until}` }),
    held: async (trouble, question) => {
      await note("held", { trouble });
      await deps.progress.run(run, { status: "held", trouble, question });
    },
    resumed: async () => {
      await note("resumed", {});
      await deps.progress.run(run, { status: "running" });
    },
    ended: async (end, facts) => ended(deps, run, snapshot, end, facts, note),
  };
}

async function ended(
  deps: RunDeps,
  run: RunId,
  snapshot: Snapshot,
  end: RunEnd,
  facts: Partial<Facts>,
  note: (what: string, context: AuditEntry["context"]) => Promise<void>,
): Promise<RunEnd> {
  const sealed = deps.sealedFor(run, snapshot.secret);
  // What is sealed for the old key may go in any case: it is still in the vault, or it was proved dead.
  for (const kept of await sealed.find("old")) await sealed.drop(kept.id);
  // The end of a rotation is announced by its record step, in one transaction with the rotation log.
  if (end.status !== "completed") await note(end.status, { trouble: end.trouble });
  else if (snapshot.flow !== "rotate") await note("completed", { old: facts.old?.id });
  await deps.progress.run(run, {
    status: end.status,
    endedAt: systemClock.now(),
    ...credentialsOf(facts),
    ...(end.status === "completed" ? {} : { trouble: end.trouble }),
  });
  return end;
}

function credentialsOf({ checked, old, pending }: Partial<Facts>) {
  return {
    ...(checked && old && { old: { id: old.id, label: labelOf(checked.fingerprints) } }),
    ...(pending && { new: { id: pending.ref.id, label: labelOf(pending.fingerprints) } }),
  };
}

function contextOf(
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
  const connect = (copy: CopySnapshot) => connectStore(deps, copy, access);
  const copies = copiesOf(snapshot);
  return {
    run,
    tag,
    actor,
    snapshot,
    issuer: issuer.connect(snapshot.issuer.config, {
      ...parts,
      client: deps.connections.client(snapshot.issuer.connection, access),
    }),
    vault: vaultOf(connect(snapshot.vault)),
    store: (id) => {
      const copy = copies.find((one) => one.id === id);
      if (!copy) throw new Error(`${id} is not in the plan`);
      return connect(copy);
    },
    sealed,
    fingerprint: deps.fingerprint,
    ledger: deps.ledger,
    now: () => systemClock.now(),
  };
}

/** Connects one store with the access that is right at this point of a run. */
function connectStore(deps: RunDeps, copy: CopySnapshot, access: SecretAccess): Store | Vault {
  const definition = STORES[copy.kind];
  if (!definition) throw new Error(`store ${copy.kind} is not in the list`);
  return definition.connect(copy.config, {
    copy: copy.id,
    client: deps.connections.client(copy.connection, access),
    fingerprint: deps.fingerprint,
    clock: systemClock,
  });
}

function vaultOf(store: Store | Vault): Vault {
  if ("read" in store) return store;
  throw new Error("the canonical store cannot be read");
}

/**
 * What Lockstep works with at this point. Where a run rotates the very credential that Lockstep uses, that is the old
 * value until the new one is validated, and the new one from then on (design 4, rule 7).
 */
function accessOf(deps: RunDeps, own: string, sealed: SealedValues, facts: Partial<Facts>): SecretAccess {
  const kept = new Map<string, Promise<Values>>();
  const find = async (secret: string): Promise<Values> => {
    if (secret !== own) return readVault(deps, secret);
    if (facts.validated && facts.pending) return sealed.open(facts.pending.sealed);
    const old = (await sealed.find("old"))[0];
    return old ? sealed.open(old.id) : readVault(deps, secret);
  };
  return (secret) => {
    const found = kept.get(secret) ?? find(secret);
    kept.set(secret, found);
    return found;
  };
}

/** The present value of a managed secret, from its vault. */
async function readVault(deps: RunDeps, secret: string): Promise<Values> {
  const one = deps.config.secrets[secret];
  if (!one) throw new Error(`${secret} passed the configuration check but is not in it`);
  const vault = vaultOf(
    connectStore(deps, copyOf(one.vault), () => {
      throw new Error("a vault cannot be reached with a credential that it holds itself");
    }),
  );
  const read = await vault.read();
  if (read.is === "done") return read.value.values;
  throw new LockstepError(read.trouble);
}

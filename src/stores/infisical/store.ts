import { defineVault } from "../../core/adapter.ts";
import { done, type NotDone, type Outcome, type Proof, refused, unknown } from "../../core/outcome.ts";
import type { Secret, Values } from "../../core/secret-value.ts";
import type { Observation, Receipt, Vault } from "../../core/store.ts";
import { changedWhenStored } from "../../vendors/infisical/storable.ts";
import { outcomeOf } from "../../vendors/reply.ts";
import { type InfisicalConfig, infisicalConfig } from "./config.ts";
import {
  absent,
  type Deps,
  look,
  observationOf,
  problem,
  type Seen,
  targetOf,
  valuesIn,
  versionOf,
  versionText,
} from "./look.ts";

/** Infisical as the vault: proved by reading back the value and the one version that our write makes (HK-08, infisical.md 8). */
export const infisicalVault = defineVault({
  kind: "infisical",
  canonical: true,
  vendor: "infisical",
  config: infisicalConfig,
  // Past versions exist, but an identity cannot list them, and old builds answer the current one for any number.
  capabilities: { read: true, history: false, atomicFields: false, effectiveWhen: "at-once", grade: "value" },
  describe: (config) => ({ target: targetOf(config) }),
  costs: {
    observe: ({ fields }) => Object.keys(fields).length,
    write: ({ fields }) => 2 * Object.keys(fields).length,
    prove: ({ fields }) => Object.keys(fields).length,
  },
  connect: (config, deps: Deps) => ({
    observe: () => observe(config, deps),
    read: () => read(config, deps),
    write: (values) => write(config, deps, values),
    prove: (receipt) => prove(config, deps, receipt),
  }),
});

async function observe(config: InfisicalConfig, deps: Deps): Promise<Outcome<Observation>> {
  const seen = await look(config, deps);
  return seen.is === "done" ? done(observationOf(config, deps, seen.value)) : seen;
}

async function read(config: InfisicalConfig, deps: Deps): ReturnType<Vault["read"]> {
  const seen = await look(config, deps);
  if (seen.is !== "done") return seen;
  const values = valuesIn(seen.value);
  if (values === undefined) return absent(config);
  return done({ values, observation: observationOf(config, deps, seen.value) });
}

async function write(config: InfisicalConfig, deps: Deps, values: Values): Promise<Outcome<Receipt>> {
  for (const [field, key] of Object.entries(config.fields)) {
    const changed = changedWhenStored(fieldOf(values, field));
    if (changed !== undefined) return refused(unkept(key, changed));
  }
  const seen = await look(config, deps);
  if (seen.is !== "done") return seen;
  const differing = seen.value.filter(({ field, held }) => {
    return typeof held === "string" || !held.value.equals(fieldOf(values, field));
  });
  if (differing.some(({ held }) => held === "no folder")) {
    const made = await deps.client.createFolder(config);
    if (made.is !== "done") return outcomeOf(made);
  }
  const sent: Seen[] = [];
  for (const one of differing) {
    const stopped = await writeOne(config, deps, one, fieldOf(values, one.field));
    if (stopped !== undefined) return sent.length === 0 ? stopped : unknown(stopped.trouble);
    sent.push(one);
  }
  // What the server answers repeats the request, and so proves nothing; the version it should have made is what
  // `prove` looks for. A larger one shows that somebody wrote in between: there is no compare-and-set to prevent it.
  const versions = seen.value.map((one) => versionOf(one) + (sent.includes(one) ? 1 : 0));
  return done({
    copy: deps.copy,
    at: deps.clock.now(),
    fingerprints: deps.fingerprint(values),
    wrote: sent.length > 0,
    version: versionText(versions),
  });
}

/** Undefined when the server accepted the write. */
async function writeOne(
  config: InfisicalConfig,
  { client }: Deps,
  { key, held }: Seen,
  value: Secret,
): Promise<NotDone | undefined> {
  const answer =
    typeof held === "string"
      ? await client.createSecret(config, key, value)
      : await client.updateSecret(config, key, value);
  if (answer.is === "done") {
    if (answer.value.is === "written") return undefined;
    return unknown(
      problem(
        "VAULT_APPROVAL_PENDING",
        `The write of ${key} at ${config.environment} ${config.path} became change request ${answer.value.approval}`,
        "an approval policy holds that place: it is not written now, and may be at any later time",
        "Merge or reject the change request in Infisical, and exempt Lockstep's identity from the policy",
      ),
    );
  }
  // Somebody, perhaps an earlier attempt of ours, was faster than a lagging read: look again instead of giving up.
  if (answer.said?.status === 400 && /already exist/i.test(answer.said.text)) return unknown(answer.trouble);
  return outcomeOf(answer);
}

async function prove(config: InfisicalConfig, deps: Deps, receipt: Receipt): Promise<Proof> {
  const seen = await look(config, deps);
  if (seen.is !== "done") {
    return { is: seen.is === "refused" ? "refuted" : "unknown", trouble: seen.trouble };
  }
  const expected = (receipt.version ?? "").split(",").map(Number);
  const found = seen.value.map(versionOf);
  const text = versionText(found);
  const target = targetOf(config);
  if (found.some((version, index) => version < (expected[index] ?? 0))) {
    const message = `${target} still shows version ${text}, not ${receipt.version}`;
    const because = "reads may come from a replica that lags behind the write";
    return {
      is: "unknown",
      trouble: problem("VAULT_DIFFERS", message, because, "Wait; Lockstep reads again"),
    };
  }
  if (found.some((version, index) => version > (expected[index] ?? 0))) {
    const message = `${target} is at version ${text}, but Lockstep's write made ${receipt.version}`;
    const because =
      "somebody else wrote at the same time, and which value was meant is not for Lockstep to say";
    return {
      is: "refuted",
      trouble: problem("VAULT_DIFFERS", message, because, "Find out who wrote, then retry"),
    };
  }
  const values = valuesIn(seen.value);
  const now = values && deps.fingerprint(values);
  const same = Object.keys(config.fields).every((field) => now?.[field] === receipt.fingerprints[field]);
  if (now === undefined || !same) {
    const message = `${target} reads back another value at version ${text}`;
    const because = "the vault must hold the new value before any other store may (HK-08)";
    return {
      is: "refuted",
      trouble: problem(
        "VAULT_DIFFERS",
        message,
        because,
        "look who wrote the entry in the vault's history, then lockstep runs",
      ),
    };
  }
  return { is: "proved", at: deps.clock.now(), says: `${target} reads back the value at version ${text}` };
}

function unkept(key: string, changed: string) {
  return problem(
    "VAULT_DIFFERS",
    `Infisical would not keep the value of ${key} as it is: ${changed}`,
    "a copy that differs from the credential does not work, so nothing was written",
    "Check how the value was obtained",
  );
}

function fieldOf(values: Values, field: string): Secret {
  const value = values[field];
  // Fields of secret and stores are compared when the configuration is loaded, so this is a fault of ours.
  if (value === undefined) throw new TypeError(`the credential has no field ${field}`);
  return value;
}

import { defineVault } from "../../core/adapter.ts";
import { done, type Outcome, type Proof } from "../../core/outcome.ts";
import type { Observation, Receipt, Vault } from "../../core/store.ts";
import { claim, putClaim } from "./claim.ts";
import { type InfisicalConfig, infisicalConfig } from "./config.ts";
import {
  absent,
  type Deps,
  look,
  observationOf,
  placeOf,
  problem,
  targetOf,
  valuesIn,
  versionOf,
  versionText,
} from "./look.ts";
import { openApprovals, ready } from "./ready.ts";
import { survey } from "./survey.ts";
import { write } from "./write.ts";

const keysOf = ({ fields }: InfisicalConfig) => Object.keys(fields).length;

/** Infisical as the vault: proved by reading back the value and the one version that our write makes (HK-08, infisical.md 8). */
export const infisicalVault = defineVault({
  kind: "infisical",
  canonical: true,
  vendor: "infisical",
  config: infisicalConfig,
  capabilities: () => ({
    read: true,
    // Past versions exist, but an identity cannot list them, and old builds answer the current one for any number.
    history: false,
    atomicFields: false,
    effectiveWhen: "at-once",
    grade: "value",
    surveys: "access",
  }),
  describe: (config) => ({
    target: targetOf(config),
    places: Object.values(config.fields).map((key) => placeOf(config.environment, config.path, key)),
    surveyed: config.project,
    remarks: [
      `a change request that waits for approval at ${config.environment} ${config.path} may not be visible: Infisical shows them to people only`,
      "copies in Infisical are looked for in this project only, where the identity may read them",
    ],
  }),
  costs: {
    // Every field, then the native syncs, the identity's role and its additional privileges; the build of 2024 takes one more.
    ready: (config) => keysOf(config) + 3,
    observe: keysOf,
    write: (config) => 2 * keysOf(config),
    prove: keysOf,
    drained: () => 0,
    // The project's environments, then a call for each: three of them unless somebody changed that.
    survey: 3,
    claim: keysOf,
    openApprovals: 1,
  },
  connect: (config, deps: Deps) => ({
    ready: () => ready(config, deps),
    observe: () => observe(config, deps),
    read: () => read(config, deps),
    write: (values, how) => write(config, deps, values, how?.regardless),
    prove: (receipt) => prove(config, deps, receipt),
    // What takes its value from the vault asks for it when it needs it, and nothing keeps an older one because of us.
    drained: async () => ({
      is: "proved",
      at: deps.clock.now(),
      says: `${targetOf(config)} is read at once`,
    }),
    survey: () => survey(config, deps),
    claim: () => claim(config, deps),
    putClaim: (installation) => putClaim(config, deps, installation),
    openApprovals: () => openApprovals(config, deps),
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
      trouble: problem("VAULT_DIFFERS", message, because, "lockstep rotate <secret>    reads it again"),
    };
  }
  if (found.some((version, index) => version > (expected[index] ?? 0))) {
    const message = `${target} is at version ${text}, but Lockstep's write made ${receipt.version}`;
    const because =
      "somebody else wrote at the same time, and which value was meant is not for Lockstep to say";
    return {
      is: "refuted",
      trouble: problem(
        "VAULT_DIFFERS",
        message,
        because,
        "lockstep rotate <secret>    after you have found out who wrote",
      ),
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
        "lockstep rotate <secret>    after you have found in the vault's history who wrote",
      ),
    };
  }
  return { is: "proved", at: deps.clock.now(), says: `${target} reads back the value at version ${text}` };
}

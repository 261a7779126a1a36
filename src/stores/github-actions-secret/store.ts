import { defineStore, type StoreDeps } from "../../core/adapter.ts";
import type { ErrorCode, Trouble } from "../../core/errors.ts";
import { done, type Outcome, type Proof, refused, unknown } from "../../core/outcome.ts";
import type { Secret, Values } from "../../core/secret-value.ts";
import type { Observation, Receipt } from "../../core/store.ts";
import { between, type Instant } from "../../core/time.ts";
import type { GithubClient, Repository } from "../../vendors/github/client.ts";
import { outcomeOf } from "../../vendors/reply.ts";
import { type GithubActionsSecretConfig, githubActionsSecretConfig } from "./config.ts";

type Config = GithubActionsSecretConfig;
type Deps = StoreDeps<GithubClient>;

/** GitHub's times are whole seconds, and its reply's `Date` may be stamped a little before or after the row. */
const SLACK_MS = 2_000;

interface Accepted {
  readonly first: Instant;
  readonly last: Instant;
  readonly byVendor: boolean;
}

interface Changes {
  readonly present: boolean;
  readonly oldest: Instant | undefined;
  readonly changedAt: Instant | undefined;
}

/** Actions secrets of a repository: written sealed, never readable, so proved by our accepted and uncontested write. */
export const githubActionsSecret = defineStore({
  kind: "github-actions-secret",
  canonical: false,
  vendor: "github",
  config: githubActionsSecretConfig,
  capabilities: {
    read: false,
    history: false,
    atomicFields: false,
    effectiveWhen: "next-run",
    grade: "receipt",
  },
  describe: (config) => ({ target: targetOf(config) }),
  costs: {
    observe: ({ fields }) => 1 + count(fields),
    write: ({ fields }) => 2 + 2 * count(fields),
    prove: ({ fields }) => count(fields),
  },
  connect: (config, deps: Deps) => ({
    observe: () => observe(config, deps),
    write: (values) => write(config, deps, values),
    prove: (receipt) => prove(config, deps, receipt),
  }),
});

async function observe(config: Config, deps: Deps): Promise<Outcome<Observation>> {
  const repository = await place(config, deps);
  if (repository.is !== "done") return repository;
  const seen = await lastChange(config, deps);
  if (seen.is !== "done") return seen;
  const { present, changedAt } = seen.value;
  return done({
    at: deps.clock.now(),
    present,
    targetId: String(repository.value.id),
    ...(changedAt === undefined ? {} : { changedAt }),
  });
}

async function write(config: Config, deps: Deps, values: Values): Promise<Outcome<Receipt>> {
  const repository = await place(config, deps);
  if (repository.is !== "done") return repository;
  const accepted = await putAll(config, deps, values);
  if (accepted.is !== "done") return accepted;
  // Read as the last act of the write: whoever changes the secret later moves this time, and only this time tells.
  const seen = await lastChange(config, deps);
  if (seen.is !== "done") return unknown(unread(config, seen.trouble));
  const { changedAt, oldest, present } = seen.value;
  const { first, last, byVendor } = accepted.value;
  if (!present || oldest === undefined || between(first, oldest) < -SLACK_MS) {
    return unknown(
      problem(
        "DESTINATION_UNPROVED",
        `GitHub accepted the write of ${targetOf(config)}, but shows its last change at ${oldest ?? "no time"}`,
        "the write may not have taken place, or the answer is from before it",
      ),
    );
  }
  // Without GitHub's own Date the two times are of different clocks, and a later one proves nothing.
  if (byVendor && changedAt !== undefined && between(last, changedAt) > SLACK_MS)
    return unknown(contested(config, changedAt));
  const fingerprints = deps.fingerprint(values);
  const receipt = { copy: deps.copy, at: deps.clock.now(), fingerprints, wrote: true };
  return done(changedAt === undefined ? receipt : { ...receipt, changedAt });
}

async function prove(config: Config, deps: Deps, receipt: Receipt): Promise<Proof> {
  const seen = await lastChange(config, deps);
  if (seen.is !== "done") {
    return { is: seen.is === "refused" ? "refuted" : "unknown", trouble: seen.trouble };
  }
  const { changedAt, present } = seen.value;
  const since = receipt.changedAt;
  if (!present || changedAt === undefined || since === undefined) {
    const found = `${targetOf(config)} is not there, though GitHub accepted the write`;
    return { is: "refuted", trouble: problem("DESTINATION_UNPROVED", found, "somebody removed it") };
  }
  const moved = between(since, changedAt);
  if (moved > 0) return { is: "refuted", trouble: contested(config, changedAt) };
  if (moved < 0) {
    const found = `GitHub still shows the last change of ${targetOf(config)} at ${changedAt}`;
    return {
      is: "unknown",
      trouble: problem("DESTINATION_UNPROVED", found, "the answer is from before the write"),
    };
  }
  const says = `GitHub accepted the write of ${targetOf(config)} and shows no change since ${changedAt}; its value cannot be read`;
  return { is: "proved", at: deps.clock.now(), says };
}

/** The repository, if it is the one that the configuration means. */
async function place(config: Config, { client }: Deps): Promise<Outcome<Repository>> {
  const answer = await client.repository(config.repository);
  if (answer.is !== "done") return outcomeOf(answer);
  const { id, fullName, archived } = answer.value;
  const unready = (found: string, because: string) => refused(problem("DESTINATION_UNREADY", found, because));
  if (config.repositoryId !== undefined && config.repositoryId !== id) {
    const found = `${config.repository} is repository ${id}, not ${config.repositoryId}`;
    return unready(found, "another repository has taken the name, and it must not receive the value");
  }
  if (fullName.toLowerCase() !== config.repository.toLowerCase())
    return unready(`${config.repository} is now called ${fullName}`, "the plan would name another place");
  if (archived) return unready(`${config.repository} is archived`, "its secrets cannot be written");
  return done(answer.value);
}

/** When GitHub accepted the first and the last field, by its own clock where it says so. */
async function putAll(config: Config, deps: Deps, values: Values): Promise<Outcome<Accepted>> {
  const { client, clock } = deps;
  let key = await client.publicKey(config.repository);
  let accepted: Accepted | undefined;
  for (const [field, name] of Object.entries(config.fields)) {
    if (key.is !== "done")
      return accepted === undefined ? outcomeOf(key) : unknown(half(config, key.trouble));
    const value = fieldOf(values, field);
    const now = clock.now();
    let answer = await client.putSecret(config.repository, name, key.value, value);
    if (answer.is === "refused" && answer.said?.status === 422) {
      // The key may have been replaced since it was read. With the same key the refusal is about something else.
      const before = key.value.keyId;
      key = await client.publicKey(config.repository);
      if (key.is === "done" && key.value.keyId !== before)
        answer = await client.putSecret(config.repository, name, key.value, value);
    }
    if (answer.is !== "done")
      return accepted === undefined ? outcomeOf(answer) : unknown(half(config, answer.trouble));
    const last = answer.value.at ?? now;
    accepted = { first: accepted?.first ?? last, last, byVendor: answer.value.at !== undefined };
  }
  return done(accepted ?? { first: clock.now(), last: clock.now(), byVendor: false });
}

/** Whether all fields are there, and when the first and the last of them changed. */
async function lastChange(config: Config, { client }: Deps): Promise<Outcome<Changes>> {
  const times: Instant[] = [];
  for (const name of Object.values(config.fields)) {
    const answer = await client.secret(config.repository, name);
    if (answer.is === "done") times.push(answer.value.updatedAt);
    else if (answer.said?.status !== 404) return outcomeOf(answer);
  }
  times.sort();
  return done({ present: times.length === count(config.fields), oldest: times[0], changedAt: times.at(-1) });
}

function contested(config: Config, changedAt: Instant | undefined): Trouble {
  return problem(
    "DESTINATION_UNPROVED",
    `${targetOf(config)} was changed again after our write, at ${changedAt ?? "an unknown time"}`,
    "its value cannot be read, so whether it still holds ours is not known",
  );
}

function unread(config: Config, cause: Trouble): Trouble {
  const because = `its last change could not be read afterwards (${cause.message})`;
  return problem("DESTINATION_UNPROVED", `GitHub accepted the write of ${targetOf(config)}`, because);
}

function half(config: Config, cause: Trouble): Trouble {
  const found = `Only some fields of ${targetOf(config)} were written: ${cause.message}`;
  return problem("DESTINATION_UNPROVED", found, "its fields do not belong together now");
}

function problem(code: ErrorCode, message: string, because: string): Trouble {
  return { code, message, because, next: "Find out who else writes to it, then: lockstep show, and retry" };
}

function fieldOf(values: Values, field: string): Secret {
  const value = values[field];
  // Fields of secret and stores are compared when the configuration is loaded, so this is a fault of ours.
  if (value === undefined) throw new TypeError(`the credential has no field ${field}`);
  return value;
}

function targetOf({ repository, fields }: Config): string {
  return `github ${repository} ${Object.values(fields).join(", ")}`;
}

function count(fields: Config["fields"]): number {
  return Object.keys(fields).length;
}

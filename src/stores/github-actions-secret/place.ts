import type { StoreDeps } from "../../core/adapter.ts";
import type { ErrorCode, Trouble } from "../../core/errors.ts";
import { done, type NotDone, type Outcome, refused } from "../../core/outcome.ts";
import type { Secret, Values } from "../../core/secret-value.ts";
import type { Observation } from "../../core/store.ts";
import type { Instant } from "../../core/time.ts";
import type { GithubClient } from "../../vendors/github/client.ts";
import type { Repository } from "../../vendors/github/shapes.ts";
import { type Failure, outcomeOf } from "../../vendors/reply.ts";
import type { GithubActionsSecretConfig } from "./config.ts";

/** The configuration of this store. */
export type Config = GithubActionsSecretConfig;
/** What it is connected with. */
export type Deps = StoreDeps<GithubClient>;

/** GitHub's times are whole seconds, and its servers' clocks may differ by a little. */
export const SLACK_MS = 2_000;

/** What the secrets themselves show. */
interface Changes {
  readonly present: boolean;
  readonly oldest: Instant | undefined;
  readonly changedAt: Instant | undefined;
}

/** The repository, if it is the one that the configuration means. */
export async function place(config: Config, { client }: Deps): Promise<Outcome<Repository>> {
  const answer = await client.repository(config.repository);
  if (answer.is !== "done") return outcomeOf(answer);
  const { id, fullName, archived } = answer.value;
  const next = "lockstep test <secret>    after you have corrected the repository of this destination";
  const unready = (found: string, because: string) =>
    refused(problem("DESTINATION_UNREADY", found, because, next));
  if (config.repositoryId !== undefined && config.repositoryId !== id) {
    const found = `${config.repository} is repository ${id}, not ${config.repositoryId}`;
    return unready(found, "another repository has taken the name, and it must not receive the value");
  }
  if (fullName.toLowerCase() !== config.repository.toLowerCase())
    return unready(`${config.repository} is now called ${fullName}`, "the plan would name another place");
  if (archived) return unready(`${config.repository} is archived`, "its secrets cannot be written");
  return done(answer.value);
}

/** Whether all fields are there, and when the first and the last of them changed. */
export async function lastChange(config: Config, { client }: Deps): Promise<Outcome<Changes>> {
  const times: Instant[] = [];
  for (const name of Object.values(config.fields)) {
    const answer = await client.secret(config.repository, name);
    if (answer.is === "done") times.push(answer.value.updatedAt);
    else if (answer.said?.status !== 404) return withoutRight(config, answer);
  }
  times.sort();
  return done({ present: times.length === count(config.fields), oldest: times[0], changedAt: times.at(-1) });
}

/** What is seen of a place, as an observation. */
export function observationOf(deps: Deps, { id }: Repository, seen: Changes): Observation {
  const { present, changedAt } = seen;
  const observed = { at: deps.clock.now(), present, targetId: String(id) };
  return changedAt === undefined ? observed : { ...observed, changedAt };
}

/** The failure as an outcome; where a right is missing, it names the way without that right (DR-13). */
export function withoutRight(config: Config, failure: Failure): NotDone {
  const outcome = outcomeOf(failure);
  if (outcome.trouble.code !== "VENDOR_PERMISSION") return outcome;
  // Whoever writes by hand still has to be checked, and for that the token must see when the secret changed.
  return refused({ ...outcome.trouble, next: config.byHand ? GIVE_READ : GIVE_WRITE });
}

const GIVE_READ =
  'lockstep test <secret>    after you have given the token "Secrets: read" (secrets=read) on the repository';

/** What to do where the token may not write. */
export const GIVE_WRITE =
  'lockstep test <secret>    after you have given the token "Secrets: write" (secrets=write) on the repository; or "Secrets: read" (secrets=read), with byHand: true on this destination so that a person writes it';

/** Trouble of this store. */
export function problem(
  code: ErrorCode,
  message: string,
  because: string,
  next = "lockstep rotate <secret>    after you have found out who else writes to it",
): Trouble {
  return { code, message, because, next };
}

/** One field of the credential. */
export function fieldOf(values: Values, field: string): Secret {
  const value = values[field];
  // Fields of secret and stores are compared when the configuration is loaded, so this is a fault of ours.
  if (value === undefined) throw new TypeError(`the credential has no field ${field}`);
  return value;
}

/** The place for people: `github raxx-app/TradeMasterAPI HEROKU_API_KEY`. */
export function targetOf({ repository, fields }: Config): string {
  return `github ${repository} ${Object.values(fields).join(", ")}`;
}

/** How many secrets the fields take. */
export function count(fields: Config["fields"]): number {
  return Object.keys(fields).length;
}

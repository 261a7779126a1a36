import type { Trouble } from "../../core/errors.ts";
import { done, type Outcome, refused, unknown } from "../../core/outcome.ts";
import type { Values } from "../../core/secret-value.ts";
import type { Receipt } from "../../core/store.ts";
import { between, type Instant } from "../../core/time.ts";
import type { SealingKey } from "../../vendors/github/shapes.ts";
import { outcomeOf } from "../../vendors/reply.ts";
import {
  type Config,
  type Deps,
  fieldOf,
  lastChange,
  place,
  problem,
  SLACK_MS,
  targetOf,
  withoutRight,
} from "./place.ts";
import { contested } from "./prove.ts";

interface Accepted {
  readonly first: Instant;
  readonly last: Instant;
  readonly byVendor: boolean;
}

/** Seals and puts every field, then reads when they changed: that time is what a later change moves. */
export async function write(config: Config, deps: Deps, values: Values): Promise<Outcome<Receipt>> {
  if (config.byHand) return refused(notOurs(config));
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

/** When GitHub accepted the first and the last field, by its own clock where it says so. */
async function putAll(config: Config, deps: Deps, values: Values): Promise<Outcome<Accepted>> {
  const { client, clock } = deps;
  let key = await keyOf(config, deps);
  let accepted: Accepted | undefined;
  for (const [field, name] of Object.entries(config.fields)) {
    if (key.is !== "done") return accepted === undefined ? key : unknown(half(config, key.trouble));
    const value = fieldOf(values, field);
    const now = clock.now();
    let answer = await client.putSecret(config.repository, name, key.value, value);
    if (answer.is === "refused" && answer.said?.status === 422) {
      // The key may have been replaced since it was read. With the same key the refusal is about something else.
      const before = key.value.keyId;
      key = await keyOf(config, deps);
      if (key.is === "done" && key.value.keyId !== before)
        answer = await client.putSecret(config.repository, name, key.value, value);
    }
    if (answer.is !== "done")
      return accepted === undefined ? withoutRight(config, answer) : unknown(half(config, answer.trouble));
    const last = answer.value.at ?? now;
    accepted = { first: accepted?.first ?? last, last, byVendor: answer.value.at !== undefined };
  }
  return done(accepted ?? { first: clock.now(), last: clock.now(), byVendor: false });
}

/**
 * The key to seal to, of the very repository that is meant: whose it is, is asked after the key. If the name goes to another
 * repository in between or later, GitHub refuses a value that is sealed to this one's key (P6).
 */
async function keyOf(config: Config, deps: Deps): Promise<Outcome<SealingKey>> {
  const key = await deps.client.publicKey(config.repository);
  const repository = await place(config, deps);
  if (repository.is !== "done") return repository;
  return key.is === "done" ? done(key.value) : outcomeOf(key);
}

function notOurs(config: Config): Trouble {
  return problem(
    "VENDOR_PERMISSION",
    `${targetOf(config)} is written by hand`,
    "the configuration says that no token may write it, so nothing was sent",
    "lockstep test <secret>    after you have taken byHand out of the destination, once a token may write it",
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

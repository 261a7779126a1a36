import type { Trouble } from "../../core/errors.ts";
import { done, type NotDone, type Outcome, refused, unknown } from "../../core/outcome.ts";
import type { Secret, Values } from "../../core/secret-value.ts";
import type { Receipt } from "../../core/store.ts";
import { changedWhenStored } from "../../vendors/infisical/storable.ts";
import { outcomeOf } from "../../vendors/reply.ts";
import type { InfisicalConfig } from "./config.ts";
import { type Deps, look, problem, type Seen, spot, versionOf, versionText } from "./look.ts";

/** Writes every field that differs, or `regardless` every one, one call each; a change request instead of a write is unknown, VAULT_APPROVAL_PENDING. */
export async function write(
  config: InfisicalConfig,
  deps: Deps,
  values: Values,
  regardless = false,
): Promise<Outcome<Receipt>> {
  for (const [field, key] of Object.entries(config.fields)) {
    const changed = changedWhenStored(fieldOf(values, field));
    if (changed !== undefined) return refused(unkept(key, changed));
  }
  const seen = await look(config, deps);
  if (seen.is !== "done") return seen;
  const differing = seen.value.filter(({ field, held }) => {
    return regardless || typeof held === "string" || !held.value.equals(fieldOf(values, field));
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
    return unknown(approvalPending(spot(config, key), answer.value));
  }
  // Somebody, perhaps an earlier attempt of ours, was faster than a lagging read: look again instead of giving up.
  if (answer.said?.status === 400 && /already exist/i.test(answer.said.text)) return unknown(answer.trouble);
  return outcomeOf(answer);
}

function unkept(key: string, changed: string) {
  return problem(
    "VAULT_DIFFERS",
    `Infisical would not keep the value of ${key} as it is: ${changed}`,
    "a copy that differs from the credential does not work, so nothing was written",
    "lockstep rotate <secret>    after you have checked how the value was obtained",
  );
}

function fieldOf(values: Values, field: string): Secret {
  const value = values[field];
  // Fields of secret and stores are compared when the configuration is loaded, so this is a fault of ours.
  if (value === undefined) throw new TypeError(`the credential has no field ${field}`);
  return value;
}

/** A write that became a change request, named so that it can be found again: its number on the page, and its id. */
export function approvalPending(
  what: string,
  { approval, slug }: { readonly approval: string; readonly slug: string | undefined },
): Trouble {
  const request = slug === undefined ? approval : `${slug} (${approval})`;
  return problem(
    "VAULT_APPROVAL_PENDING",
    `The write of ${what} became change request ${request}`,
    "an approval policy holds that place: it is not written now, and may be at any later time",
    "lockstep rotate <secret>    after you have merged or rejected it in Infisical; exempt Lockstep's identity from the policy",
  );
}

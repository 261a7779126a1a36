import type { StoreDeps } from "../../core/adapter.ts";
import type { ErrorCode, Trouble } from "../../core/errors.ts";
import { done, type NotDone, type Outcome, refused } from "../../core/outcome.ts";
import type { Values } from "../../core/secret-value.ts";
import type { Observation } from "../../core/store.ts";
import { type InfisicalClient, missingIn } from "../../vendors/infisical/client.ts";
import type { VaultSecret } from "../../vendors/infisical/shapes.ts";
import { outcomeOf } from "../../vendors/reply.ts";
import type { InfisicalConfig } from "./config.ts";

/** What the store is connected with. */
export type Deps = StoreDeps<InfisicalClient>;

/** What stands at one field's key: the secret, or what is missing. */
export interface Seen {
  readonly field: string;
  readonly key: string;
  readonly held: VaultSecret | "no secret" | "no folder";
}

/** Reads every field. Refused where the place is not what is configured, or where Lockstep is not the one who writes it. */
export async function look(config: InfisicalConfig, deps: Deps): Promise<Outcome<readonly Seen[]>> {
  const seen: Seen[] = [];
  for (const [field, key] of Object.entries(config.fields)) {
    const held = await lookAt(config, deps, key);
    if (held.is !== "done") return held;
    seen.push({ field, key, held: held.value });
  }
  return done(seen);
}

async function lookAt(
  config: InfisicalConfig,
  { client }: Deps,
  key: string,
): Promise<Outcome<Seen["held"]>> {
  const answer = await client.secret(config, key);
  if (answer.is === "done") {
    const unready = unreadiness(config, key, answer.value);
    return unready === undefined ? done(answer.value) : refused(unready);
  }
  const missing = missingIn(answer);
  if (missing === "folder") return done("no folder");
  if (missing !== "secret") return outcomeOf(answer);
  // A key of this name that comes from elsewhere would be covered by one of our own: it has its source, not us.
  const imported = await client.secret(config, key, "with imports");
  if (imported.is === "done") {
    const { environment, path } = imported.value;
    const source = [environment, path].filter(Boolean).join(" ");
    return refused(
      unsuitable(
        config,
        key,
        `is imported from ${source}`,
        `after you have configured its source (${source}) as the vault instead`,
      ),
    );
  }
  return missingIn(imported) === "secret" ? done("no secret") : outcomeOf(imported);
}

/** Why what stands there is not Lockstep's to read as a value and to write (HK-25): the one place that decides it. */
function unreadiness(config: InfisicalConfig, key: string, secret: VaultSecret): Trouble | undefined {
  const { project, environment, path, hidden, rotated, rotation, reference } = secret;
  if (hidden) {
    return problem(
      "VENDOR_PERMISSION",
      `${spot(config, key)} hides its value from this identity`,
      "what was written there could not be read back, and so not be proved",
      "lockstep test <secret>    after you have given the identity the right to read values there (ReadValue)",
    );
  }
  if (rotated) {
    const which = rotation === undefined ? "" : ` (${rotation})`;
    return unsuitable(
      config,
      key,
      `is written by Infisical's own secret rotation${which}`,
      "after you have switched off one of the two rotations: two writers undo each other",
    );
  }
  const elsewhere =
    (project !== undefined && project !== config.project) ||
    environment !== config.environment ||
    (path !== undefined && path !== config.path);
  if (elsewhere) {
    const source = [project, environment, path].filter(Boolean).join(" ");
    return unsuitable(
      config,
      key,
      `comes from ${source}`,
      "after you have configured that place as the vault instead",
    );
  }
  if (reference === undefined) return undefined;
  return unsuitable(
    config,
    key,
    `is ${reference}`,
    "after you have configured the place that it refers to as the vault, or stored the value itself there",
  );
}

/** What was seen, without values. */
export function observationOf(config: InfisicalConfig, deps: Deps, seen: readonly Seen[]): Observation {
  const values = valuesIn(seen);
  const bare = { at: deps.clock.now(), present: values !== undefined, targetId: config.project };
  const changedAt = seen
    .flatMap(({ held }) => (typeof held === "string" || held.updatedAt === undefined ? [] : [held.updatedAt]))
    .toSorted()
    .at(-1);
  return {
    ...bare,
    ...(values === undefined
      ? {}
      : { fingerprints: deps.fingerprint(values), version: versionText(seen.map(versionOf)) }),
    ...(changedAt === undefined ? {} : { changedAt }),
  };
}

/** The values by field; undefined where one is absent. */
export function valuesIn(seen: readonly Seen[]): Values | undefined {
  const values = seen.flatMap(({ field, held }) =>
    typeof held === "string" ? [] : [[field, held.value] as const],
  );
  return values.length === seen.length ? Object.fromEntries(values) : undefined;
}

/** The version that stands; 0 where nothing does. */
export function versionOf({ held }: Seen): number {
  return typeof held === "string" ? 0 : held.version;
}

/** Versions of all fields in the order of the configuration: `4`, or `4,7` for a pair. */
export function versionText(versions: readonly number[]): string {
  return versions.join(",");
}

/** The place for people: `infisical prod /MooseQuest/heroku HEROKU_API_KEY`. */
export function targetOf({ environment, path, fields }: InfisicalConfig): string {
  return placeOf(environment, path, Object.values(fields).join(", "));
}

/** One key as plans and surveys spell it. */
export function placeOf(environment: string, path: string, key: string): string {
  return `infisical ${environment} ${path} ${key}`;
}

/** A {@link Trouble} about the vault. */
export function problem(code: ErrorCode, message: string, because: string, next: string): Trouble {
  return { code, message, because, next };
}

/** An entry that something else feeds, or that is taken along by something else. */
export function unsuitable(config: InfisicalConfig, key: string, found: string, when: string): Trouble {
  return problem(
    "VAULT_ENTRY_UNSUITABLE",
    `${spot(config, key)} ${found}`,
    "a write there would not be the last word, or would reach places that the plan does not name",
    `lockstep test <secret>    ${when}`,
  );
}

/** One key in words, inside a sentence: `HEROKU_API_KEY at prod /MooseQuest/heroku`. */
export function spot({ environment, path }: InfisicalConfig, key: string): string {
  return `${key} at ${environment} ${path}`;
}

/** A missing key as a refusal. */
export function absent(config: InfisicalConfig): NotDone {
  return refused(
    problem(
      "VENDOR_TARGET_MISSING",
      `${targetOf(config)} is not there`,
      "without its value nothing can be rotated or compared",
      "lockstep test <secret>    after you have corrected environment, path and keys in the configuration, or stored the present value there",
    ),
  );
}

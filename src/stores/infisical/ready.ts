import type { Trouble } from "../../core/errors.ts";
import { done, type Outcome, refused } from "../../core/outcome.ts";
import type { Readiness } from "../../core/store.ts";
import { isWithheld } from "../../vendors/infisical/caller.ts";
import { mayEdit, type Rights } from "../../vendors/infisical/rights.ts";
import { outcomeOf } from "../../vendors/reply.ts";
import type { InfisicalConfig } from "./config.ts";
import {
  absent,
  type Deps,
  look,
  observationOf,
  problem,
  type Seen,
  spot,
  unsuitable,
  valuesIn,
} from "./look.ts";

/** Whether the entry is there, plain, ours to write, and taken along by nothing (HK-25); read only. */
export async function ready(config: InfisicalConfig, deps: Deps): Promise<Outcome<Readiness>> {
  const seen = await look(config, deps);
  if (seen.is !== "done") return seen;
  if (valuesIn(seen.value) === undefined) return absent(config);
  const [syncs, rights] = await Promise.all([syncsOpen(config, deps), deps.client.rights(config.project)]);
  if (syncs.is !== "done") return syncs;
  if (rights.is !== "done") return outcomeOf(rights);
  const may = mayWrite(config, rights.value);
  if (may.is !== "done") return may;
  const open = [...unsaid(config, seen.value), ...syncs.value, ...may.value];
  return done({
    ...observationOf(config, deps, seen.value),
    mayWrite: may.value.length === 0 ? "yes" : "unknown",
    open,
  });
}

/** Refused where a native sync takes the folder along; else what could not be seen of them. */
async function syncsOpen(config: InfisicalConfig, { client }: Deps): Promise<Outcome<readonly string[]>> {
  const { environment, path, project } = config;
  const syncs = await client.syncs(project);
  if (isWithheld(syncs))
    return done([
      `native syncs of ${environment} ${path} (not shown to this identity, or not by this build)`,
    ]);
  if (syncs.is !== "done") return outcomeOf(syncs);
  const here = syncs.value.find((one) => one.active && one.environment === environment && one.path === path);
  if (here === undefined) return done([]);
  return refused(
    unsuitable(
      config,
      Object.values(config.fields).join(", "),
      `is under the native sync "${here.name}", which writes it to ${here.destination}`,
      "after you have switched that sync off in Infisical, and declared its destination in the configuration instead",
    ),
  );
}

/** Refused where the identity's rules say no; else what they leave open. */
function mayWrite(config: InfisicalConfig, rights: Rights): Outcome<readonly string[]> {
  const open: string[] = [];
  for (const key of Object.values(config.fields)) {
    const may = rights === "not told" ? rights : mayEdit(rights, config, key);
    if (may === "no") return refused(mayNot(config, key));
    if (may !== "yes")
      open.push(`whether this identity may write ${spot(config, key)} (its rights do not say)`);
  }
  return done(open);
}

function mayNot(config: InfisicalConfig, key: string): Trouble {
  return problem(
    "VENDOR_PERMISSION",
    `The rights of this identity do not let it write ${spot(config, key)}`,
    "a key that could not be stored must not be created",
    "lockstep test <secret>    after you have given the identity the right to edit secrets there",
  );
}

function unsaid(config: InfisicalConfig, seen: readonly Seen[]): readonly string[] {
  return seen.flatMap(({ key, held }) =>
    typeof held === "string" || held.rotated !== undefined
      ? []
      : [`whether Infisical's own rotation writes ${spot(config, key)} (this build does not say)`],
  );
}

/**
 * Ids of open change requests that touch this entry. Every known build shows them to people only: then the answer
 * holds what can be seen, which is nothing; of a request that its own write became the run knows, and asks a person.
 */
export async function openApprovals(
  config: InfisicalConfig,
  { client }: Deps,
): Promise<Outcome<readonly string[]>> {
  const found = await client.openRequests(config);
  if (found.is !== "done") return outcomeOf(found);
  if (found.value === "not shown") return done([]);
  const ours = new Set(Object.values(config.fields));
  // One that does not tell its keys may touch any of them.
  const touching = found.value.filter(({ keys }) => keys === undefined || keys.some((key) => ours.has(key)));
  return done(touching.map(({ id }) => id));
}

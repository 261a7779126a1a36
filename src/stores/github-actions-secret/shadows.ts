import { done, type Outcome } from "../../core/outcome.ts";
import type { Elsewhere } from "../../vendors/github/client.ts";
import type { ListedSecret, Repository } from "../../vendors/github/shapes.ts";
import { type Answer, outcomeOf } from "../../vendors/reply.ts";
import type { Config, Deps } from "./place.ts";

/** A name of ours in another place. */
interface Hit {
  readonly name: string;
  /** Spelled as the configuration declares it: `environment production`. */
  readonly where: string;
}

/** What a look around a repository's secrets found. */
export interface Surroundings {
  /** Names of ours in places that are not declared. */
  readonly hits: readonly Hit[];
  /** Places that the token may not look at, in words. */
  readonly open: readonly string[];
}

/** Sets of secrets beside the repository's own, each with the permission of a fine-grained token that lists it. */
const PLACES: Readonly<Record<Elsewhere, { readonly says: string; readonly needs: string }>> = {
  organization: { says: "Actions secrets of the organization", needs: "Secrets: read" },
  dependabot: { says: "Dependabot secrets", needs: "Dependabot secrets: read" },
  codespaces: { says: "Codespaces secrets", needs: "Codespaces secrets: write" },
  "organization dependabot": {
    says: "Dependabot secrets of the organization",
    needs: "Organization dependabot secrets: read",
  },
  "organization codespaces": {
    says: "Codespaces secrets of the organization",
    needs: "Organization codespaces secrets: read",
  },
};

/** Calls of a look, for a repository with one environment. */
export const LOOKS = 2 + Object.keys(PLACES).length;

/** Looks for our names everywhere else that workflows, Dependabot and Codespaces of the repository read from (HK-22). */
export async function surroundings(
  config: Config,
  deps: Deps,
  repository: Repository,
): Promise<Outcome<Surroundings>> {
  const around = await inEnvironments(config, deps);
  if (around.is !== "done") return around;
  const hits = [...around.value.hits];
  const open = [...around.value.open];
  for (const [where, { says, needs }] of Object.entries(PLACES) as [Elsewhere, typeof PLACES.dependabot][]) {
    // Nothing of an organization reaches a person's repository.
    if (repository.ownedByUser && where.startsWith("organization")) continue;
    const seen = await reaching(config, deps, repository, where);
    if (seen.is === "done") hits.push(...named(config, where, seen.value));
    else if (isClosed(seen)) open.push(unseen(config, says, needs));
    else return outcomeOf(seen);
  }
  return done({ hits: hits.filter(({ where }) => !isDeclared(config, where)), open });
}

async function inEnvironments(config: Config, { client }: Deps): Promise<Outcome<Surroundings>> {
  const environments = await client.environments(config.repository);
  if (environments.is !== "done") {
    if (!isClosed(environments)) return outcomeOf(environments);
    const open = [unseen(config, "secrets of its environments", "Actions: read")];
    // The same permission lists workflow runs, so the drain would not be told either (HK-23).
    if (environments.trouble.code === "VENDOR_PERMISSION")
      open.push(unseen(config, "whether its workflow runs have ended", "Actions: read"));
    return done({ hits: [], open });
  }
  const hits: Hit[] = [];
  const open: string[] = [];
  for (const environment of environments.value) {
    const seen = await client.environmentSecrets(config.repository, environment);
    if (seen.is === "done") hits.push(...named(config, `environment ${environment}`, seen.value));
    else if (isClosed(seen))
      open.push(unseen(config, `secrets of environment ${environment}`, "Environments: read"));
    else return outcomeOf(seen);
  }
  return done({ hits, open });
}

/** The secrets of a place that the repository's jobs see. */
async function reaching(
  config: Config,
  { client }: Deps,
  repository: Repository,
  where: Elsewhere,
): Promise<Answer<readonly ListedSecret[]>> {
  const listed = await client.secretsElsewhere(config.repository, where);
  if (listed.is !== "done") return listed;
  const found: ListedSecret[] = [];
  for (const secret of listed.value) {
    if (!isOurs(config, secret) || (secret.visibility === "private" && !repository.isPrivate)) continue;
    if (secret.visibility === "selected") {
      const audience = await client.audience(config.repository, where, secret.name);
      if (audience.is !== "done") return audience;
      if (!audience.value.includes(repository.id)) continue;
    }
    found.push(secret);
  }
  return { is: "done", value: found };
}

function named(config: Config, where: string, secrets: readonly ListedSecret[]): Hit[] {
  return secrets.filter((one) => isOurs(config, one)).map(({ name }) => ({ name, where }));
}

function isOurs({ fields }: Config, { name }: ListedSecret): boolean {
  return Object.values(fields).includes(name.toUpperCase());
}

// GitHub ignores the case of an environment's name.
function isDeclared({ shadows = [] }: Config, where: string): boolean {
  return shadows.some((declared) => declared.toLowerCase() === where.toLowerCase());
}

/** Whether GitHub itself said that this token does not see the place; anything else it said, or did not say, is no answer. */
function isClosed(answer: Exclude<Answer<unknown>, { is: "done" }>): boolean {
  if (answer.is !== "refused" || answer.said === undefined) return false;
  return answer.trouble.code === "VENDOR_PERMISSION" || answer.trouble.code === "VENDOR_TARGET_MISSING";
}

function unseen({ repository }: Config, says: string, needs: string): string {
  return `github ${repository}: ${says} (needs "${needs}")`;
}

import type { Trouble } from "../../core/errors.ts";
import { done, type NotDone, type Outcome, refused } from "../../core/outcome.ts";
import type { Readiness } from "../../core/store.ts";
import type { Repository } from "../../vendors/github/shapes.ts";
import { outcomeOf } from "../../vendors/reply.ts";
import {
  type Config,
  type Deps,
  GIVE_WRITE,
  lastChange,
  observationOf,
  place,
  problem,
  targetOf,
} from "./place.ts";
import { type Surroundings, surroundings } from "./shadows.ts";

/** Whether the secret can be written and proved, before anything is created: the right repository (P6), the right to write (HK-25), the proof's workflow, and nothing else of the name (HK-22). */
export async function ready(config: Config, deps: Deps): Promise<Outcome<Readiness>> {
  const repository = await place(config, deps);
  if (repository.is !== "done") return repository;
  const right = rightToWrite(config, repository.value);
  if ("is" in right) return right;
  const seen = await lastChange(config, deps);
  if (seen.is !== "done") return seen;
  const unproved = await proofMissing(config, deps);
  if (unproved) return unproved;
  const around = await surroundings(config, deps, repository.value);
  if (around.is !== "done") return around;
  if (around.value.hits.length > 0) return refused(shadowed(config, around.value));
  const open = [...right.open, ...around.value.open];
  return done({ ...observationOf(deps, repository.value, seen.value), mayWrite: right.mayWrite, open });
}

/** GitHub tells the scopes of a classic token and the role of its user; what a fine-grained one may do shows only when it tries. */
function rightToWrite(
  config: Config,
  { scopes, mayPush }: Repository,
): Pick<Readiness, "mayWrite" | "open"> | NotDone {
  const target = targetOf(config);
  if (config.byHand)
    return { mayWrite: "unknown", open: [`whether the person who writes ${target} may do so`] };
  if (scopes !== undefined) {
    if (!scopes.includes("repo")) return refused(lacking(config, "the token has no scope repo"));
    if (mayPush === false) return refused(lacking(config, "its user may not write to the repository"));
    if (mayPush === true) return { mayWrite: "yes", open: [] };
  }
  return { mayWrite: "unknown", open: [`whether the token may write ${target} (needs "Secrets: write")`] };
}

/** What stands in the way of the proof, if one is configured. */
async function proofMissing({ repository, proof }: Config, { client }: Deps): Promise<NotDone | undefined> {
  if (proof === undefined) return undefined;
  const answer = await client.workflow(repository, proof.workflow);
  const code = answer.is === "refused" ? answer.trouble.code : undefined;
  if (answer.is !== "done" && code === "VENDOR_PERMISSION")
    return refused({
      ...answer.trouble,
      next: `lockstep test <secret>    after you have given the token "Actions: write" on the repository, ${OR}`,
    });
  if (answer.is !== "done" && code !== "VENDOR_TARGET_MISSING") return outcomeOf(answer);
  const state = answer.is === "done" ? answer.value.state : "not there";
  if (state === "active") return undefined;
  return refused(
    problem(
      "DESTINATION_UNREADY",
      `The proof workflow ${proof.workflow} of ${repository} is ${state}`,
      "whether a job holds the new value could not be shown",
      `lockstep test <secret>    after you have put it on the default branch and enabled it, ${OR}`,
    ),
  );
}

const OR = "or taken `proof` out of the destination";

function lacking(config: Config, found: string): Trouble {
  return problem(
    "VENDOR_PERMISSION",
    `${targetOf(config)}: ${found}`,
    "GitHub would refuse the write",
    GIVE_WRITE,
  );
}

function shadowed(config: Config, { hits }: Surroundings): Trouble {
  const places = hits.map(({ name, where }) => `${name} in ${where}`).join(", ");
  const wheres = [...new Set(hits.map(({ where }) => JSON.stringify(where)))].join(", ");
  return problem(
    "SHADOWED",
    `${config.repository} knows the same name elsewhere: ${places}`,
    "an environment's secret goes before the repository's, the repository's before the organization's, and Dependabot and Codespaces read their own: jobs could go on with a value that this run does not write",
    `lockstep test <secret>    after you have removed it there; or, where no run is under way, declared it on this destination: shadows: [${wheres}]`,
  );
}

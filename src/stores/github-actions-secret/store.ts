import { defineStore, type StoreDescription } from "../../core/adapter.ts";
import { done, type Outcome } from "../../core/outcome.ts";
import type { Holding, Observation } from "../../core/store.ts";
import { githubActionsSecretConfig } from "./config.ts";
import { DRAIN_CALLS, drained } from "./drained.ts";
import { type Config, count, type Deps, lastChange, observationOf, place, targetOf } from "./place.ts";
import { prove } from "./prove.ts";
import { ready } from "./ready.ts";
import { LOOKS, surroundings } from "./shadows.ts";
import { write } from "./write.ts";

/** Actions secrets of a repository: written sealed, never readable, so proved by a job that holds them, or by our accepted and uncontested write. */
export const githubActionsSecret = defineStore({
  kind: "github-actions-secret",
  canonical: false,
  vendor: "github",
  config: githubActionsSecretConfig,
  capabilities: ({ proof }) => ({
    read: false,
    history: false,
    atomicFields: false,
    effectiveWhen: "next-run",
    grade: proof === undefined ? "receipt" : "behaviour",
    surveys: "copy",
  }),
  describe,
  costs: {
    ready: ({ fields, proof }) => 1 + count(fields) + (proof === undefined ? 0 : 1) + LOOKS,
    observe: ({ fields }) => 1 + count(fields),
    write: ({ fields }) => 2 + 2 * count(fields),
    // A job's proof takes two looks: one that finds no run and dispatches it, one that reads its jobs.
    prove: ({ fields, proof }) => count(fields) * (proof === undefined ? 1 : 6),
    drained: () => DRAIN_CALLS,
    survey: 1 + LOOKS,
  },
  connect: (config, deps: Deps) => ({
    ready: () => ready(config, deps),
    observe: () => observe(config, deps),
    write: (values) => write(config, deps, values),
    prove: (receipt, values) => prove(config, deps, receipt, values),
    drained: (receipt) => drained(config, deps, receipt),
    survey: () => survey(config, deps),
  }),
});

/** Secrets of the same name beside this one: what they hold cannot be read, and jobs may take them instead (HK-22). */
async function survey(config: Config, deps: Deps): Promise<Outcome<readonly Holding[]>> {
  const repository = await place(config, deps);
  if (repository.is !== "done") return repository;
  const around = await surroundings(config, deps, repository.value);
  if (around.is !== "done") return around;
  return done(around.value.hits.map(({ name, where }) => ({ place: placeOf(config, name, where) })));
}

async function observe(config: Config, deps: Deps): Promise<Outcome<Observation>> {
  const repository = await place(config, deps);
  if (repository.is !== "done") return repository;
  const seen = await lastChange(config, deps);
  if (seen.is !== "done") return seen;
  return done(observationOf(deps, repository.value, seen.value));
}

function describe(config: Config): StoreDescription {
  const { repository, fields, proof, shadows = [], byHand } = config;
  const names = Object.values(fields);
  const remarks = [
    "its value cannot be read back",
    "environment, organization, Dependabot and Codespaces secrets of the same name are looked for where the token may; where it may not the plan says unknown",
    "counted for one environment of the repository; each other one takes one call more a look",
    ...(proof
      ? [`the proof dispatches ${proof.workflow} on ${proof.ref} of ${repository}, once a write`]
      : []),
    ...(shadows.length > 0 ? [`the same name is allowed in ${shadows.join(", ")}`] : []),
  ];
  const described = {
    target: targetOf(config),
    places: names.map((name) => placeOf(config, name)),
    remarks,
  };
  return byHand ? { ...described, byHand: byHandOf(repository, names[0] ?? "") } : described;
}

function placeOf({ repository }: Config, name: string, where?: string): string {
  return ["github", repository, where, name].filter((part) => part !== undefined).join(" ");
}

/** Command and page for the person who writes it (DR-05, DR-13); gh takes the value from its standard input. */
function byHandOf(repository: string, name: string): NonNullable<StoreDescription["byHand"]> {
  return {
    command: ["gh", "secret", "set", name, "--repo", repository],
    lines: [
      `Page: https://github.com/${repository}/settings/secrets/actions`,
      `Under "Repository secrets": ${name}, Update secret (New repository secret where it is not there yet)`,
      "Paste the value and save; or hand it to the command on its standard input",
      "Whoever does it needs the write role on the repository",
    ],
  };
}

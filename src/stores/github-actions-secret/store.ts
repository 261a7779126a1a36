import { defineStore, type StoreDescription } from "../../core/adapter.ts";
import { done, type Outcome } from "../../core/outcome.ts";
import type { Observation } from "../../core/store.ts";
import { githubActionsSecretConfig } from "./config.ts";
import { DRAIN_CALLS, drained } from "./drained.ts";
import { type Config, count, type Deps, lastChange, observationOf, place, targetOf } from "./place.ts";
import { prove } from "./prove.ts";
import { ready } from "./ready.ts";
import { LOOKS } from "./shadows.ts";
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
    surveys: false,
  }),
  describe,
  costs: {
    // Every environment takes one more.
    ready: ({ fields, proof }) => 1 + count(fields) + (proof === undefined ? 0 : 1) + LOOKS,
    observe: ({ fields }) => 1 + count(fields),
    write: ({ fields }) => 2 + 2 * count(fields),
    // A job's proof takes two looks: one that finds no run and dispatches it, one that reads its jobs.
    prove: ({ fields, proof }) => count(fields) * (proof === undefined ? 1 : 6),
    drained: () => DRAIN_CALLS,
    survey: 0,
  },
  connect: (config, deps: Deps) => ({
    ready: () => ready(config, deps),
    observe: () => observe(config, deps),
    write: (values) => write(config, deps, values),
    prove: (receipt, values) => prove(config, deps, receipt, values),
    drained: (receipt) => drained(config, deps, receipt),
    // Nothing that GitHub keeps secret can be read back, so there is nothing to look through.
    survey: async () => done([]),
  }),
});

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
    "each environment of the repository takes one call more than counted",
    ...(proof
      ? [`the proof dispatches ${proof.workflow} on ${proof.ref} of ${repository}, once a write`]
      : []),
    ...(shadows.length > 0 ? [`the same name is allowed in ${shadows.join(", ")}`] : []),
  ];
  const described = {
    target: targetOf(config),
    places: names.map((name) => `github ${repository} ${name}`),
    remarks,
  };
  return byHand ? { ...described, byHand: byHandOf(repository, names[0] ?? "") } : described;
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

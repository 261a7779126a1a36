import { defineStore } from "../../core/adapter.ts";
import type { Trouble } from "../../core/errors.ts";
import { done, type Outcome, unknown } from "../../core/outcome.ts";
import type { Values } from "../../core/secret-value.ts";
import type { Receipt } from "../../core/store.ts";
import { failed, inForce } from "../../vendors/heroku/app.ts";
import { LOOK_EVERY } from "../../vendors/heroku/processes.ts";
import type { Release } from "../../vendors/heroku/shapes.ts";
import { type HerokuConfigVarConfig, herokuConfigVarConfig } from "./config.ts";
import { type Deps, fieldOf, holds, namesIn, placeOf, problem, targetOf } from "./place.ts";
import { drained, prove } from "./prove.ts";
import { misplaced, observe, ready } from "./ready.ts";
import { survey } from "./survey.ts";

type Config = HerokuConfigVarConfig;

/** Config vars of a Heroku app: readable, all fields in one release, in force when its release phase has succeeded (heroku-github.md A6). */
export const herokuConfigVar = defineStore({
  kind: "heroku-config-var",
  canonical: false,
  vendor: "heroku",
  config: herokuConfigVarConfig,
  // Old values stay readable in past releases and come back with a rollback.
  capabilities: () => ({
    read: true,
    history: true,
    atomicFields: true,
    effectiveWhen: "on-release",
    grade: "value",
    surveys: "access",
  }),
  describe: (config) => ({
    target: targetOf(config),
    places: Object.values(config.fields).map((name) => placeOf(config.app, name)),
    remarks:
      config.health === undefined ? ["no health URL is declared: what an app answers is not asked"] : [],
  }),
  // `prove` asks for preboot only while web processes are young, as they are after every write. Before that it looks at
  // releases and processes until they have been up for long enough; longer where they take their time to start.
  costs: {
    ready: () => 5,
    observe: () => 2,
    write: () => 4,
    prove: (_config, steadyMs) => 5 + 2 * Math.ceil(steadyMs / LOOK_EVERY),
    drained: () => 1,
    survey: 1,
    surveyOfEach: 2,
  },
  connect: (config, deps: Deps) => ({
    ready: () => ready(config, deps),
    observe: () => observe(config, deps),
    write: (values, how) => write(config, deps, values, how?.regardless),
    prove: (receipt, values) => prove(config, deps, receipt, values),
    drained: (receipt) => drained(config, deps, receipt),
    survey: () => survey(config, deps),
  }),
});

async function write(
  config: Config,
  deps: Deps,
  values: Values,
  regardless = false,
): Promise<Outcome<Receipt>> {
  const { client } = deps;
  const [vars, releases] = await Promise.all([
    client.configVars(config.appId, namesIn(config)),
    client.releases(config.appId),
  ]);
  if (vars.is !== "done") return failed(config, vars);
  if (releases.is !== "done") return failed(config, releases);
  const astray = await misplaced(config, deps, releases.value);
  if (astray !== undefined) return astray;
  const [before] = releases.value;
  if (before?.status === "pending") {
    // Reads show the old values while a release phase runs. What is under way must not be sent again: it would
    // restart the app twice; nor may an equal old value be trusted, since what is under way may replace it.
    const coming = await client.releaseConfigVars(config.appId, before.version, namesIn(config));
    if (coming.is !== "done") return failed(config, coming);
    if (holds(config, coming.value, values)) return done(receiptOf(deps, values, before, false));
  } else if (!regardless && holds(config, vars.value, values)) {
    return done(receiptOf(deps, values, inForce(releases.value), false));
  }
  const changes = Object.fromEntries(
    Object.entries(config.fields).map(([field, name]) => [name, fieldOf(values, field)]),
  );
  const patched = await client.patchConfigVars(config.appId, changes);
  if (patched.is !== "done") return failed(config, patched);
  const release = await client.latestRelease(config.appId);
  if (release.is !== "done") return unknown(unread(config, release));
  if ((release.value?.version ?? 0) <= (before?.version ?? 0)) {
    // Nothing changed. The answer to a write is no lagging read.
    if (regardless && holds(config, patched.value, values))
      return done(receiptOf(deps, values, inForce(releases.value), false));
    const found = `Heroku accepted the write of ${targetOf(config)}, but shows no new release`;
    return unknown(problem("DESTINATION_UNPROVED", found, "the write may not have taken place"));
  }
  return done(receiptOf(deps, values, release.value, true));
}

function receiptOf(deps: Deps, values: Values, release: Release | undefined, wrote: boolean): Receipt {
  const receipt = { copy: deps.copy, at: deps.clock.now(), fingerprints: deps.fingerprint(values), wrote };
  if (release === undefined) return receipt;
  return { ...receipt, version: String(release.version), changedAt: release.createdAt };
}

function unread(config: Config, { trouble }: { trouble: Trouble }): Trouble {
  const because = `its release could not be read afterwards (${trouble.message})`;
  return problem("DESTINATION_UNPROVED", `Heroku accepted the write of ${targetOf(config)}`, because);
}

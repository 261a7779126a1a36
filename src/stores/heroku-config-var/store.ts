import { defineStore, type StoreDeps } from "../../core/adapter.ts";
import type { ErrorCode, Trouble } from "../../core/errors.ts";
import { done, type Outcome, type Proof, refused, unknown } from "../../core/outcome.ts";
import type { Values } from "../../core/secret-value.ts";
import type { Observation, Receipt } from "../../core/store.ts";
import type { HerokuClient } from "../../vendors/heroku/client.ts";
import type { ConfigVars, Release } from "../../vendors/heroku/shapes.ts";
import { type Answer, outcomeOf } from "../../vendors/reply.ts";
import { type HerokuConfigVarConfig, herokuConfigVarConfig } from "./config.ts";

type Config = HerokuConfigVarConfig;
type Deps = StoreDeps<HerokuClient>;

/** Config vars of a Heroku app: readable, all fields in one release, in force when its release phase has succeeded (heroku-github.md A6). */
export const herokuConfigVar = defineStore({
  kind: "heroku-config-var",
  canonical: false,
  vendor: "heroku",
  config: herokuConfigVarConfig,
  // Old values stay readable in past releases and come back with a rollback.
  capabilities: {
    read: true,
    history: true,
    atomicFields: true,
    effectiveWhen: "on-release",
    grade: "value",
  },
  describe: (config) => ({ target: targetOf(config) }),
  costs: { observe: () => 2, write: () => 4, prove: () => 2 },
  connect: (config, deps: Deps) => ({
    observe: () => observe(config, deps),
    write: (values) => write(config, deps, values),
    prove: (receipt) => prove(config, deps, receipt),
  }),
});

async function observe(config: Config, deps: Deps): Promise<Outcome<Observation>> {
  const { client, clock, fingerprint } = deps;
  const [app, vars] = await Promise.all([client.app(config.appId), client.configVars(config.appId)]);
  if (app.is !== "done") return outcomeOf(app);
  if (vars.is !== "done") return outcomeOf(vars);
  if (app.value.id !== config.appId || app.value.name !== config.app) {
    const found = `App ${config.appId} is called ${app.value.name}, not ${config.app} as configured`;
    return refused(problem("DESTINATION_UNREADY", found, "the plan would name another place"));
  }
  const held = heldIn(config, vars.value);
  const seen = { at: clock.now(), targetId: app.value.id, present: held !== undefined };
  return done(held === undefined ? seen : { ...seen, fingerprints: fingerprint(held) });
}

async function write(config: Config, deps: Deps, values: Values): Promise<Outcome<Receipt>> {
  const { client } = deps;
  const [vars, latest] = await Promise.all([
    client.configVars(config.appId),
    client.latestRelease(config.appId),
  ]);
  if (vars.is !== "done") return outcomeOf(vars);
  if (latest.is !== "done") return outcomeOf(latest);
  const before = latest.value;
  if (before?.status === "pending") {
    // Reads show the old values while a release phase runs. What is under way must not be sent again: it would
    // restart the app twice; nor may an equal old value be trusted, since what is under way may replace it.
    const coming = await client.releaseConfigVars(config.appId, before.version);
    if (coming.is !== "done") return outcomeOf(coming);
    if (holds(config, coming.value, values)) return done(receiptOf(deps, values, before, false));
  } else if (holds(config, vars.value, values)) {
    return done(receiptOf(deps, values, before, false));
  }
  const changes = Object.fromEntries(
    Object.entries(config.fields).map(([field, name]) => [name, fieldOf(values, field)]),
  );
  const patched = await client.patchConfigVars(config.appId, changes);
  if (patched.is !== "done") return outcomeOf(patched);
  const release = await client.latestRelease(config.appId);
  if (release.is !== "done") return unknown(unread(config, release));
  if ((release.value?.version ?? 0) <= (before?.version ?? 0)) {
    const found = `Heroku accepted the write of ${targetOf(config)}, but shows no new release`;
    return unknown(problem("DESTINATION_UNPROVED", found, "the write may not have taken place"));
  }
  return done(receiptOf(deps, values, release.value, true));
}

async function prove(config: Config, deps: Deps, receipt: Receipt): Promise<Proof> {
  const { client, clock, fingerprint } = deps;
  const [vars, release] = await Promise.all([
    client.configVars(config.appId),
    decisiveRelease(config, client, Number(receipt.version ?? "0")),
  ]);
  if (vars.is !== "done") return open(vars);
  if (release.is !== "done") return open(release);
  const { version, status } = release.value;
  if (status === "failed" || status === "expired") {
    const found = `Release v${version} of ${config.app} ${status}`;
    const because = "Heroku keeps the release before it, with the value that was there";
    return {
      is: "refuted",
      trouble: problem("DESTINATION_UNPROVED", found, because, releaseLog(config, version)),
    };
  }
  if (status !== "succeeded") {
    const found = `Release v${version} of ${config.app} is ${status}`;
    const because = "its release phase has not ended, and the old value is in force until then";
    return { is: "unknown", trouble: problem("DESTINATION_UNPROVED", found, because) };
  }
  const held = heldIn(config, vars.value);
  const now = held && fingerprint(held);
  const same = Object.keys(config.fields).every((field) => now?.[field] === receipt.fingerprints[field]);
  if (now === undefined || !same) {
    const found = `Release v${version} of ${config.app} succeeded, but ${targetOf(config)} reads back ${now ? "another value" : "nothing"}`;
    return {
      is: "unknown",
      trouble: problem("DESTINATION_UNPROVED", found, "somebody else may have changed it"),
    };
  }
  const says = `Release v${version} of ${config.app} succeeded and ${targetOf(config)} reads back the value`;
  return { is: "proved", at: clock.now(), says };
}

/**
 * The release whose end decides whether the receipt's value is in force: the latest, or the receipt's own where a later
 * one has already ended, so that somebody's failed deploy after our write does not count against it.
 */
async function decisiveRelease(
  config: Config,
  client: HerokuClient,
  version: number,
): Promise<Answer<Release>> {
  const latest = await client.latestRelease(config.appId);
  if (latest.is !== "done") return latest;
  const found = latest.value ?? { version: 0, status: "missing", createdAt: "" };
  if (found.version < version) return { is: "done", value: { ...found, version, status: "not shown yet" } };
  return found.version > version && version > 0 && found.status !== "pending"
    ? client.release(config.appId, version)
    : { is: "done", value: found };
}

function receiptOf(deps: Deps, values: Values, release: Release | undefined, wrote: boolean): Receipt {
  const receipt = { copy: deps.copy, at: deps.clock.now(), fingerprints: deps.fingerprint(values), wrote };
  if (release === undefined) return receipt;
  return { ...receipt, version: String(release.version), changedAt: release.createdAt };
}

/** The configured fields as the app holds them; undefined where one is missing. */
function heldIn(config: Config, vars: ConfigVars): Values | undefined {
  const held = Object.entries(config.fields).flatMap(([field, name]) => {
    const value = vars[name];
    return value === undefined ? [] : [[field, value] as const];
  });
  return held.length === Object.keys(config.fields).length ? Object.fromEntries(held) : undefined;
}

function holds(config: Config, vars: ConfigVars, values: Values): boolean {
  const held = heldIn(config, vars);
  return Object.keys(config.fields).every((field) => held?.[field]?.equals(fieldOf(values, field)) === true);
}

function open(answer: Exclude<Answer<unknown>, { is: "done" }>): Proof {
  return { is: answer.is === "refused" ? "refuted" : "unknown", trouble: answer.trouble };
}

function unread(config: Config, { trouble }: { trouble: Trouble }): Trouble {
  const because = `its release could not be read afterwards (${trouble.message})`;
  return problem("DESTINATION_UNPROVED", `Heroku accepted the write of ${targetOf(config)}`, because);
}

function problem(code: ErrorCode, message: string, because: string, next?: string): Trouble {
  return {
    code,
    message,
    because,
    next: next ?? "Look at the app's activity in Heroku's dashboard, then retry",
  };
}

function releaseLog({ app }: Config, version: number): string {
  return `heroku releases:output v${version} -a ${app}, then retry`;
}

function fieldOf(values: Values, field: string) {
  const value = values[field];
  // Fields of secret and stores are compared when the configuration is loaded, so this is a fault of ours.
  if (value === undefined) throw new TypeError(`the credential has no field ${field}`);
  return value;
}

function targetOf({ app, fields }: Config): string {
  return `heroku ${app} ${Object.values(fields).join(", ")}`;
}

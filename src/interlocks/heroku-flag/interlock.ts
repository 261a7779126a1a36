import { defineInterlock } from "../../core/adapter.ts";
import type { Position, Standing, Turn } from "../../core/interlock.ts";
import { done, type NotDone, type Outcome, unknown } from "../../core/outcome.ts";
import { failed, misnamed } from "../../vendors/heroku/app.ts";
import type { Release } from "../../vendors/heroku/shapes.ts";
import { type HerokuFlagConfig, herokuFlagConfig } from "./config.ts";
import { type Deps, meaningIn, problem, targetOf, unclear } from "./place.ts";
import { prove } from "./prove.ts";

type Config = HerokuFlagConfig;

/** A config var of a Heroku app that the app reads as a switch, e.g. `TRADING_LIVE_DISABLED`; it takes effect by a release and the restart after it. */
export const herokuFlag = defineInterlock({
  kind: "heroku-flag",
  vendor: "heroku",
  config: herokuFlagConfig,
  capabilities: { read: true, effectiveWhen: "on-release", grade: "value" },
  describe: (config) => ({ target: targetOf(config) }),
  connect: (config, deps: Deps) => ({
    observe: () => observe(config, deps),
    close: () => turn(config, deps, "closed"),
    open: () => turn(config, deps, "open"),
    prove: (position) => prove(config, deps, position),
  }),
});

async function observe(config: Config, deps: Deps): Promise<Outcome<Standing>> {
  const seen = await look(config, deps);
  if (seen.is !== "done") return seen;
  const { is, releases } = seen.value;
  if (is === "unknown") return unknown(unclear(config));
  const since = is === "closed" ? await sinceWhen(config, deps, releases) : undefined;
  const whence = since && { since: since.createdAt, ...versionOf(since) };
  return done({ at: deps.clock.now(), is, targetId: config.appId, ...whence });
}

async function turn(config: Config, deps: Deps, to: Position): Promise<Outcome<Turn>> {
  const { client, clock } = deps;
  const seen = await look(config, deps);
  if (seen.is !== "done") return seen;
  const { is: found, releases } = seen.value;
  const [before] = releases;
  if (found === to) return done({ at: clock.now(), found, wrote: false, ...versionOf(before) });
  const text = to === "closed" ? config.closedValue : config.openValue;
  const patched = await client.setPlainConfigVar(config.appId, config.name, text);
  if (patched.is !== "done") return failed(config, patched);
  const after = await client.latestRelease(config.appId);
  const accepted = `Heroku accepted the write of ${targetOf(config)}`;
  if (after.is !== "done")
    return unknown(
      problem(
        "INTERLOCK_UNPROVED",
        accepted,
        `its release could not be read afterwards (${after.trouble.message})`,
      ),
    );
  if ((after.value?.version ?? 0) <= (before?.version ?? 0))
    return unknown(
      problem(
        "INTERLOCK_UNPROVED",
        `${accepted}, but shows no new release`,
        "the write may not have taken place",
      ),
    );
  return done({ at: clock.now(), found, wrote: true, ...versionOf(after.value) });
}

interface Seen {
  readonly is: Position | "unknown";
  /** Newest first. */
  readonly releases: readonly Release[];
}

/** What was last set: during a release phase that is what the coming release holds, or it would be sent again and restart the app twice. */
async function look(config: Config, { client }: Deps): Promise<{ is: "done"; value: Seen } | NotDone> {
  const { appId } = config;
  const [vars, releases] = await Promise.all([
    client.configVars(appId, [config.name]),
    client.releases(appId),
  ]);
  if (vars.is !== "done") return failed(config, vars);
  if (releases.is !== "done") return failed(config, releases);
  const wrong = await misnamed(config, client, releases.value);
  if (wrong.is !== "done") return failed(config, wrong);
  if (wrong.value !== undefined) return { is: "refused", trouble: otherApp(config, wrong.value) };
  const [latest] = releases.value;
  const coming =
    latest?.status === "pending"
      ? await client.releaseConfigVars(appId, latest.version, [config.name])
      : vars;
  if (coming.is !== "done") return failed(config, coming);
  return { is: "done", value: { is: meaningIn(config, coming.value), releases: releases.value } };
}

/** The oldest of the newest releases that all hold it closed; undefined where they go further back than the list, or cannot be read. */
async function sinceWhen(
  config: Config,
  { client }: Deps,
  releases: readonly Release[],
): Promise<Release | undefined> {
  let since: Release | undefined;
  for (const release of releases) {
    if (release.status !== "succeeded" && release.status !== "pending") continue;
    const vars = await client.releaseConfigVars(config.appId, release.version, [config.name]);
    if (vars.is !== "done") return undefined;
    if (meaningIn(config, vars.value) !== "closed") return since;
    since = release;
  }
  return undefined;
}

function otherApp(config: Config, found: string) {
  return problem(
    "DESTINATION_UNREADY",
    found,
    "another app would be opened or closed in its place",
    `lockstep interlock status <interlock>    after you have corrected the name or the id of ${config.app} in the configuration`,
  );
}

function versionOf(release: Release | undefined): { readonly version?: string } {
  return release === undefined ? {} : { version: String(release.version) };
}

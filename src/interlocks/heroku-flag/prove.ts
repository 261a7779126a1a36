import type { Position } from "../../core/interlock.ts";
import type { Proof } from "../../core/outcome.ts";
import { failed, lingering, misnamed, startedWithout, unlisted } from "../../vendors/heroku/app.ts";
import type { Processes } from "../../vendors/heroku/app-shapes.ts";
import { hitchIn, namesOf, standing } from "../../vendors/heroku/processes.ts";
import type { ConfigVars, Release } from "../../vendors/heroku/shapes.ts";
import type { Answer } from "../../vendors/reply.ts";
import type { HerokuFlagConfig } from "./config.ts";
import { type Deps, meaningIn, problem, targetOf, unclear } from "./place.ts";

type Config = HerokuFlagConfig;

/** All that one look gathers. */
interface Seen {
  readonly releases: readonly Release[];
  readonly processes: Processes;
  /** Those in force. */
  readonly vars: ConfigVars;
}

type Check = (
  config: Config,
  deps: Deps,
  position: Position,
  seen: Seen,
) => Promise<Proof | undefined> | Proof | undefined;

/** What must not speak against it, in this order: what is stored, what runs, what may run unseen, what the app says. */
const CHECKS: readonly Check[] = [isTheApp, hasReleased, isStored, isStarted, isUp, isWhole, isAlone, isWell];

/**
 * Whether every process was started with the flag in this position: it keeps the config vars of its release for as long as it
 * runs. For closed that goes for one-off ones too, which trade like any other; for open, only for those that are kept running.
 */
export async function prove(config: Config, deps: Deps, position: Position): Promise<Proof> {
  const { client, clock } = deps;
  const { appId } = config;
  const [releases, processes, vars] = await Promise.all([
    client.releases(appId),
    client.dynos(appId),
    client.configVars(appId, [config.name]),
  ]);
  if (releases.is !== "done") return unseen(config, releases);
  if (processes.is !== "done") return unseen(config, processes);
  if (vars.is !== "done") return unseen(config, vars);
  const seen = { releases: releases.value, processes: processes.value, vars: vars.value };
  for (const check of CHECKS) {
    const hitch = await check(config, deps, position, seen);
    if (hitch !== undefined) return hitch;
  }
  const count = standing(seen.processes.dynos).length;
  const says = `${targetOf(config)} is ${position}, and ${started(count)}`;
  return { is: "proved", at: clock.now(), says };
}

async function isTheApp(config: Config, { client }: Deps, _: Position, { releases }: Seen) {
  const wrong = await misnamed(config, client, releases);
  if (wrong.is !== "done") return unseen(config, wrong);
  return wrong.value === undefined ? undefined : notYet(wrong.value, "another app is looked at in its place");
}

function hasReleased({ app }: Config, _deps: Deps, _: Position, { releases }: Seen) {
  const [latest] = releases;
  if (latest?.status !== "pending") return undefined;
  const because = "what was set before is in force until its release phase has ended";
  return notYet(`Release v${latest.version} of ${app} is pending`, because);
}

function isStored(config: Config, _deps: Deps, position: Position, { releases, vars }: Seen) {
  const is = meaningIn(config, vars);
  if (is === position) return undefined;
  if (is === "unknown") return { is: "refuted", trouble: unclear(config) } as const;
  const [latest] = releases;
  const failedOne = latest !== undefined && latest.status !== "succeeded";
  const because = failedOne
    ? `release v${latest.version} ${latest.status}, and Heroku keeps what was in force before it`
    : "it was never set, or somebody else has set it otherwise since";
  const trouble = problem("INTERLOCK_UNPROVED", `${targetOf(config)} is ${is}, not ${position}`, because);
  return { is: "refuted", trouble } as const;
}

async function isStarted(config: Config, { client }: Deps, position: Position, { processes }: Seen) {
  const running = processes.dynos.filter(({ state }) => state !== "down");
  const those = position === "closed" ? running : standing(running);
  // Each release is asked, also the one in force: the lists that say which that is may be older than the config vars.
  const without = await startedWithout(config, client, those, {
    names: [config.name],
    holds: (vars) => meaningIn(config, vars) === position,
  });
  if (without.is !== "done") return unseen(config, without);
  if (without.value.length === 0) return undefined;
  const found = `Started on ${config.app} before it was ${position}: ${namesOf(without.value)}`;
  return notYet(found, "a process keeps the config vars that it was started with until it ends");
}

/** What is closed need not run. */
function isUp({ app }: Config, _deps: Deps, position: Position, { processes }: Seen) {
  const hitch = position === "open" ? hitchIn(processes, 0, 0) : undefined;
  return hitch && notYet(`Processes of ${app}: ${hitch.says}`, "what does not run lets nothing through");
}

async function isWhole(config: Config, { client }: Deps, position: Position, { processes }: Seen) {
  const found = await unlisted(config, client, processes);
  if (found.is !== "done") return unseen(config, found);
  if (found.value === undefined) return undefined;
  return notYet(found.value, `one that is not listed cannot be shown to be ${position}`);
}

async function isAlone(config: Config, { client }: Deps, _: Position, { processes }: Seen) {
  const found = await lingering(config, client, processes);
  if (found.is !== "done") return unseen(config, found);
  if (found.value === undefined) return undefined;
  return notYet(found.value, "they hold what was set before, and still answer requests");
}

async function isWell({ app, health }: Config, { client }: Deps) {
  const found = health === undefined ? undefined : await client.health(health);
  if (found === undefined || found.is === "well") return undefined;
  return notYet(`${app}: ${found.says}`, "it is not shown to work");
}

function started(count: number): string {
  if (count === 0) return "no process runs that would have to see it";
  return `${count === 1 ? "the one process was" : `all ${count} processes were`} started with it`;
}

/** Whatever stops a look shows nothing: not even Heroku's own refusal says where the flag stands. */
function unseen(config: Config, failure: Exclude<Answer<never>, { is: "done" }>): Proof {
  const { trouble, ...rest } = failed(config, failure);
  const wait = rest.is === "retryable" && rest.afterMs !== undefined ? { askAgainMs: rest.afterMs } : {};
  return { is: "unknown", trouble, ...wait };
}

function notYet(found: string, because: string): Proof {
  return { is: "unknown", trouble: problem("INTERLOCK_UNPROVED", found, because) };
}
